package form

import (
	"bytes"
	"errors"

	"go.yaml.in/yaml/v3"
)

// TextList returns a list of texts.
func TextList(texts ...string) Node {
	list := Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for _, s := range texts {
		list.Content = append(list.Content, &Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s})
	}
	return list
}

// Write returns the form that root holds, without comments, which it drops
// from root.
func Write(root *Node) ([]byte, error) {
	silence(root)
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(root), enc.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func silence(n *Node) {
	n.HeadComment, n.LineComment, n.FootComment = "", "", ""
	for _, c := range n.Content {
		silence(c)
	}
}

// WriteCommented returns the form that root holds, with its comments.
func WriteCommented(root *Node) ([]byte, error) {
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	err := errors.Join(enc.Encode(root), enc.Close())
	return out.Bytes(), err
}
