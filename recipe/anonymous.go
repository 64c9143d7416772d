package recipe

import (
	"bytes"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Anonymous returns the recipe b without what says whose work it is: authors
// become one "Anonymous", the DOI and all comments are dropped. The rest says
// the same, though not byte for byte.
func Anonymous(b []byte) ([]byte, error) {
	if _, err := Parse(FileName, b); err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, err
	}
	root := doc.Content[0]
	kept := root.Content[:0]
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		switch key.Value {
		case "doi":
			continue
		case "authors":
			*value = yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!str", Value: "Anonymous"}}}
		}
		kept = append(kept, key, value)
	}
	root.Content = kept
	silence(&doc)
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(&doc), enc.Close()); err != nil {
		return nil, err
	}
	if _, err := Parse(FileName, out.Bytes()); err != nil {
		return nil, fmt.Errorf("without names: %w", err)
	}
	return out.Bytes(), nil
}

// silence drops comments, where names often stand.
func silence(n *yaml.Node) {
	n.HeadComment, n.LineComment, n.FootComment = "", "", ""
	for _, c := range n.Content {
		silence(c)
	}
}
