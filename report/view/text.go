package view

import (
	"fmt"
	"io"
	"strings"

	"repro/format/manifest"
	"repro/report"
)

// Compare writes what `repro compare` found. With diffs, each result that did
// not come out again is followed by where it differs.
func Compare(w io.Writer, r *report.Compare, diffs bool, s Style) error {
	p := &printer{w: w, style: s}
	c := table(r.Findings)
	for i, f := range r.Findings {
		c.writeRow(p, i)
		if diffs && !f.Verdict.Reproduced() {
			p.diff(f.Diff)
		}
	}
	p.verdict(r.Counts)
	return p.err
}

func table(findings []report.Finding) *columns {
	c := &columns{indent: "  "}
	for _, f := range findings {
		c.add(cell{string(f.Verdict), toneOf(f.Verdict), false}, cell{text: Clean(f.Result)}, cell{text: Clean(f.Reason)})
	}
	return c
}

func (p *printer) diff(text string) {
	for line := range strings.Lines(text) {
		line = Clean(strings.TrimSuffix(line, "\n"))
		t := dim
		switch {
		case strings.HasPrefix(line, "-"):
			t = bad
		case strings.HasPrefix(line, "+"):
			t = good
		}
		p.line("      %s", p.style.paint(t, line))
	}
}

func (p *printer) verdict(c report.Counts) {
	t := good
	if c.Reproduced < c.Results || c.Results == 0 {
		t = bad
	}
	p.line("%s", p.style.paint(t, Verdict(c)))
}

// Run writes what `repro run` found: the steps, the findings, the verdict.
func Run(w io.Writer, r *report.Run, s Style) error {
	p := &printer{w: w, style: s}
	if r.Paper.Title != "" {
		p.line("%s", s.paint(bold, Clean(r.Paper.Title)))
	}
	p.steps(r.Steps)
	if i := r.Isolation; i.Layers != "" && i.Layers != "fuse" && i.Reason != "" { // not the way that needs no word
		p.line("  %s: %s", Clean(i.Layers), Clean(i.Reason))
	}
	for _, note := range r.Isolation.Notes {
		p.line("  %s", s.paint(warn, "note: "+Clean(note)))
	}
	if words := bareNotebooks(r); words != "" {
		p.line("  %s", Clean(words))
	}
	if len(r.Findings) > 0 {
		table(r.Findings).write(p)
	}
	p.repeat(r)
	done := 0
	for _, st := range r.Steps {
		if st.Status == "done" {
			done++
		}
	}
	if len(r.Findings) == 0 && done < len(r.Steps) {
		p.line("%s", s.paint(bad, fmt.Sprintf("nothing was compared: %d of %d steps are done", done, len(r.Steps))))
		return p.err
	}
	p.verdict(r.Counts)
	return p.err
}

// bareNotebooks says which published notebooks steps saw without their outputs.
func bareNotebooks(r *report.Run) string {
	switch len(r.Notebooks) {
	case 0:
		return ""
	case 1:
		return "steps saw " + r.Notebooks[0] + " without its outputs"
	}
	return "steps saw " + strings.Join(r.Notebooks, ", ") + " without their outputs"
}

// repeat writes what a second run showed.
func (p *printer) repeat(r *report.Run) {
	if r.Repeat == nil {
		return
	}
	t := good
	if len(r.Repeat.Moved) > 0 {
		t = warn
	}
	p.line("%s", p.style.paint(t, repeatWords(r)))
	c := &columns{indent: "  "}
	for _, m := range r.Repeat.Moved {
		why := movedWords(m)
		for _, f := range r.Repeat.Results {
			if f.Output == m.Path {
				why = fmt.Sprintf("%s: %s: %s", f.Result, f.Verdict, f.Reason)
			}
		}
		c.add(cell{text: "moved", tone: warn}, cell{text: Clean(m.Path)}, cell{text: Clean(why)})
	}
	c.write(p)
}

