package form

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Keys are what reads the value of each key that a mapping may hold.
type Keys map[string]func(*Node)

// Mapping reads n by the given keys, of which some are required. What names
// the mapping in messages. It reports whether n is a mapping at all.
func (r *Reader) Mapping(what string, n *Node, keys Keys, required ...string) bool {
	if n.Kind != yaml.MappingNode {
		r.Errorf(n, "%s: want `key: value` lines, found %s", what, describe(n))
		return false
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		read, known := keys[k.Value]
		switch {
		case k.Kind != yaml.ScalarNode || k.Tag == "!!null":
			r.Errorf(k, "%s: want a word as key, found %s", what, describe(k))
		case seen[k.Value] > 0:
			r.Errorf(k, "%s: key %q stands here a second time, first in line %d", what, shorten(k.Value), seen[k.Value])
		case !known:
			r.Errorf(k, "%s: unknown key %q: known are %s", what, shorten(k.Value), strings.Join(slices.Sorted(maps.Keys(keys)), ", "))
		default:
			seen[k.Value] = k.Line
			read(v)
		}
	}
	for _, k := range required {
		if seen[k] == 0 {
			r.Errorf(n, "%s: key %q is missing", what, k)
		}
	}
	return true
}

// List hands each entry of the list n, 1 to most, to f.
func (r *Reader) List(what string, n *Node, most int, f func(*Node)) {
	switch {
	case n.Kind != yaml.SequenceNode:
		r.Errorf(n, "%s: want a list, found %s", what, describe(n))
	case len(n.Content) == 0:
		r.Errorf(n, "%s: want at least one entry", what)
	case len(n.Content) > most:
		r.Errorf(n, "%s: more than %d entries", what, most)
	default:
		for _, e := range n.Content {
			f(e)
		}
	}
}

// Text returns the text n: not empty, nothing that YAML takes for a number or
// a truth value, no control characters but line breaks and tabs.
func (r *Reader) Text(what string, n *Node) (string, bool) {
	isText := n.Kind == yaml.ScalarNode && (n.Tag == "!!str" || n.Tag == "!!timestamp")
	switch {
	case !isText && n.Kind == yaml.ScalarNode && n.Tag != "!!null":
		r.Errorf(n, "%s: want text, found %s: put it in quotes to make it text", what, describe(n))
	case !isText:
		r.Errorf(n, "%s: want text, found %s", what, describe(n))
	case strings.TrimSpace(n.Value) == "":
		r.Errorf(n, "%s: empty text", what)
	case strings.ContainsFunc(n.Value, isControl):
		r.Errorf(n, "%s: control character in %q", what, shorten(n.Value))
	default:
		return n.Value, true
	}
	return "", false
}

func isControl(c rune) bool {
	return c < 0x20 && c != '\n' && c != '\t' || c >= 0x7f && c < 0xa0
}

// Line returns what stores the single line of text of a key after check, if
// not nil, found nothing wrong with it.
func (r *Reader) Line(what string, to *string, check func(string) string) func(*Node) {
	return func(n *Node) {
		s, ok := r.Text(what, n)
		if !ok {
			return
		}
		if strings.ContainsAny(s, "\n\t") {
			r.Errorf(n, "%s: want one line without tabs, found %s", what, describe(n))
			return
		}
		if check != nil {
			if why := check(s); why != "" {
				r.Errorf(n, "%s: %q: %s", what, shorten(s), why)
				return
			}
		}
		*to = s
	}
}

// Lines returns what stores a list of single lines.
func (r *Reader) Lines(what string, to *[]string, most int, check func(string) string) func(*Node) {
	return func(n *Node) {
		r.List(what, n, most, func(e *Node) {
			var s string
			if r.Line(what, &s, check)(e); s != "" {
				*to = append(*to, s)
			}
		})
	}
}

// Integer returns what stores a whole number from least to most.
func (r *Reader) Integer(what string, to *int, least, most int) func(*Node) {
	return func(n *Node) {
		v, err := strconv.Atoi(n.Value)
		switch {
		case n.Kind != yaml.ScalarNode || n.Tag != "!!int" || err != nil || strconv.Itoa(v) != n.Value:
			r.Errorf(n, "%s: want a whole number, found %s", what, describe(n))
		case v < least || v > most:
			r.Errorf(n, "%s: %d is not between %d and %d", what, v, least, most)
		default:
			*to = v
		}
	}
}

// describe names what n is, for a person.
func describe(n *Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "nothing"
	case n.Tag == "!!int" || n.Tag == "!!float":
		return "the number " + strconv.Quote(shorten(n.Value))
	case n.Tag == "!!bool":
		return "the truth value " + strconv.Quote(n.Value)
	}
	return "the text " + strconv.Quote(shorten(n.Value))
}

// shorten keeps a message readable whatever the form holds.
func shorten(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
