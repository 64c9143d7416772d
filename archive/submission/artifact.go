package submission

import (
	"fmt"
	"strings"
	"time"

	"repro/archive/deposit"
	"repro/archive/pages"
)

// appendix answers the check-list of artifact evaluations (ACM, USENIX) as far
// as the image knows.
func appendix(d *deposit.Deposit) []byte {
	p := d.Manifest.Paper
	var b strings.Builder
	fmt.Fprintf(&b, "# Artifact appendix\n\n%s\n\n## Check-list\n\n", p.Title)
	item := func(label, value string) {
		if value != "" {
			fmt.Fprintf(&b, "- **%s:** %s\n", label, deposit.Line(value))
		}
	}
	item("Program", stepNames(d))
	item("Run-time environment", pages.Environment(d))
	item("Hardware", d.Manifest.Arch+pages.Machine(d))
	item("Data", dataText(d))
	item("Metrics", fmt.Sprintf("%d published results, each compared by the rule in repro.yaml", len(d.Manifest.Results)))
	item("Output", "the files under `outputs/`, made anew")
	item("Disk space", deposit.Size(d.ImageSize)+" for the image, and as much again for a run")
	item("Time to prepare", "none: nothing is installed")
	item("Time to run", pages.RunTime(d))
	item("Memory", d.MostMemory())
	item("Licence", p.Licence)
	if d.DOI != "" {
		item("Archived", deposit.DOI(d.DOI))
	}
	b.WriteString("\n## How to check it\n\n" + pages.HowToCheck(d))
	b.WriteString("The last line says how many published results came out again; the exit status is 0 if all did, 5 if not.\n\n")
	pages.Claims(&b, d)
	return []byte(b.String())
}

// aea follows the template README of the social science data editors.
func aea(d *deposit.Deposit) []byte {
	p := d.Manifest.Paper
	var b strings.Builder
	fmt.Fprintf(&b, "# Replication package: %s\n\n## Overview\n\n%s\n\n", p.Title, d.Description())
	b.WriteString("## Data availability and provenance\n\n")
	if len(d.Recipe.Data) == 0 {
		b.WriteString("The experiment reads no data files.\n\n")
	} else {
		b.WriteString("| Data file | Source | Licence | Provided |\n|---|---|---|---|\n")
		for _, x := range d.Recipe.Data {
			provided := "yes"
			if x.Fetch {
				provided = "no: `repro fetch` brings it"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", pages.Cell(x.Path.Value), orDash(pages.Cell(x.Source)), orDash(x.Licence), provided)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "## Computational requirements\n\n- Software: %s. `%s/` lists every package with its version.\n", pages.Environment(d), deposit.SBOM)
	fmt.Fprintf(&b, "- Architecture: %s%s\n", d.Manifest.Arch, pages.Machine(d))
	if t := pages.RunTime(d); t != "" {
		fmt.Fprintf(&b, "- Run time: %s (%s)\n", t, timeBucket(d))
	}
	if m := d.MostMemory(); m != "" {
		fmt.Fprintf(&b, "- Memory: %s\n", m)
	}
	fmt.Fprintf(&b, "- Disk space: %s\n\n", deposit.Size(d.ImageSize))
	b.WriteString("## Description of programs\n\n| Step | Command | Inputs | Outputs |\n|---|---|---|---|\n")
	for _, s := range d.Manifest.Steps {
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", s.Name, pages.Cell(strings.Join(s.Command, " ")), short(s.Inputs), short(s.Outputs))
	}
	b.WriteString("\n## Instructions to replicators\n\n" + pages.HowToCheck(d))
	pages.Claims(&b, d)
	b.WriteString("\n## Statement about rights\n\nFor the authors to tick:\n\n- [ ] The authors have legitimate access to, and permission to use, the data.\n- [ ] The authors have permission to redistribute the data in this package.\n")
	fmt.Fprintf(&b, "\n## Licence\n\n%s; full texts in `%s/`.\n", orDash(p.Licence), deposit.Licences)
	if p.DOI != "" {
		fmt.Fprintf(&b, "\n## References\n\n- The paper: %s\n", deposit.DOI(p.DOI))
	}
	return []byte(b.String())
}

func orDash(s string) string {
	if s == "" {
		return "not stated"
	}
	return s
}

func short(paths []string) string {
	var out []string
	for _, p := range paths {
		out = append(out, "`"+pages.Cell(strings.TrimPrefix(p, "/paper/"))+"`")
	}
	return strings.Join(out, ", ")
}

func stepNames(d *deposit.Deposit) string {
	var names []string
	for _, s := range d.Manifest.Steps {
		names = append(names, s.Name)
	}
	return fmt.Sprintf("%d steps: %s", len(names), strings.Join(names, ", "))
}

func dataText(d *deposit.Deposit) string {
	if len(d.Recipe.Data) == 0 {
		return "none"
	}
	return fmt.Sprintf("%d entries, in the image and under `%s/`", len(d.Recipe.Data), deposit.Inputs)
}

// timeBucket is the answer that the template README offers.
func timeBucket(d *deposit.Deposit) string {
	for _, b := range []struct {
		most time.Duration
		text string
	}{
		{10 * time.Minute, "less than 10 minutes"}, {time.Hour, "10 to 60 minutes"}, {2 * time.Hour, "1 to 2 hours"},
		{8 * time.Hour, "2 to 8 hours"}, {24 * time.Hour, "8 to 24 hours"}, {72 * time.Hour, "1 to 3 days"}, {14 * 24 * time.Hour, "3 to 14 days"},
	} {
		if pages.Wall(d) < b.most {
			return b.text
		}
	}
	return "more than 14 days"
}
