package repro

import (
	"bufio"
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write the index of SPEC.md anew, and take what is cited now from the list of what is not")

const (
	uncitedFile  = "testdata/spec-uncited.txt"
	indexHeading = "## Index of clauses"
	maxSpecLine  = 300 // characters
)

// clause is one numbered rule of SPEC.md.
type clause struct {
	id, part string
	number   int
	letter   string // of a clause that came later: "a" in RUN-7a
	line     int
	begins   string // its first line of text
}

// heading is a heading of SPEC.md with the clauses below it.
type heading struct {
	level   int
	title   string
	anchor  string
	clauses []clause
}

var (
	clauseLine   = regexp.MustCompile(`^- \*\*([A-Z]{2,3})-([0-9]+)([a-z]?)\*\* (.+)$`)
	likeClause   = regexp.MustCompile(`(?m)^(?:- \*\*|- |\*\*|\n)[A-Z]{2,3}-[0-9]+.*$`)
	headingLine  = regexp.MustCompile(`^(#+) (.+)$`)
	partHeading  = regexp.MustCompile(`^([A-Z]{2,3}): `)
	partTableRow = regexp.MustCompile(`(?m)^\| \[([A-Z]{2,3})\]\(#([^)]+)\) \| .+ \|$`)
)

// citedParts finds names of parts: behind the word, or in brackets.
var citedParts = regexp.MustCompile(`\b[Pp]arts?\s+([A-Z]{2,3})\b|\(([A-Z]{2,3})[,)]|,\s([A-Z]{2,3})\)`)

// noParts are other words of capitals that stand in brackets.
var noParts = []string{"MPI", "PAX", "RSA", "TAB"}

// readSpec takes the headings and clauses from SPEC.md, without its index.
func readSpec(t *testing.T) []heading {
	t.Helper()
	var all []heading
	anchors := map[string]int{}
	fenced := false
	for i, line := range strings.Split(specText(), "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
		}
		if fenced {
			continue
		}
		if m := headingLine.FindStringSubmatch(line); m != nil {
			all = append(all, heading{level: len(m[1]), title: m[2], anchor: anchorOf(m[2], anchors)})
			continue
		}
		m := clauseLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		n, err := strconv.Atoi(m[2])
		if err != nil {
			t.Fatalf("SPEC.md:%d: %v", i+1, err)
		}
		under := &all[len(all)-1]
		under.clauses = append(under.clauses, clause{
			id: m[1] + "-" + m[2] + m[3], part: m[1], number: n, letter: m[3], line: i + 1, begins: m[4],
		})
	}
	return all
}

// specText is SPEC.md without its index.
func specText() string {
	text, _, _ := strings.Cut(string(Spec), "\n"+indexHeading)
	return text
}

// anchorOf is what a link to a heading leads to: its letters, digits, hyphens
// and underscores in lower case, with hyphens for spaces; a number follows
// where an earlier heading has the same.
func anchorOf(title string, seen map[string]int) string {
	anchor := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, title)
	n := seen[anchor]
	if seen[anchor]++; n > 0 {
		return fmt.Sprintf("%s-%d", anchor, n)
	}
	return anchor
}

// parts returns the names of the parts in their order, each with its anchor.
func parts(spec []heading) (names, anchors []string) {
	for _, h := range spec {
		if m := partHeading.FindStringSubmatch(h.title); m != nil && h.level == 2 {
			names, anchors = append(names, m[1]), append(anchors, h.anchor)
		}
	}
	return names, anchors
}

// defined returns the lines on which clauses stand.
func defined(spec []heading) map[string]int {
	lines := map[string]int{}
	for _, h := range spec {
		for _, c := range h.clauses {
			lines[c.id] = c.line
		}
	}
	return lines
}

// TestSpecForm holds the typography of clauses, their order and the length of
// lines.
func TestSpecForm(t *testing.T) {
	for i, line := range strings.Split(string(Spec), "\n") {
		if n := utf8.RuneCountInString(line); n > maxSpecLine {
			t.Errorf("SPEC.md:%d: %d characters, more than %d", i+1, n, maxSpecLine)
		}
	}
	for _, like := range likeClause.FindAllString(specText(), -1) {
		if like = strings.TrimSpace(like); !clauseLine.MatchString(like) {
			t.Errorf("SPEC.md: %.40q: a clause begins as `- **PART-1** Text`", like)
		}
	}
	part, last, lines := "", clause{}, map[string]int{}
	for _, h := range readSpec(t) {
		if m := partHeading.FindStringSubmatch(h.title); m != nil && h.level == 2 {
			part, last = m[1], clause{}
		}
		for _, c := range h.clauses {
			if line := lines[c.id]; line > 0 {
				t.Errorf("SPEC.md:%d: %s stands on line %d too", c.line, c.id, line)
			}
			if c.part != part {
				t.Errorf("SPEC.md:%d: %s stands in part %s", c.line, c.id, part)
			}
			if cmp.Or(cmp.Compare(last.number, c.number), cmp.Compare(last.letter, c.letter)) > 0 {
				t.Errorf("SPEC.md:%d: %s stands after %s", c.line, c.id, last.id)
			}
			lines[c.id], last = c.line, c
		}
	}
}

