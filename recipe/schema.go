package recipe

import (
	_ "embed"
	"strings"
)

//go:embed schema.json
var schema string

// Schema returns the form of recipes as a JSON Schema (draft 2020-12), for
// editors. It knows each key and the form of each value; what [Parse] checks
// beyond that are relations between values. SPEC.md, RCP-17.
func Schema() []byte {
	properties, alternatives := environmentSchema()
	return []byte(strings.NewReplacer(`"PATHS": {}`, properties, `{"KINDS": 1}`, alternatives).Replace(schema))
}