// repeatWords says in one line what a second run showed.
func repeatWords(r *report.Run) string {
	var said string
	switch n := len(r.Repeat.Moved); {
	case r.Repeat.Files == 0:
		said = "a second run did not get as far"
	case n == 0:
		said = fmt.Sprintf("deterministic here: a second run left the same bytes in all %d files", r.Repeat.Files)
	default:
		said = fmt.Sprintf("not deterministic: a second run left other bytes in %d of %d files", n, r.Repeat.Files)
	}
	if r.Repeat.Reproduced < r.Counts.Reproduced {
		said += fmt.Sprintf(", and reproduced only %d of %d published results", r.Repeat.Reproduced, r.Counts.Results)
	}
	return said
}

func movedWords(m report.MovedFile) string {
	switch {
	case m.First == "":
		return "left by the second run only"
	case m.Second == "":
		return "left by the first run only"
	}
	return "other bytes"
}

func (p *printer) steps(steps []report.StepStatus) {
	c := columns{indent: "  "}
	for _, st := range steps {
		t := good
		if st.Status != "done" {
			t = bad
		}
		wall, cpu, memory := duration(st.WallMS), "cpu "+duration(st.CPUMS), bytesOf(st.MaxRSS)
		if st.Status == "skipped" {
			wall, cpu, memory = "", "", ""
		}
		c.add(cell{text: "step"}, cell{text: Clean(st.Name)}, cell{text: Clean(stepStatus(st)), tone: t},
			cell{text: wall, right: true}, cell{text: cpu, right: true},
			cell{text: memory, right: true}, cell{text: Clean(stepProblem(st, true)), tone: bad})
	}
	c.write(p)
}

// stepStatus is a step's status, and whether it became that before.
func stepStatus(st report.StepStatus) string {
	if st.Kept {
		return st.Status + " before"
	}
	return st.Status
}

// stepProblem says why a step is not done, and where to read on.
func stepProblem(st report.StepStatus, log bool) string {
	var parts []string
	if st.Problem != "" {
		parts = append(parts, st.Problem)
	}
	if st.Signal != "" {
		parts = append(parts, "signal "+st.Signal)
	}
	if st.Exit > 0 { // -1: it did not get to end by itself
		parts = append(parts, fmt.Sprintf("exit %d", st.Exit))
	}
	if log && st.Status != "done" && st.Log != "" {
		parts = append(parts, "log: "+st.Log)
	}
	return strings.Join(parts, "; ")
}

// Inspect writes what an image says of itself.
func Inspect(w io.Writer, r *report.Inspect, s Style) error {
	p := &printer{w: w, style: s}
	if m := r.Manifest; m != nil {
		p.paper(&m.Paper)
		p.experiment(m)
	}
	c := columns{indent: "  "}
	c.add(cell{text: "image"}, cell{text: Clean(r.Image) + ", " + bytesOf(r.Size)})
	if r.ContentID != "" {
		c.add(cell{text: "content id"}, cell{text: Clean(string(r.ContentID))})
	}
	c.add(cell{text: "uuid"}, cell{text: Clean(r.UUID)})
	c.write(p)
	p.descriptors(r.Objects)
	for _, problem := range r.Problems {
		p.line("  %s", s.paint(bad, "problem: "+Clean(problem)))
	}
	return p.err
}

func (p *printer) paper(paper *manifest.Paper) {
	p.line("%s", p.style.paint(bold, Clean(paper.Title)))
	c := columns{indent: "  "}
	for _, a := range paper.Authors {
		c.add(cell{text: "author"}, cell{text: author(a)})
	}
	for _, field := range [][2]string{{"doi", paper.DOI}, {"licence", paper.Licence}, {"date", paper.Date}, {"keywords", strings.Join(paper.Keywords, ", ")}} {
		if field[1] != "" {
			c.add(cell{text: field[0]}, cell{text: Clean(field[1])})
		}
	}
	c.write(p)
}

func author(a manifest.Author) string {
	parts := []string{a.Name}
	if a.ORCID != "" {
		parts = append(parts, "ORCID "+a.ORCID)
	}
	if a.Affiliation != "" {
		parts = append(parts, a.Affiliation)
	}
	return Clean(strings.Join(parts, ", "))
}

