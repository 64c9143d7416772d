package view

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"repro/format/manifest"
	"repro/report"
)

// yamlText is a text as YAML takes it: a JSON string is one.
func yamlText(s string) string {
	b, err := json.Marshal(Clean(s))
	if err != nil {
		return `""`
	}
	return string(b)
}

// Said is what forms ask of the person who checked. Each part may be empty: then
// the form leaves its place open.
type Said struct {
	By          []manifest.Author
	Summary     string // in a few words, what came out
	Conflicts   string // of interest
	Certificate string // CODECHECK's number, YYYY-NNN
	Report      string // where the certificate is published
	Repository  string // where the material is
}

// signature is the part of a form in Markdown that a person answers for.
func (p *printer) signature(title string, s Said) {
	p.line("\n## %s\n", title)
	if len(s.By) == 0 {
		p.line("- Name:")
	}
	for _, a := range s.By {
		line := "- Name: " + md(a.Name)
		if a.ORCID != "" {
			line += ", ORCID iD " + md(a.ORCID)
		}
		p.line("%s", line)
	}
	p.line("- Conflicts of interest: %s", md(s.Conflicts))
	p.line("- Summary: %s", md(s.Summary))
}

// Codecheck writes codecheck.yml (https://codecheck.org.uk/spec/config/2.0/)
// as far as a program can fill it in. Who checked, the certificate's number
// and where it is published are the word of the person who checks: the rules
// (CC-CFG-023) refuse placeholders, so that fields that he leaves open are only
// named in comments. So is an output that is missing, which the manifest may
// not list (CC-BUN-001). SPEC.md, EXP-10.
func Codecheck(w io.Writer, r *report.Run, said Said) error {
	p := &printer{w: w}
	p.line("---\nversion: https://codecheck.org.uk/spec/config/2.0/\npaper:\n  title: %s\n  authors:", yamlText(r.Paper.Title))
	for _, a := range r.Paper.Authors {
		p.line("    - name: %s", yamlText(a.Name))
		if a.ORCID != "" {
			p.line("      ORCID: %s", yamlText(a.ORCID))
		} else {
			p.line("      # ORCID:")
		}
	}
	if r.Paper.DOI != "" {
		p.line("  reference: %s", yamlText("https://doi.org/"+r.Paper.DOI))
	} else {
		p.line("  # reference: https://doi.org/…")
	}
	p.codecheckManifest(r.Findings)
	summary := said.Summary
	if summary == "" {
		summary = sentence(Verdict(r.Counts)) + "."
	}
	p.line("summary: %s", yamlText(summary))
	if r.Finished != "" {
		p.line("check_time: %s", yamlText(r.Finished))
	}
	p.codechecker(said)
	return p.err
}

// codechecker writes what the person who checked has said, and names the rest.
func (p *printer) codechecker(said Said) {
	if len(said.By) > 0 {
		p.line("codechecker:")
	}
	for _, a := range said.By {
		p.line("  - name: %s", yamlText(a.Name))
		if a.ORCID != "" {
			p.line("    ORCID: %s", yamlText(a.ORCID))
		} else {
			p.line("    # ORCID:")
		}
	}
	var open []string
	if len(said.By) == 0 {
		open = append(open, "codechecker:", "  - name:", "    ORCID:")
	}
	for _, f := range []struct{ key, value, hint string }{
		{"repository", said.Repository, "where the material is published"},
		{"certificate", said.Certificate, "YYYY-NNN, from the register"},
		{"report", said.Report, "DOI of the certificate"},
	} {
		if f.value != "" {
			p.line("%s: %s", f.key, yamlText(f.value))
		} else {
			open = append(open, f.key+": "+f.hint)
		}
	}
	if len(open) > 0 {
		p.line("# For you to fill in:\n# %s", strings.Join(open, "\n# "))
	}
}

// codecheckManifest lists each output once, with all that was found of it.
func (p *printer) codecheckManifest(findings []report.Finding) {
	comments := map[string][]string{}
	var names []string
	for _, f := range findings {
		name := strings.TrimPrefix(f.Output, "/")
		if comments[name] == nil {
			names = append(names, name)
		}
		comment := string(f.Verdict) + ": " + f.Reason
		if f.Claim != "" {
			comment = f.Claim + " (" + comment + ")"
		}
		comments[name] = append(comments[name], comment)
	}
	p.line("manifest:")
	for _, name := range names {
		start := ""
		if missing(findings, name) {
			start = "# " // there is no such file
		}
		p.line("%s  - file: %s\n%s    comment: %s", start, yamlText(name), start, yamlText(strings.Join(comments[name], "; ")))
	}
}

func missing(findings []report.Finding, output string) bool {
	return slices.ContainsFunc(findings, func(f report.Finding) bool {
		return strings.TrimPrefix(f.Output, "/") == output && f.Verdict == report.Missing
	})
}

