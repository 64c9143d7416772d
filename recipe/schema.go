package recipe

import (
	_ "embed"
	"slices"
)

//go:embed schema.json
var schema []byte

// Schema returns the form of recipes as a JSON Schema (draft 2020-12), for
// editors. It knows each key and the form of each value; what [Parse] checks
// beyond that are relations between values.
func Schema() []byte { return slices.Clone(schema) }