// TestSpecParts compares the table at the start with the parts.
func TestSpecParts(t *testing.T) {
	names, anchors := parts(readSpec(t))
	var want, got []string
	for i, name := range names {
		want = append(want, name+" #"+anchors[i])
	}
	for _, row := range partTableRow.FindAllStringSubmatch(specText(), -1) {
		got = append(got, row[1]+" #"+row[2])
	}
	if !slices.Equal(got, want) {
		t.Errorf("the table of parts in SPEC.md has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestSpecIndex compares the index at the end with the clauses.
func TestSpecIndex(t *testing.T) {
	want := specText() + "\n" + specIndex(readSpec(t))
	if want == string(Spec) {
		return
	}
	if !*update {
		t.Error("SPEC.md: the index of clauses is not that of the clauses: go test . -run TestSpecIndex -update")
		return
	}
	if err := os.WriteFile("SPEC.md", []byte(want), 0o644); err != nil {
		t.Error(err)
	}
}

// specIndex lists the clauses under links to their headings, each with the
// words that it begins with.
func specIndex(spec []heading) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", indexHeading)
	for _, h := range spec {
		if len(h.clauses) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n[%s](#%s)\n\n", h.title, h.anchor)
		for _, c := range h.clauses {
			fmt.Fprintf(&b, "- %s %s\n", c.id, firstWords(c.begins))
		}
	}
	return b.String()
}

// firstWords shortens a line to its first sentence, or to what stands before a
// colon. Where that goes on in the next line, it says so.
func firstWords(line string) string {
	code := false
	for i, r := range line {
		switch rest := line[i+utf8.RuneLen(r):]; {
		case r == '`':
			code = !code
		case !code && i > 0 && strings.ContainsRune(".:", r) && (rest == "" || rest[0] == ' '):
			return line[:i]
		}
	}
	return line + " …"
}

// citation is a place that names a clause.
type citation struct{ file, id string }

// citations finds the clauses that a text names. "X-1 to X-4" names four.
func citations(names []string, file string, text []byte) (out []citation) {
	one := `\b(` + strings.Join(names, "|") + `)-([0-9]+)([a-z]?)\b`
	for _, m := range regexp.MustCompile(one).FindAllSubmatch(text, -1) {
		out = append(out, citation{file, string(m[0])})
	}
	for _, m := range regexp.MustCompile(one+`\s+(?://\s+)?to\s+(?://\s+)?`+one).FindAllSubmatch(text, -1) {
		from, err := strconv.Atoi(string(m[2]))
		to, err2 := strconv.Atoi(string(m[5]))
		if err != nil || err2 != nil || !bytes.Equal(m[1], m[4]) {
			continue
		}
		for n := from + 1; n < to; n++ {
			out = append(out, citation{"", fmt.Sprintf("%s-%d", m[1], n)}) // which may not exist
		}
	}
	return out
}

// citingFiles are the files of the tree that may cite SPEC.md: text in which a
// person wrote something.
func citingFiles(t *testing.T) (files []string) {
	t.Helper()
	endings := []string{"", ".go", ".json", ".md", ".py", ".sh", ".txt", ".txtar", ".yaml", ".yml"}
	err := filepath.WalkDir(".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && name != "." && name != ".ci" && strings.HasPrefix(e.Name(), "."):
			return fs.SkipDir
		case name == "SPEC.md" || name == "spec_test.go" || name == filepath.FromSlash(uncitedFile):
		case e.Type().IsRegular() && slices.Contains(endings, filepath.Ext(name)):
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestSpecCitations finds citations of clauses and parts that do not exist, in
// SPEC.md and elsewhere, and compares the clauses that nothing cites with the
// list of them, which must only get shorter.
func TestSpecCitations(t *testing.T) {
	spec := readSpec(t)
	lines := defined(spec)
	names, _ := parts(spec)
	for _, m := range citedParts.FindAllStringSubmatch(specText(), -1) {
		if name := m[1] + m[2] + m[3]; !slices.Contains(names, name) && !slices.Contains(noParts, name) {
			t.Errorf("SPEC.md: %q: there is no such part", m[0])
		}
	}
	all := citations(names, "SPEC.md", []byte(specText()))
	cited := map[string]bool{}
	for _, name := range citingFiles(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range citations(names, name, text) {
			cited[c.id] = true
			all = append(all, c)
		}
	}
	for _, c := range all {
		if lines[c.id] == 0 && c.file != "" {
			t.Errorf("%s: %s: SPEC.md has no such clause", c.file, c.id)
		}
	}
	checkUncited(t, spec, cited)
}

// checkUncited compares the clauses that nothing outside SPEC.md cites with the
// committed list.
func checkUncited(t *testing.T, spec []heading, cited map[string]bool) {
	t.Helper()
	listed := readLines(t, uncitedFile)
	var left []string
	for _, h := range spec {
		for _, c := range h.clauses {
			in := slices.Contains(listed, c.id)
			switch {
			case !cited[c.id] && in:
				left = append(left, c.id)
			case !cited[c.id]:
				t.Errorf("SPEC.md:%d: %s: neither code nor a test nor a vector cites it: cite it where it is implemented or tested", c.line, c.id)
			case in && !*update:
				t.Errorf("%s: %s is cited now: go test . -run TestSpecCitations -update", uncitedFile, c.id)
			}
		}
	}
	if *update {
		if err := os.WriteFile(uncitedFile, []byte(strings.Join(append(left, ""), "\n")), 0o644); err != nil {
			t.Error(err)
		}
	} else if len(left) < len(listed) && !t.Failed() {
		t.Errorf("%s lists clauses that SPEC.md does not have, or lists one twice", uncitedFile)
	}
}

func readLines(t *testing.T, name string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		lines = append(lines, s.Text())
	}
	return lines
}
