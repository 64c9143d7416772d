package archive

import (
	"fmt"
	"strings"
	"time"
)

// appendix answers the check-list of artifact evaluations (ACM, USENIX) as far
// as the image knows.
func (d *deposit) appendix() []byte {
	p := d.manifest.Paper
	var b strings.Builder
	fmt.Fprintf(&b, "# Artifact appendix\n\n%s\n\n## Check-list\n\n", p.Title)
	item := func(label, value string) {
		if value != "" {
			fmt.Fprintf(&b, "- **%s:** %s\n", label, oneLine(value))
		}
	}
	item("Program", d.stepNames())
	item("Run-time environment", d.environmentText())
	item("Hardware", d.manifest.Arch+d.machineText())
	item("Data", d.dataText())
	item("Metrics", fmt.Sprintf("%d published results, each compared by the rule in repro.yaml", len(d.manifest.Results)))
	item("Output", "the files under `outputs/`, made anew")
	item("Disk space", sizeOf(d.im.Size())+" for the image, and as much again for a run")
	item("Time to prepare", "none: nothing is installed")
	item("Time to run", d.timeText())
	item("Memory", d.mostMemory())
	item("Licence", p.Licence)
	if d.options.DOI != "" {
		item("Archived", doiURL(d.options.DOI))
	}
	b.WriteString("\n## How to check it\n\n```\n" + d.commands() + "```\n\n")
	b.WriteString("The last line says how many published results came out again; the exit status is 0 if all did, 5 if not.\n\n")
	d.claims(&b)
	return []byte(b.String())
}

