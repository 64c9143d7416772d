package recipe

import (
	"repro/internal/form"
)

// recipeForm is the form that recipes have. SPEC.md, RCP-1.
var recipeForm = form.Form{
	Name:      "recipe",
	Empty:     "`repro init` writes a recipe to start from",
	Spellings: spellings,
	Trim:      true,
	Digests:   true,
	Exact:     true,
	Entries:   MaxEntries,
}

// Parse reads the recipe b. The name is that of its file and serves messages
// only. Everything that is wrong comes back at once in an [*Error].
// SPEC.md, RCP-3.
func Parse(name string, b []byte) (*Recipe, error) {
	r := &Recipe{Name: name}
	err := recipeForm.Read(name, b, func(reader *form.Reader, root *form.Node) {
		p := &parser{reader}
		if !form.IsMapping(root) {
			p.Errorf(root, "found %s: a recipe is a list of `key: value` lines", form.Describe(root))
			return
		}
		p.recipe(root, r)
		if p.OK() {
			p.relations(r)
		}
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

type parser struct{ *form.Reader }