// AEA writes the findings part of the report that the American Economic
// Association's data editor asks of replicators, in Markdown. Tables and
// figures are those that the recipe names; what the replicator says of himself
// stands at the end.
func AEA(w io.Writer, r *report.Run, said Said) error {
	p := &printer{w: w}
	p.line("## Replication steps\n")
	for i, s := range r.Steps {
		p.line("%d. Ran step %s: %s, in %s.", i+1, md(s.Name), md(s.Status), duration(s.WallMS))
	}
	p.line("\n## Findings\n\n| Figure/Table # | File | Reproduced? | Notes |\n|---|---|---|---|")
	for _, f := range r.Findings {
		name, answer := f.Result, "No"
		if f.Claim != "" {
			name = f.Claim
		}
		switch {
		case f.Verdict.Reproduced():
			answer = "Yes"
		case f.Verdict == report.NeedsEyes:
			answer = "(look yourself)"
		}
		p.line("| %s | %s | %s | %s |", md(name), md(f.Output), answer, md(f.Reason))
	}
	p.line("\n## Computing environment of the replicator\n")
	for _, fact := range runFacts(r) {
		p.line("- %s: %s", fact[0], md(fact[1]))
	}
	p.line("\n## Classification\n")
	full, minor, partial, none := aeaClass(r)
	for _, c := range []struct {
		name string
		is   bool
	}{{"full reproduction", full}, {"full reproduction with minor issues", minor}, {"partial reproduction (more than 25 % of results differ)", partial},
		{"not able to reproduce most or all of the results", none}} {
		p.line("- [%s] %s", map[bool]string{true: "x", false: " "}[c.is], c.name)
	}
	p.line("\nThe boxes follow from counts alone: %s. Read the notes before you sign.", md(Verdict(r.Counts)))
	p.signature("Replicator", said)
	return p.err
}

// aeaClass sorts a run by the shares that the form names. What needs eyes is
// not counted as reproduced.
func aeaClass(r *report.Run) (full, minor, partial, none bool) {
	c := r.Counts
	switch {
	case c.Results == 0 || 4*c.Reproduced < c.Results:
		none = true
	case c.Reproduced == c.Results:
		full = true
	case 4*(c.Results-c.Reproduced) <= c.Results:
		minor = true
	default:
		partial = true
	}
	return
}

// ACM writes the evidence that the badges of the ACM (Artifact Review and
// Badging 1.1) ask for, in Markdown. It awards none: people do.
func ACM(w io.Writer, r *report.Run, said Said) error {
	p := &printer{w: w}
	p.line("# Evidence for artifact badges\n")
	done := 0
	for _, s := range r.Steps {
		if s.Status == "done" {
			done++
		}
	}
	c := r.Counts
	rows := [][3]string{
		{"Artifacts Available", doiEvidence(r.Paper.DOI), "An archive with a DOI must hold the image."},
		{"Artifacts Evaluated: documented", paperEvidence(r.Paper), "Is the description enough for you?"},
		{"Artifacts Evaluated: consistent", fmt.Sprintf("%d published results and claims are named", c.Results), "Are these the paper's results?"},
		{"Artifacts Evaluated: complete", "the steps saw the image and " + network(r.Isolation), "Is anything of the paper missing?"},
		{"Artifacts Evaluated: exercisable", fmt.Sprintf("%d of %d steps ran to their end", done, len(r.Steps)), ""},
		{"Results Reproduced", Verdict(c), "Do the differences, if any, touch the main claims?"},
	}
	p.line("| Badge | Evidence | For the evaluator |\n|---|---|---|")
	for _, row := range rows {
		p.line("| %s | %s | %s |", row[0], md(row[1]), row[2])
	}
	p.line("\n## Results\n")
	p.findingsTable(r.Findings)
	p.line("## Resources used\n\n| Step | Time | CPU time | Memory |\n|---|--:|--:|--:|")
	for _, s := range r.Steps {
		p.line("| %s | %s | %s | %s |", md(s.Name), duration(s.WallMS), duration(s.CPUMS), bytesOf(s.MaxRSS))
	}
	p.line("")
	for _, fact := range runFacts(r) {
		p.line("- %s: %s", fact[0], md(fact[1]))
	}
	p.signature("Evaluator", said)
	return p.err
}

func doiEvidence(doi string) string {
	if doi == "" {
		return "no DOI is stated"
	}
	return "the image states the DOI " + doi
}

func paperEvidence(p manifest.Paper) string {
	licence := p.Licence
	if licence == "" {
		licence = "no licence stated"
	}
	return fmt.Sprintf("title, %d %s, licence: %s", len(p.Authors), noun(len(p.Authors), "author"), licence)
}

func network(i report.Isolation) string {
	if i.Net {
		return "the machine's network"
	}
	return "nothing of the machine, nor a network"
}
