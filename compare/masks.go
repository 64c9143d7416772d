package compare

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"repro/compare/kinds"
	"repro/format/manifest"
	"repro/report"
)

// The names of what [manifest.Rule.Masks] may hide (SPEC.md CMP-46).
const (
	maskDates     = "dates"
	maskTimings   = "timings"
	maskProcesses = "processes"
	maskAddresses = "addresses"
	maskPaths     = "paths"
	maskIDs       = "ids"
	maskHosts     = "hosts"
	maskVersions  = "versions"
)

const (
	monthName = `(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)`
	clockTime = `\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,9})?(?: ?[AaPp][Mm]\b)?`
	timeZone  = `(?: ?(?:Z|UTC|GMT|CES?T|[ECMP][DS]T|[-+]\d{2}:?\d{2})\b)?`
	weekday   = `(?:(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?,? )?`
)

// masks are the patterns of each name, in the order in which they are applied.
// Where one has a group, only what the group matches is hidden. They are
// compiled when the first is used, not whenever this program starts.
var masks = []struct {
	name     string
	patterns func() []*regexp.Regexp
}{
	{maskPaths, compiled(`(?:/private)?/(?:tmp|var/tmp|var/folders|dev/shm|scratch/tmp)/[^\s"'<>:,;()\[\]{}]*`)},
	{maskIDs, compiled(`\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b`)},
	{maskDates, compiled(
		`\b\d{4}[-/.]\d{2}[-/.]\d{2}(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?`+timeZone+`)?`,
		`\b`+weekday+monthName+`\.? \d{1,2},? \d{4}(?:,? `+clockTime+timeZone+`)?\b`,
		`\b`+weekday+monthName+` {1,2}\d{1,2} `+clockTime+timeZone+`(?: \d{4})?\b`,
		`\b`+weekday+`\d{1,2}(?:th|st|nd|rd)?[- ]`+monthName+`[- ]\d{4}(?:,? `+clockTime+timeZone+`)?\b`,
		`\b\d{1,2}[/.]\d{1,2}[/.]\d{4}(?: `+clockTime+timeZone+`)?\b`,
		`\b`+clockTime+timeZone,
	)},
	{maskTimings, compiled(
		`\b((?:\d+h ?)?\d+m ?\d+(?:\.\d+)?s)\b`,
		`\b(\d+(?:\.\d+)?(?:[eE][-+]?\d+)? ?(?:ns|µs|μs|us|ms|s|secs?|seconds?|mins?|minutes?|h|hrs?|hours?|it/s|s/it))\b`,
		`(?i)\b(?:(?:time )?elapsed|time difference of|took|wall|runtime|duration|walltime|(?:cpu|wall|run|user|system|total|elapsed)[ _-]?time)(?: time)? ?(?:\([a-z]+\))? ?[:=]? ?((?:\d+:)?\d{1,2}:\d{2}(?:\.\d+)?|\d+(?:\.\d+)?(?:e[-+]?\d+)?)`,
	)},
	{maskProcesses, compiled(
		`(?i)\b(?:pid|tid|process(?: id)?|thread(?: id)?|job(?: id)?)[ =:#]{1,3}(\d+)\b`,
		`[A-Za-z_)-]\[(\d{1,10})\]:`,
		`^==(\d{1,10})==`,
	)},
	{maskHosts, compiled(
		`(?i)\b(?:host(?:name)?|node(?:name)?|machine|computer)(?: name)? ?[=:] ?([a-z][a-z0-9-]*(?:\.[a-z0-9-]+)*)`,
		`(?i)\brunning on (?:host |node )?([a-z][a-z0-9-]*(?:\.[a-z0-9-]+)*)`,
	)},
	{maskVersions, compiled(
		`(?i)\b(?:python|ipython|julia|octave|matlab|perl|gcc|g\+\+|clang|cuda|numpy|scipy|pandas|matplotlib|scikit-learn|pytorch|torch|tensorflow|openblas|mkl|glibc|linux|ubuntu|debian)(?:,? version)?(?: |==|: ?|/|-)v?(\d+(?:\.\d+)+[0-9a-z.+~-]*)`,
		`\bR version (\d+\.\d+\.\d+)`,
		`(?i)\bversion[ =:]{1,3}v?(\d+(?:\.\d+){2,}[0-9a-z.+~-]*)`,
	)},
	{maskAddresses, compiled(
		`\b0x[0-9a-fA-F]{4,16}\b`,
		`\b(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?\b`,
		`\b(?:localhost|127\.0\.0\.1):(\d{1,5})\b`,
	)},
}

