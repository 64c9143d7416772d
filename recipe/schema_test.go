package recipe

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// TestSchemaAgrees proves that the schema takes what Parse takes, and refuses
// what Parse refuses by form alone (testdata/bad); testdata/beyond holds what
// no schema can see.
func TestSchemaAgrees(t *testing.T) {
	s := compileSchema(t)
	for kind, want := range map[string]bool{"good": true, "bad": false} {
		corpus(t, kind, func(name string, b []byte) {
			if err := s.Validate(asJSON(t, b)); (err == nil) != want {
				t.Errorf("%s/%s: schema says %v", kind, name, err)
			}
		})
	}
	corpus(t, "beyond", func(name string, b []byte) {
		var doc yaml.Node
		if yaml.Unmarshal(b, &doc) != nil || name == "empty.yaml" || name == "anchor.yaml" || name == "merge.yaml" {
			return // has no counterpart in JSON
		}
		if err := s.Validate(asJSON(t, b)); err != nil {
			t.Errorf("beyond/%s: the schema sees it, so it belongs in testdata/bad: %v", name, err)
		}
	})
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.UseRegexpEngine(compileECMA)
	if err := c.AddResource("repro.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("repro.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// compileECMA compiles the schema's regular expressions without their
// look-aheads, which Go has not; the schema uses them only to be exact about
// trailing line breaks and zeros.
func compileECMA(s string) (jsonschema.Regexp, error) {
	return regexp.Compile(lookahead.ReplaceAllString(s, ""))
}

var lookahead = regexp.MustCompile(`\(\?[=!][^)]*\)`)

// asJSON is what a YAML 1.2 reader makes of b.
func asJSON(t *testing.T, b []byte) any {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	return value(doc.Content[0])
}

func value(n *yaml.Node) any {
	switch {
	case n.Kind == yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = value(n.Content[i+1])
		}
		return m
	case n.Kind == yaml.SequenceNode:
		l := make([]any, len(n.Content))
		for i, c := range n.Content {
			l[i] = value(c)
		}
		return l
	case n.Tag == "!!null":
		return nil
	case n.Tag == "!!bool":
		return n.Value == "true"
	case n.Tag == "!!int", n.Tag == "!!float":
		if _, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return json.Number(n.Value)
		}
	}
	return n.Value
}
