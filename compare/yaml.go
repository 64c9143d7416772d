package compare

import (
	"bytes"
	"context"
	"errors"
	"io"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"repro/internal/pattern"
)

const kindYAML = "yaml"

func init() { comparers[kindYAML] = compareYAML }

// compareYAML compares values as JSON's are compared (CMP-65).
func compareYAML(ctx context.Context, j *job) error {
	pub, err := readYAML(j.pub, published)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	new, err := readYAML(j.new, produced)
	if err != nil {
		return err
	}
	j.sameContent = "the same values: only blanks, quoting, comments or the order of keys differ"
	return j.compareValues(&pub, &new)
}

func readYAML(r io.Reader, of side) (value, error) {
	b, err := all(r, of, maxMarkup/4)
	if err != nil {
		return value{}, err
	}
	if !utf8.Valid(b) {
		return value{}, malformed(of, kindYAML, "text that is not UTF-8")
	}
	if marks(b) > maxYAMLMarks {
		return value{}, tooLarge(of, "more than %d line ends and marks between values", maxYAMLMarks)
	}
	y := &yamlReader{of: of}
	several := value{kind: jsonSeveral}
	for dec := yaml.NewDecoder(bytes.NewReader(b)); ; {
		var doc yaml.Node
		if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return value{}, malformed(of, kindYAML, "%s", clip(err.Error()))
		}
		v, err := y.value(doc.Content[0], 0)
		if err != nil {
			return v, err
		}
		several.elem = append(several.elem, v)
	}
	if len(several.elem) == 1 {
		return several.elem[0], nil
	}
	return several, nil
}

// maxYAMLMarks bounds the bytes that can begin a node. The parser makes all
// nodes of a document, of some 300 bytes each, before any can be looked at.
const maxYAMLMarks = 1 << 20

// marks counts the bytes without which there is no further node.
func marks(b []byte) (n int) {
	for _, c := range b {
		switch c {
		case '\n', ',', ':', '-', '[', '{', '?':
			n++
		}
	}
	return n
}

type yamlReader struct {
	of     side
	values int
}

func (y *yamlReader) value(n *yaml.Node, depth int) (value, error) {
	if y.values++; y.values > maxValues {
		return value{}, tooLarge(y.of, "more than %d values", maxValues)
	}
	switch {
	case depth > maxDepth:
		return value{}, tooLarge(y.of, "values lie more than %d deep", maxDepth)
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return value{}, &undecided{"the " + string(y.of) + " file holds anchors, which are not followed"}
	case n.Kind == yaml.MappingNode:
		return y.mapping(n, depth)
	case n.Kind == yaml.SequenceNode:
		out := value{kind: jsonArray}
		for _, c := range n.Content {
			v, err := y.value(c, depth+1)
			if err != nil {
				return v, err
			}
			out.elem = append(out.elem, v)
		}
		return out, nil
	}
	return yamlScalar(n), nil
}

func (y *yamlReader) mapping(n *yaml.Node, depth int) (value, error) {
	out := value{kind: jsonObject}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode || k.Tag == "!!merge" || k.Anchor != "" {
			return out, &undecided{"the " + string(y.of) + " file holds a key that is no plain text"}
		}
		key := k.Value
		if k.ShortTag() == "!!str" {
			key = yamlText(k)
		}
		if seen[key] {
			return out, malformed(y.of, kindYAML, "the key %s stands twice", quote([]byte(key)))
		}
		seen[key] = true
		v, err := y.value(n.Content[i+1], depth+1)
		if err != nil {
			return v, err
		}
		out.keys, out.elem = append(out.keys, key), append(out.elem, v)
	}
	return out, nil
}

// yamlScalar keeps numbers as they are written; what YAML takes for a number
// and CMP-20 does not is text, and so is what has a tag of its own.
func yamlScalar(n *yaml.Node) value {
	switch tag := n.ShortTag(); {
	case tag == "!!null":
		return value{kind: jsonNull}
	case tag == "!!bool" && (n.Value == "true" || n.Value == "True" || n.Value == "TRUE"):
		return value{kind: jsonTrue}
	case tag == "!!bool":
		return value{kind: jsonFalse}
	case (tag == "!!int" || tag == "!!float") && isNumber(yamlNumber(n.Value)):
		return value{kind: jsonNumber, text: yamlNumber(n.Value)}
	case tag == "!!str":
		return value{kind: jsonString, text: []byte(yamlText(n))}
	default:
		return value{kind: jsonString, text: []byte(tag + " " + n.Value)}
	}
}

// otherInYAML11 are plain words that YAML 1.2 takes for text, and YAML 1.1, which
// Python's and R's readers follow, for truth values and numbers of base 60.
var otherInYAML11 = pattern.New(`^(?:yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?)$`)

// yamlText is a text, and says of one without quotes that it is another value by
// YAML 1.1: with quotes it is not the same to most readers.
func yamlText(n *yaml.Node) string {
	const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle | yaml.TaggedStyle
	if n.Style&quoted == 0 && otherInYAML11.MatchString(n.Value) {
		return n.Value + " (no text in YAML 1.1)"
	}
	return n.Value
}

// yamlNumber is YAML's .nan and .inf by the names of CMP-20.
func yamlNumber(s string) []byte {
	for _, name := range []string{".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "-.inf", "-.Inf", "-.INF", "+.inf", "+.Inf", "+.INF"} {
		if s == name {
			return bytes.Replace([]byte(s), []byte("."), nil, 1)
		}
	}
	return []byte(s)
}
