package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestDocs plays the guides: every command in a block marked "console" is typed
// in order, and must print the lines that stand below it. "…" in such a line
// stands for anything, and a line of its own for any lines. "# status N" after a
// command is the status that it must end with. A block marked with a language
// and a file's name is that file. A comment "<!-- needs CONDITION -->" skips a
// guide where the machine lacks what it needs; "<!-- play COMMAND -->" makes what
// its reader has already, "<!-- script LINE -->" is a line of the script as it is.
func TestDocs(t *testing.T) {
	guides, err := filepath.Glob("../docs/*.md")
	if err != nil || len(guides) == 0 {
		t.Fatalf("no guides: %v", err)
	}
	dir := t.TempDir()
	for _, guide := range guides {
		text, err := os.ReadFile(guide)
		if err != nil {
			t.Fatal(err)
		}
		script := playable(string(text))
		name := strings.TrimSuffix(filepath.Base(guide), ".md") + ".txtar"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p := params()
	p.Dir = dir
	testscript.Run(t, p)
}

var statusNote = regexp.MustCompile(`\s+# status ([0-9]+)$`)

// playable makes a script of a guide.
func playable(guide string) string {
	var script, files strings.Builder
	lines := strings.Split(guide, "\n")
	for i := 0; i < len(lines); i++ {
		if need, ok := strings.CutPrefix(lines[i], "<!-- needs "); ok {
			need = strings.TrimSuffix(need, " -->")
			fmt.Fprintf(&script, "[!%s] skip 'needs %s'\n", need, need)
		}
		if command, ok := strings.CutPrefix(lines[i], "<!-- play "); ok {
			playBlock(&script, []string{"$ " + strings.TrimSuffix(command, " -->")})
		}
		if command, ok := strings.CutPrefix(lines[i], "<!-- script "); ok {
			fmt.Fprintln(&script, strings.TrimSuffix(command, " -->"))
		}
		info, fence := strings.CutPrefix(lines[i], "```")
		if !fence {
			continue
		}
		end := i + 1
		for end < len(lines) && lines[end] != "```" {
			end++
		}
		block := lines[i+1 : min(end, len(lines))]
		if words := strings.Fields(info); len(words) == 2 {
			fmt.Fprintf(&files, "-- %s --\n%s\n", words[1], strings.Join(block, "\n"))
		} else if info == "console" {
			playBlock(&script, block)
		}
		i = end
	}
	return script.String() + files.String()
}

func playBlock(script *strings.Builder, block []string) {
	for _, line := range block {
		command, typed := strings.CutPrefix(line, "$ ")
		switch {
		case typed:
			status := 0
			if m := statusNote.FindStringSubmatch(command); m != nil {
				status, _ = strconv.Atoi(m[1])
				command = strings.TrimSuffix(command, m[0])
			}
			fmt.Fprintf(script, "exits %d sh -c %s\n", status, scriptWord("("+command+") 2>&1"))
		case strings.TrimSpace(line) != "" && strings.TrimSpace(line) != "…":
			fmt.Fprintf(script, "stdout %s\n", scriptWord(strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(line)), "…", ".*")))
		}
	}
}

// scriptWord quotes one word of a script.
func scriptWord(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func TestPlayable(t *testing.T) {
	got := playable("# T\n<!-- needs sandbox -->\nText.\n\n```python a.py\nprint(1)\n```\n\n```console\n$ repro run 'x y'   # status 5\nran …, [ok]\n…\n$ ls\n```\n\n```\n$ not played\n```\n")
	want := "[!sandbox] skip 'needs sandbox'\nexits 5 sh -c '(repro run ''x y'') 2>&1'\nstdout 'ran .*, \\[ok\\]'\nexits 0 sh -c '(ls) 2>&1'\n-- a.py --\nprint(1)\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
