package view

import (
	"fmt"
	"io"
	"strings"

	"repro/report"
)

// markdownEscapes keeps text of a report from being read as Markdown, HTML, a
// mention of a person or a link.
var markdownEscapes = strings.NewReplacer(
	"\\", "\\\\", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[", "]", "\\]", "<", "&lt;", ">", "&gt;",
	"|", "\\|", "#", "\\#", "~", "\\~", "@", "&#64;", "://", ":&#47;/", "!", "\\!", "$", "\\$")

// md is text of a report within Markdown.
func md(s string) string { return markdownEscapes.Replace(Clean(s)) }

// Markdown writes the report of a run for a pull request or an editor's mail:
// the verdict, a table of results, then the steps and the machine.
func Markdown(w io.Writer, r *report.Run) error {
	p := &printer{w: w}
	if r.Paper.Title != "" {
		p.line("# %s\n", md(r.Paper.Title))
	}
	p.line("**%s**\n", sentence(md(Verdict(r.Counts))))
	p.findingsTable(r.Findings)
	p.line("| Step | Outcome | Time | CPU time | Memory |\n|---|---|--:|--:|--:|")
	for _, s := range r.Steps {
		p.line("| %s | %s | %s | %s | %s |", md(s.Name), md(strings.TrimSuffix(s.Status+": "+stepProblem(s, false), ": ")),
			duration(s.WallMS), duration(s.CPUMS), bytesOf(s.MaxRSS))
	}
	p.line("")
	if r.Repeat != nil {
		p.line("%s.\n", sentence(md(repeatWords(r))))
	}
	for _, fact := range runFacts(r) {
		p.line("- %s: %s", fact[0], md(fact[1]))
	}
	return p.err
}

// MarkdownCompare writes what `repro compare` found as Markdown.
func MarkdownCompare(w io.Writer, r *report.Compare) error {
	p := &printer{w: w}
	p.line("**%s**\n", sentence(md(Verdict(r.Counts))))
	p.findingsTable(r.Findings)
	return p.err
}

func (p *printer) findingsTable(findings []report.Finding) {
	if len(findings) == 0 {
		return
	}
	p.line("| | Result | Verdict | Why |\n|---|---|---|---|")
	for _, f := range findings {
		name := md(f.Result)
		if f.Claim != "" {
			name += ": " + md(f.Claim)
		}
		p.line("| %s | %s | %s | %s |", sign(f.Verdict), name, md(string(f.Verdict)), md(f.Reason))
	}
	p.line("")
}

// runFacts names what a run was, and where.
func runFacts(r *report.Run) [][2]string {
	facts := [][2]string{{"Image", r.Image}, {"Content id", string(r.ContentID)}, {"Signature", signed(r.Verify).Words},
		{"Machine", strings.TrimSuffix(orUnknown(r.Machine.CPU)+", "+machine(r.Machine), ", ")}}
	if r.Started != "" {
		facts = append(facts, [2]string{"Run", strings.TrimSuffix(r.Started+", took "+elapsed(r.Started, r.Finished), ", took ")})
	}
	for _, note := range r.Isolation.Notes {
		facts = append(facts, [2]string{"Note", note})
	}
	return append(facts, [2]string{"Program", fmt.Sprintf("repro %s", r.Machine.Repro)})
}
