package recipe

import (
	"errors"
	"fmt"

	"repro/internal/form"
)

// Anonymous returns the recipe b without what says whose work it is: authors
// become one "Anonymous", the DOI and all comments are dropped. The rest says
// the same, though not byte for byte.
func Anonymous(b []byte) ([]byte, error) {
	if _, err := Parse(FileName, b); err != nil {
		return nil, err
	}
	var out []byte
	var writeErr error
	err := recipeForm.Read(FileName, b, func(_ *form.Reader, root *form.Node) {
		anonymize(root)
		out, writeErr = form.Write(root)
	})
	if err := errors.Join(err, writeErr); err != nil {
		return nil, err
	}
	if _, err := Parse(FileName, out); err != nil {
		return nil, fmt.Errorf("without names: %w", err)
	}
	return out, nil
}

func anonymize(root *form.Node) {
	kept := root.Content[:0]
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		switch key.Value {
		case "doi":
			continue
		case "authors":
			*value = form.TextList("Anonymous")
		}
		kept = append(kept, key, value)
	}
	root.Content = kept
}
