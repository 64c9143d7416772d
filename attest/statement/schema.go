package statement

import _ "embed"

//go:embed reproduction.schema.json
var schema []byte

// Schema returns the form of the predicate of reproductions as a JSON Schema
// (draft 2020-12). What [Parse] checks beyond it are relations between values.
func Schema() []byte { return schema }