func compiled(patterns ...string) func() []*regexp.Regexp {
	return sync.OnceValue(func() (out []*regexp.Regexp) {
		for _, p := range patterns {
			out = append(out, regexp.MustCompile(p))
		}
		return out
	})
}

// Masks lists the names that a rule's masks may have.
func Masks() []string {
	var names []string
	for _, m := range masks {
		names = append(names, m.name)
	}
	slices.Sort(names)
	return names
}

// hiding is one pattern of a rule. Where parts, only what its groups match is
// hidden.
type hiding struct {
	counted
	parts bool
}

// masked returns the patterns of the masks that a rule names.
func masked(names []string) ([]hiding, error) {
	for _, name := range names {
		if !slices.Contains(Masks(), name) {
			return nil, &RuleError{"masks", clip(name), "want " + strings.Join(Masks(), ", ")}
		}
	}
	var out []hiding
	for _, m := range masks {
		if !slices.Contains(names, m.name) {
			continue
		}
		for _, re := range m.patterns() {
			out = append(out, hiding{counted{Regexp: re}, re.NumSubexp() == 1})
		}
	}
	return out, nil
}

// replace hides what matches in text, and counts.
func (h hiding) replace(text []byte) ([]byte, int64) {
	if !h.may(text) {
		return text, 0
	}
	all := h.FindAllSubmatchIndex(text, -1)
	if len(all) == 0 {
		return text, 0
	}
	var out []byte
	at := 0
	for _, m := range all {
		from, to := m[0], m[1]
		if h.parts {
			from, to = m[2], m[3]
		}
		out = append(append(out, text[at:from]...), mask...)
		at = to
	}
	return append(out, text[at:]...), int64(len(all))
}

// hintedKinds are made of lines that masks hide, and quick to compare again.
var hintedKinds = []string{kinds.Text, kindXML, kindSVG, kindHTML, kindLaTeX, kindMarkdown}

// maxHinted bounds the texts that are compared again for a hint, in bytes.
const maxHinted = 4 << 20

// hint says what the rule could leave out, that it does not, for two files of a
// kind that differ to agree: how many blanks there are, or what masks it names;
// empty if there is no such thing.
func (f File) hint(ctx context.Context, new File, kind, diff string, r manifest.Rule) string {
	if !slices.Contains(hintedKinds, kind) || !f.atMost(maxHinted) || !new.atMost(maxHinted) {
		return ""
	}
	agreeBy := func(r manifest.Rule) bool {
		ready, err := prepare(r)
		found := report.Finding{Kind: kind}
		return err == nil && run(ctx, &found, f, new, ready, sinks{}) == nil && found.Verdict.Reproduced()
	}
	if free := r; kind == kinds.Text && r.Blanks == "" {
		if free.Blanks = blanksFree; agreeBy(free) {
			return "; only how many blanks or empty lines there are differs: blanks: free would pass over it, which is right where no place of a table can be empty"
		}
	}
	if len(r.Masks) > 0 || !maskable(diff) {
		return ""
	}
	agree := func(names []string) bool {
		r.Masks = names
		return agreeBy(r)
	}
	needed := Masks()
	if !agree(needed) {
		return ""
	}
	for _, name := range Masks() {
		without := slices.DeleteFunc(slices.Clone(needed), func(n string) bool { return n == name })
		if len(without) > 0 && agree(without) {
			needed = without
		}
	}
	return fmt.Sprintf("; only %s differ: masks: [%s] would leave them out", strings.Join(needed, " and "), strings.Join(needed, ", "))
}

// maskable reports whether a mask could hide something of the first place of a
// diff: if not, the files differ whatever is masked.
func maskable(diff string) bool {
	all, _ := masked(Masks())
	changed := 0
	for _, line := range strings.Split(diff, "\n") {
		if strings.HasPrefix(line, "@@") {
			if changed > 0 {
				break
			}
			continue
		}
		if line == "" || line[0] != '-' && line[0] != '+' {
			continue
		}
		changed++
		text := []byte(line[1:])
		if strings.HasSuffix(line, "…") || !bytes.ContainsFunc(text, unicode.IsLetter) { // was shortened, or may be R's times
			return true
		}
		for _, h := range all {
			if _, n := h.replace(text); n > 0 {
				return true
			}
		}
	}
	return changed == 0
}

// atMost reports whether a file is known to be so small.
func (f File) atMost(size int64) bool {
	info, err := fs.Stat(f.FS, f.Name)
	return err == nil && !f.unpack && info.Size() <= size
}
