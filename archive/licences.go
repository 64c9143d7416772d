package archive

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"

	"repro/archive/deposit"
	"repro/internal/filename"
)

// licenceTexts are full texts by SPDX identifier, from script/licences.
//
//go:embed licences
var licenceTexts embed.FS

// licenceIDs returns the identifiers in SPDX licence expressions, each once.
func licenceIDs(expressions ...string) []string {
	var ids []string
	for _, e := range expressions {
		for _, id := range strings.FieldsFunc(e, func(c rune) bool { return strings.ContainsRune(" ()", c) }) {
			if !slices.Contains([]string{"AND", "OR", "WITH"}, id) && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// licenceText returns the text of a licence, or nil if it is not known here.
func licenceText(id string) []byte {
	for _, name := range []string{id, strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(id, "+"), "-only"), "-or-later")} {
		if b, err := licenceTexts.ReadFile("licences/" + name + ".txt"); err == nil {
			return b
		}
	}
	return nil
}

// statedLicences lists the licences that the recipe states, of the work and of data.
func statedLicences(d *deposit.Deposit) []string {
	all := []string{d.Manifest.Paper.Licence}
	for _, x := range d.Recipe.Data {
		all = append(all, x.Licence)
	}
	return licenceIDs(all...)
}

// addLicences puts the text of each licence in: the author's own if the image
// has LICENSES/ID.txt, else that of SPDX's list.
func (p *plan) addLicences(d *deposit.Deposit) {
	own := map[string]*deposit.Entry{}
	for _, e := range p.entries {
		own[e.Path] = e
	}
	for _, id := range statedLicences(d) {
		name := path.Join(deposit.Licences, id+".txt")
		if filename.Portable(name) != "" {
			continue // only named: it has a colon, of another document
		}
		if e := own[path.Join(deposit.Inputs, name)]; e != nil {
			p.add(&deposit.Entry{Path: name, Kind: "input", Mode: 0o644, Size: e.Size, Open: e.Open})
		} else if b := licenceText(id); b != nil {
			p.add(textEntry(name, "licence", 0o644, b))
		} else {
			p.note("the text of the licence %s is not known here: put it into code as %s and build again", id, name)
		}
	}
}

// licences says in plain words under which licences what is there stands.
func licences(d *deposit.Deposit) []byte {
	var b strings.Builder
	b.WriteString("# Licences\n\n")
	if l := d.Manifest.Paper.Licence; l != "" {
		fmt.Fprintf(&b, "This work, code and published results: **%s** (an SPDX licence expression).\n\n", l)
	} else {
		b.WriteString("The licence of this work is not stated here.\n\n")
	}
	for _, x := range d.Recipe.Data {
		if x.Licence != "" {
			fmt.Fprintf(&b, "- `%s`: %s\n", x.Path.Value, x.Licence)
		}
	}
	b.WriteString("\nFull texts:\n\n")
	for _, id := range statedLicences(d) {
		if name := path.Join(deposit.Licences, id+".txt"); d.Find(name) != nil {
			fmt.Fprintf(&b, "- %s: `%s`\n", id, name)
		} else if deposit.SingleLicence(id) {
			fmt.Fprintf(&b, "- %s: <https://spdx.org/licenses/%s.html>\n", id, id)
		} else {
			fmt.Fprintf(&b, "- %s: ask the authors\n", id)
		}
	}
	fmt.Fprintf(&b, "\nThe software in the image has licences of its own: `%s/` lists them package by package, and says where one is not known.\n", deposit.SBOM)
	return []byte(b.String())
}