// aea follows the template README of the social science data editors.
func (d *deposit) aea() []byte {
	p := d.manifest.Paper
	var b strings.Builder
	fmt.Fprintf(&b, "# Replication package: %s\n\n## Overview\n\n%s\n\n", p.Title, d.description())
	b.WriteString("## Data availability and provenance\n\n")
	if len(d.recipe.Data) == 0 {
		b.WriteString("The experiment reads no data files.\n\n")
	} else {
		b.WriteString("| Data file | Source | Licence | Provided |\n|---|---|---|---|\n")
		for _, x := range d.recipe.Data {
			provided := "yes"
			if x.Fetch {
				provided = "no: `repro fetch` brings it"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", cellText(x.Path.Value), orDash(cellText(x.Source)), orDash(x.Licence), provided)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "## Computational requirements\n\n- Software: %s. `%s/` lists every package with its version.\n", d.environmentText(), sbomDir)
	fmt.Fprintf(&b, "- Architecture: %s%s\n", d.manifest.Arch, d.machineText())
	if t := d.timeText(); t != "" {
		fmt.Fprintf(&b, "- Run time: %s (%s)\n", t, d.timeBucket())
	}
	if m := d.mostMemory(); m != "" {
		fmt.Fprintf(&b, "- Memory: %s\n", m)
	}
	fmt.Fprintf(&b, "- Disk space: %s\n\n", sizeOf(d.im.Size()))
	b.WriteString("## Description of programs\n\n| Step | Command | Inputs | Outputs |\n|---|---|---|---|\n")
	for _, s := range d.manifest.Steps {
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", s.Name, cellText(strings.Join(s.Command, " ")), short(s.Inputs), short(s.Outputs))
	}
	b.WriteString("\n## Instructions to replicators\n\n```\n" + d.commands() + "```\n\n")
	d.claims(&b)
	return []byte(b.String())
}

func orDash(s string) string {
	if s == "" {
		return "not stated"
	}
	return s
}

// cellText keeps a value inside one cell of a Markdown table.
func cellText(s string) string {
	return strings.NewReplacer("|", `\|`, "`", "'").Replace(oneLine(s))
}

func short(paths []string) string {
	var out []string
	for _, p := range paths {
		out = append(out, "`"+cellText(strings.TrimPrefix(p, "/paper/"))+"`")
	}
	return strings.Join(out, ", ")
}

// claims lists each published result: where it is, which step makes it, what
// the last recorded run gave.
func (d *deposit) claims(b *strings.Builder) {
	if len(d.manifest.Results) == 0 {
		return
	}
	b.WriteString("## Results: tables, figures and numbers\n\n| Result | What the paper says | Published file | Step | Last recorded run |\n|---|---|---|---|---|\n")
	for _, r := range d.manifest.Results {
		fmt.Fprintf(b, "| %s | %s | `%s/%s` | %s | %s |\n", r.Name, cellText(r.Claim), outputsDir, cellText(r.Published), d.maker(r.Output), d.verdict(r.Name))
	}
}

func (d *deposit) maker(output string) string {
	step, _ := (&crateGraph{deposit: d}).made(output)
	return step
}

// verdict is what the last recorded run found about a result.
func (d *deposit) verdict(result string) string {
	if last := d.last(); last != nil {
		for _, f := range last.Findings {
			if f.Result == result {
				return string(f.Verdict)
			}
		}
	}
	return "no run recorded"
}

func (d *deposit) stepNames() string {
	var names []string
	for _, s := range d.manifest.Steps {
		names = append(names, s.Name)
	}
	return fmt.Sprintf("%d steps: %s", len(names), strings.Join(names, ", "))
}

func (d *deposit) environmentText() string {
	name := d.software.Name
	if name == "" {
		name = "programs of the building machine"
	}
	if len(d.software.Packages) == 0 {
		return name + ", all in the image; no package manager's records are there"
	}
	return fmt.Sprintf("%s, %d packages, all in the image", name, len(d.software.Packages))
}

func (d *deposit) machineText() string {
	last := d.last()
	if last == nil {
		return ""
	}
	return fmt.Sprintf(" (last run on %s, %d cores, %s of memory, %s)", last.Machine.CPU, last.Machine.CPUs, sizeOf(last.Machine.Memory), last.Machine.Kernel)
}

func (d *deposit) dataText() string {
	if len(d.recipe.Data) == 0 {
		return "none"
	}
	return fmt.Sprintf("%d entries, in the image and under `%s/`", len(d.recipe.Data), inputsDir)
}

// wall is how long the last recorded run took.
func (d *deposit) wall() time.Duration {
	last := d.last()
	if last == nil {
		return 0
	}
	var ms int64
	for _, s := range last.Steps {
		ms += s.WallMS
	}
	return time.Duration(ms) * time.Millisecond
}

func (d *deposit) timeText() string {
	w := d.wall()
	switch {
	case w == 0:
		return ""
	case w < time.Minute:
		return fmt.Sprintf("%.1f s", w.Seconds())
	case w < time.Hour:
		return fmt.Sprintf("%.0f minutes", w.Minutes())
	}
	return fmt.Sprintf("%.1f hours", w.Hours())
}

// timeBucket is the answer that the template README offers.
func (d *deposit) timeBucket() string {
	for _, b := range []struct {
		most time.Duration
		text string
	}{
		{10 * time.Minute, "less than 10 minutes"}, {time.Hour, "10 to 60 minutes"}, {2 * time.Hour, "1 to 2 hours"},
		{8 * time.Hour, "2 to 8 hours"}, {24 * time.Hour, "8 to 24 hours"}, {72 * time.Hour, "1 to 3 days"}, {14 * 24 * time.Hour, "3 to 14 days"},
	} {
		if d.wall() < b.most {
			return b.text
		}
	}
	return "more than 14 days"
}

// commands are what a reviewer types.
func (d *deposit) commands() string {
	var b strings.Builder
	name := d.imageName()
	keys := ""
	for _, f := range d.options.Keys {
		keys += " --key " + signaturesDir + "/" + f.Name
	}
	if keys != "" {
		fmt.Fprintf(&b, "repro verify%s %s\n", keys, name)
	}
	fmt.Fprintf(&b, "repro run%s %s\n", keys, name)
	return b.String()
}

// readme is README.md, which repositories show first.
func (d *deposit) readme() []byte {
	p := d.manifest.Paper
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", p.Title)
	var names []string
	for _, a := range p.Authors {
		names = append(names, a.Name)
	}
	if len(names) > 0 {
		fmt.Fprintf(&b, "%s, %s\n\n", strings.Join(names, ", "), d.date.Format("2006"))
	}
	fmt.Fprintf(&b, "%s\n\n", d.description())
	b.WriteString("Open `ro-crate-preview.html` in a browser for the same with pictures.\n\n## Check it in two commands\n\n```\n" + d.commands() + "```\n\n")
	fmt.Fprintf(&b, "No root, no network, nothing to install but the one program. ")
	if t := d.timeText(); t != "" {
		fmt.Fprintf(&b, "It took %s%s.", t, d.machineText())
	}
	b.WriteString("\n\n")
	d.claims(&b)
	b.WriteString("\n## What is here\n\n| | |\n|---|---|\n")
	for _, row := range d.contents() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", row.Path, row.Note)
	}
	if p.Licence != "" {
		fmt.Fprintf(&b, "\nLicence: %s; see LICENSES.md. How to cite: CITATION.cff.\n", p.Licence)
	}
	return []byte(b.String())
}

// row is one line about what is in the deposit.
type row struct{ Path, Note string }

func (d *deposit) contents() []row {
	var rows []row
	if !d.options.NoImage {
		rows = append(rows, row{d.imageName(), fmt.Sprintf("The image, %s: environment, code, data, steps and published results in one file.", sizeOf(d.im.Size()))})
	}
	rows = append(rows, row{"repro.yaml", "The recipe: which steps make which results, and how they are compared."})
	for _, dir := range []string{inputsDir, outputsDir, runsDir, sbomDir, provenanceDir, signaturesDir, licencesDir, submissionDir, runnerDir} {
		if d.holds(dir) || dir == submissionDir {
			rows = append(rows, row{dir + "/", folderNotes[dir]})
		}
	}
	return rows
}