// experiment lists the environment, the steps and the published results.
func (p *printer) experiment(m *manifest.Manifest) {
	c := columns{indent: "  "}
	c.add(cell{text: "environment"}, cell{text: Clean(strings.TrimSpace(m.Environment.Kind+" "+m.Environment.Source) + ", " + m.Arch)})
	for _, st := range m.Steps {
		c.add(cell{text: "step"}, cell{text: Clean(st.Name)}, cell{text: Clean(command(st.Command)), tone: dim})
	}
	for _, r := range m.Results {
		c.add(cell{text: "result"}, cell{text: Clean(r.Name)}, cell{text: Clean(r.Output + ": " + ruleInWords(r.Compare)), tone: dim})
	}
	for _, claim := range m.Claims {
		c.add(cell{text: "claim"}, cell{text: Clean(claim.Name)}, cell{text: Clean(claim.Value + " in " + claim.Output), tone: dim})
	}
	c.write(p)
}

func (p *printer) descriptors(objects []report.InspectObject) {
	c := columns{indent: "  "}
	for _, o := range objects {
		c.add(cell{text: fmt.Sprint(o.ID), right: true}, cell{text: Clean(o.Name)}, cell{text: Clean(string(o.Role))}, cell{text: Clean(o.Type)},
			cell{text: bytesOf(o.Size), right: true}, cell{text: fmt.Sprintf("at %d", o.Offset), right: true}, cell{text: Clean(o.Digest.Short()), tone: dim})
	}
	c.write(p)
}

// command prints argv as a shell would take it.
func command(argv []string) string {
	quoted := make([]string, len(argv))
	for i, arg := range argv {
		quoted[i] = arg
		if arg == "" || strings.ContainsAny(arg, " \t\n\"'\\$`|&;<>()*?[]#~!{}") {
			quoted[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

// everyDigit is what a rule asks that states no tolerance.
const everyDigit = "every printed digit must agree"

// ruleInWords says what a rule accepts.
func ruleInWords(r manifest.Rule) string {
	var asked []string
	if r.Digits > 0 {
		asked = append(asked, fmt.Sprintf("%d significant digits", r.Digits))
	}
	if r.Relative != "" {
		asked = append(asked, "relative difference up to "+r.Relative)
	}
	if r.Absolute != "" {
		asked = append(asked, "absolute difference up to "+r.Absolute)
	}
	if r.ULP > 0 {
		asked = append(asked, fmt.Sprintf("%d float64 steps", r.ULP))
	}
	if r.Norm != "" {
		asked = append(asked, "difference up to "+r.Norm+" of the largest number of its column or array")
	}
	if len(r.Columns) > 0 {
		asked = append(asked, fmt.Sprintf("what is stated for %d %s", len(r.Columns), noun(len(r.Columns), "column")))
	}
	if r.Random {
		asked = append(asked, "the recorded spread")
	}
	if r.Score != "" {
		asked = append(asked, "similarity of at least "+r.Score)
	}
	words := everyDigit
	if len(asked) > 0 {
		words = strings.Join(asked, ", or ")
	}
	if r.Numbers != "" {
		words += "; published numbers are " + map[string]string{"exact": "written in full", "rounded": "rounded", "cut": "cut off"}[r.Numbers]
	}
	if r.Whole {
		words += "; also for whole numbers that count or name something"
	}
	if len(r.Omit) > 0 {
		words += "; without the " + noun(len(r.Omit), "column") + " " + strings.Join(r.Omit, ", ")
	}
	if len(r.Cells) > 0 {
		words += "; only the cells " + strings.Join(r.Cells, ", ")
	}
	if r.Blanks != "" {
		words += "; however many blanks"
	}
	if len(r.Masks) > 0 {
		words += "; without " + strings.Join(r.Masks, ", ")
	}
	if len(r.Ignore) > 0 {
		words += fmt.Sprintf("; without what %d %s", len(r.Ignore), map[bool]string{true: "pattern of the rule matches", false: "patterns of the rule match"}[len(r.Ignore) == 1])
	}
	if len(r.Only) > 0 || r.From != "" {
		words += "; only the lines that the rule selects"
	}
	return words
}
