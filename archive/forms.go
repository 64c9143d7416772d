package archive

import (
	"fmt"
	"slices"
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
	b.WriteString("\n## How to check it\n\n" + d.howToCheck())
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
	b.WriteString("\n## Instructions to replicators\n\n" + d.howToCheck())
	d.claims(&b)
	b.WriteString("\n## Statement about rights\n\nFor the authors to tick:\n\n- [ ] The authors have legitimate access to, and permission to use, the data.\n- [ ] The authors have permission to redistribute the data in this package.\n")
	fmt.Fprintf(&b, "\n## Licence\n\n%s; full texts in `%s/`.\n", orDash(p.Licence), licencesDir)
	if p.DOI != "" {
		fmt.Fprintf(&b, "\n## References\n\n- The paper: %s\n", doiURL(p.DOI))
	}
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

// commands are what a reviewer types in the folder of the image. What they
// write goes beside the deposit, which stays as it was sealed.
func (d *deposit) commands() string {
	if d.options.NoImage {
		return ""
	}
	var b strings.Builder
	name, keys, program, out := shellWord(d.imageName()), "", "repro", "../../"
	if d.options.Form == Zip {
		out = "../"
	}
	for _, f := range d.options.Keys {
		keys += " --key " + shellWord(signaturesDir+"/"+f.Name)
	}
	if d.hasProgram() {
		program = runnerDir + "/repro"
	}
	if keys != "" {
		fmt.Fprintf(&b, "%s verify%s %s\n", program, keys, name)
	}
	data := ""
	if len(d.manifest.External) > 0 {
		data = " --data " + out + "data"
		fmt.Fprintf(&b, "%s fetch -o %sdata %s\n", program, out, name)
	}
	fmt.Fprintf(&b, "%s run%s%s -o %s %s\n", program, keys, data, shellWord(out+strings.TrimSuffix(d.imageName(), ".sif")+".run"), name)
	return b.String()
}

// hasProgram reports whether the deposit holds this program.
func (d *deposit) hasProgram() bool {
	return slices.ContainsFunc(d.options.Runner, func(f File) bool { return f.Name == "repro" })
}

// howToCheck is what to type, as Markdown.
func (d *deposit) howToCheck() string {
	if d.options.NoImage {
		return fmt.Sprintf("The image is not part of this package. Its content id is `%s`.\n\n", d.content)
	}
	if d.options.Form == Zip {
		return "```\n" + d.commands() + "```\n\n"
	}
	return "In the folder `data`:\n\n```\n" + d.commands() + "```\n\n"
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
	b.WriteString("Open `ro-crate-preview.html` in a browser for the same with pictures.\n\n## Check it yourself\n\n" + d.howToCheck())
	if !d.options.NoImage {
		fmt.Fprintf(&b, "No root, no network, nothing to install but the one program. If that is no longer to be had, `%s/WITHOUT-REPRO.md` says how to do without. ", runnerDir)
	}
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
	add := func(dirs ...string) {
		for _, dir := range dirs {
			if d.holds(dir) || dir == submissionDir {
				rows = append(rows, row{dir + "/", folderNotes[dir]})
			}
		}
	}
	add(inputsDir, outputsDir, runsDir)
	rows = append(rows, row{"repro.yaml", "The recipe: which steps make which results, and how they are compared."})
	if !d.options.NoImage {
		rows = append(rows, row{d.imageName(), fmt.Sprintf("The image, %s: code, data, published results and every program that they need, in one file that can be run.", sizeOf(d.im.Size()))})
	}
	add(runnerDir, signaturesDir, sbomDir, provenanceDir, licencesDir, submissionDir)
	return rows
}
