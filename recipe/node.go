package recipe

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// field is a key that a mapping may or must hold, and what reads its value.
type field struct {
	key      string
	required bool
	read     func(v *yaml.Node)
}

// mapping reads n by the given fields, in the order in which they stand in
// the recipe. What names the mapping in messages.
func (p *parser) mapping(what string, n *yaml.Node, fields []field) bool {
	if n.Kind != yaml.MappingNode {
		p.errorf(at(n), "%s: want `key: value` lines, found %s", what, describe(n))
		return false
	}
	seen := make(map[string]int, len(fields))
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if !p.key(what, k, seen) {
			continue
		}
		if f := find(fields, k.Value); f != nil {
			f.read(v)
		} else {
			p.unknownKey(what, k, fields)
		}
	}
	for _, f := range fields {
		if f.required && seen[f.key] == 0 {
			p.errorf(at(n), "%s: key %q is missing", what, f.key)
		}
	}
	return true
}

// key checks the key k of a mapping and notes its line in seen.
func (p *parser) key(what string, k *yaml.Node, seen map[string]int) bool {
	switch {
	case k.Kind != yaml.ScalarNode || k.Tag == "!!null":
		p.errorf(at(k), "%s: want a word as key, found %s", what, describe(k))
		return false
	case k.Tag == "!!merge":
		p.errorf(at(k), "%s: merge key %q: a recipe has no merge keys", what, k.Value)
		return false
	case seen[k.Value] > 0:
		p.errorf(at(k), "%s: key %q stands here a second time, first in line %d", what, shorten(k.Value), seen[k.Value])
		return false
	}
	seen[k.Value] = k.Line
	return true
}

func find(fields []field, key string) *field {
	for i := range fields {
		if fields[i].key == key {
			return &fields[i]
		}
	}
	return nil
}

func (p *parser) unknownKey(what string, k *yaml.Node, fields []field) {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.key
	}
	if s := suggest(k.Value, names); s != "" {
		p.errorf(at(k), "%s: unknown key %q: did you mean %q?", what, shorten(k.Value), s)
		return
	}
	p.errorf(at(k), "%s: unknown key %q: known are %s", what, shorten(k.Value), strings.Join(names, ", "))
}

// list returns the entries of the list n.
func (p *parser) list(what string, n *yaml.Node) []*yaml.Node {
	switch {
	case n.Kind == yaml.SequenceNode && len(n.Content) > MaxEntries:
		p.errorf(at(n), "%s: more than %d entries", what, MaxEntries)
		return nil
	case n.Kind == yaml.SequenceNode:
		return n.Content
	case n.Kind == yaml.ScalarNode && n.Tag != "!!null":
		p.errorf(at(n), "%s: want a list, found %s: write [%s]", what, describe(n), strings.TrimSuffix(strings.TrimPrefix(strconv.Quote(shorten(n.Value)), `"`), `"`))
	default:
		p.errorf(at(n), "%s: want a list, found %s", what, describe(n))
	}
	return nil
}

// text returns the text n: neither empty, nor something that YAML takes for a
// number or a truth value, nor with control characters other than line breaks
// and tabs.
func (p *parser) text(what string, n *yaml.Node) (string, bool) {
	if n.Kind != yaml.ScalarNode || !isText(n) {
		hint := ""
		if n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
			hint = ": put it in quotes to make it text"
		}
		p.errorf(at(n), "%s: want text, found %s%s", what, describe(n), hint)
		return "", false
	}
	s := strings.TrimRight(n.Value, "\n")
	if strings.TrimSpace(s) == "" {
		p.errorf(at(n), "%s: empty text", what)
		return "", false
	}
	if i := strings.IndexFunc(s, isControl); i >= 0 {
		p.errorf(at(n), "%s: control character in %q", what, shorten(s))
		return "", false
	}
	return s, true
}

// isText reports whether n is text. What only YAML 1.1 takes for something
// else (a date) is text, as in YAML 1.2, and so is a digest whose 64 digits
// happen to read as a number.
func isText(n *yaml.Node) bool {
	return n.Tag == "!!str" || n.Tag == "!!timestamp" || sha256Form.MatchString(n.Value)
}

func isControl(r rune) bool {
	return r < 0x20 && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0
}

// line is text of a single line.
func (p *parser) line(what string, n *yaml.Node) (string, bool) {
	s, ok := p.text(what, n)
	if ok && strings.ContainsAny(s, "\n\t") {
		p.errorf(at(n), "%s: want one line without tabs, found %s", what, describe(n))
		return "", false
	}
	return s, ok
}

// integer returns the whole number n from least to most.
func (p *parser) integer(what string, n *yaml.Node, least, most int64) int64 {
	v, err := strconv.ParseInt(n.Value, 10, 64)
	if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || err != nil || strconv.FormatInt(v, 10) != n.Value {
		p.errorf(at(n), "%s: want a whole number, found %s", what, describe(n))
		return 0
	}
	if v < least || v > most {
		p.errorf(at(n), "%s: %d is not between %d and %d", what, v, least, most)
		return 0
	}
	return v
}

// setText stores the single line of text that a key holds.
func (p *parser) setText(key string, required bool, to *string, check func(string) string) field {
	return field{key, required, func(v *yaml.Node) {
		s, ok := p.line(key, v)
		if !ok {
			return
		}
		if check != nil {
			if why := check(s); why != "" {
				p.errorf(at(v), "%s: %q: %s", key, shorten(s), why)
				return
			}
		}
		*to = s
	}}
}
