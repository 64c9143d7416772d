package archive

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"

	"repro/internal/filename"
)

// licencesDir holds the full texts of the licences, as REUSE has them.
const licencesDir = "LICENSES"

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
func (d *deposit) statedLicences() []string {
	all := []string{d.manifest.Paper.Licence}
	for _, x := range d.recipe.Data {
		all = append(all, x.Licence)
	}
	return licenceIDs(all...)
}

// addLicences puts the text of each licence in: the author's own if the image
// has LICENSES/ID.txt, else that of SPDX's list.
func (d *deposit) addLicences() {
	own := map[string]*entry{}
	for _, e := range d.pending {
		own[e.path] = e
	}
	for _, id := range d.statedLicences() {
		name := path.Join(licencesDir, id+".txt")
		if filename.Portable(name) != "" {
			continue // only named: it has a colon, of another document
		}
		if e := own[path.Join(inputsDir, name)]; e != nil {
			d.later(&entry{path: name, kind: "input", mode: 0o644, size: e.size, open: e.open})
		} else if b := licenceText(id); b != nil {
			d.later(&entry{path: name, kind: "licence", mode: 0o644, size: int64(len(b)), open: opened(b)})
		} else {
			d.note("the text of the licence %s is not known here: put it into code as %s and build again", id, name)
		}
	}
}

// licences says in plain words under which licences what is there stands.
func (d *deposit) licences() []byte {
	var b strings.Builder
	b.WriteString("# Licences\n\n")
	if l := d.manifest.Paper.Licence; l != "" {
		fmt.Fprintf(&b, "This work, code and published results: **%s** (an SPDX licence expression).\n\n", l)
	} else {
		b.WriteString("The licence of this work is not stated here.\n\n")
	}
	for _, x := range d.recipe.Data {
		if x.Licence != "" {
			fmt.Fprintf(&b, "- `%s`: %s\n", x.Path.Value, x.Licence)
		}
	}
	b.WriteString("\nFull texts:\n\n")
	for _, id := range d.statedLicences() {
		if name := path.Join(licencesDir, id+".txt"); d.byPath[name] != nil {
			fmt.Fprintf(&b, "- %s: `%s`\n", id, name)
		} else if singleLicence(id) {
			fmt.Fprintf(&b, "- %s: <https://spdx.org/licenses/%s.html>\n", id, id)
		} else {
			fmt.Fprintf(&b, "- %s: ask the authors\n", id)
		}
	}
	fmt.Fprintf(&b, "\nThe software in the image has licences of its own: `%s/` lists them package by package, and says where one is not known.\n", sbomDir)
	return []byte(b.String())
}
