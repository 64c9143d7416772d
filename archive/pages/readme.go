package pages

import (
	"fmt"
	"strings"

	"repro/archive/deposit"
)

// Readme is README.md, which repositories show first.
func Readme(d *deposit.Deposit) []byte {
	p := d.Manifest.Paper
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", p.Title)
	var names []string
	for _, a := range p.Authors {
		names = append(names, a.Name)
	}
	if len(names) > 0 {
		fmt.Fprintf(&b, "%s, %s\n\n", strings.Join(names, ", "), d.Date.Format("2006"))
	}
	fmt.Fprintf(&b, "%s\n\n", d.Description())
	b.WriteString("Open `ro-crate-preview.html` in a browser for the same with pictures.\n\n## Check it yourself\n\n" + HowToCheck(d))
	if !d.NoImage {
		fmt.Fprintf(&b, "No root, no network, nothing to install but the one program. If that is no longer to be had, `%s/WITHOUT-REPRO.md` says how to do without. ", deposit.Runner)
	}
	if t := RunTime(d); t != "" {
		fmt.Fprintf(&b, "It took %s%s.", t, Machine(d))
	}
	b.WriteString("\n\n")
	Claims(&b, d)
	b.WriteString("\n## What is here\n\n| | |\n|---|---|\n")
	for _, row := range contents(d) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", row.Path, row.Note)
	}
	if p.Licence != "" {
		fmt.Fprintf(&b, "\nLicence: %s; see LICENSES.md. How to cite: CITATION.cff.\n", p.Licence)
	}
	return []byte(b.String())
}

// row is one line about what is in the deposit.
type row struct{ Path, Note string }

func contents(d *deposit.Deposit) []row {
	var rows []row
	add := func(dirs ...string) {
		for _, dir := range dirs {
			if d.Holds(dir) || dir == deposit.Submission {
				rows = append(rows, row{dir + "/", deposit.Folders[dir]})
			}
		}
	}
	add(deposit.Inputs, deposit.Outputs, deposit.Runs)
	rows = append(rows, row{"repro.yaml", "The recipe: which steps make which results, and how they are compared."})
	if !d.NoImage {
		rows = append(rows, row{d.ImageName, fmt.Sprintf("The image, %s: code, data, published results and every program that they need, in one file that can be run.", deposit.Size(d.ImageSize))})
	}
	add(deposit.Runner, deposit.Signatures, deposit.SBOM, deposit.Provenance, deposit.Licences, deposit.Submission)
	return rows
}
