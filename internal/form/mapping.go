package form

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// IsMapping reports whether n holds keys and values.
func IsMapping(n *Node) bool { return n.Kind == yaml.MappingNode }

// IsList reports whether n is a list.
func IsList(n *Node) bool { return n.Kind == yaml.SequenceNode }

// IsScalar reports whether n is one text, number or truth value, or nothing.
func IsScalar(n *Node) bool { return n.Kind == yaml.ScalarNode }

// Field is a key that a mapping may or must hold, and what reads its value.
type Field struct {
	Key      string
	Required bool
	Read     func(*Node)
}

// Must returns the field of a required key.
func Must(key string, read func(*Node)) Field { return Field{key, true, read} }

// May returns the field of a key that may be missing.
func May(key string, read func(*Node)) Field { return Field{key, false, read} }

// Mapping reads the mapping n by its fields, in the order in which they stand
// in the form. What names the mapping in messages. It reports whether n is a
// mapping at all.
func (r *Reader) Mapping(what string, n *Node, fields []Field) bool {
	if !IsMapping(n) {
		r.Errorf(n, "%s: want `key: value` lines, found %s", what, Describe(n))
		return false
	}
	seen := make(map[string]int, len(fields))
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if !r.Key(what, k, seen) {
			continue
		}
		if j := slices.IndexFunc(fields, func(f Field) bool { return f.Key == k.Value }); j >= 0 {
			fields[j].Read(v)
		} else {
			r.unknownKey(what, k, fields)
			if !r.form.Exact {
				delete(seen, k.Value)
			}
		}
	}
	for _, f := range fields {
		if f.Required && seen[f.Key] == 0 {
			r.Errorf(n, "%s: key %q is missing", what, f.Key)
		}
	}
	return true
}

// Key checks the key k of a mapping and notes its line in seen.
func (r *Reader) Key(what string, k *Node, seen map[string]int) bool {
	switch {
	case !IsScalar(k) || k.Tag == "!!null":
		r.Errorf(k, "%s: want a word as key, found %s", what, Describe(k))
		return false
	case r.form.Exact && k.Tag == "!!merge":
		r.Errorf(k, "%s: merge key %q: a %s has no merge keys", what, k.Value, r.form.Name)
		return false
	case seen[k.Value] > 0:
		r.Errorf(k, "%s: key %q stands here a second time, first in line %d", what, Shorten(k.Value), seen[k.Value])
		return false
	}
	seen[k.Value] = k.Line
	return true
}

func (r *Reader) unknownKey(what string, k *Node, fields []Field) {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Key
	}
	if r.form.Spellings != nil {
		if s := Suggest(k.Value, names, r.form.Spellings); s != "" {
			r.Errorf(k, "%s: unknown key %q: did you mean %q?", what, Shorten(k.Value), s)
			return
		}
	}
	r.Errorf(k, "%s: unknown key %q: known are %s", what, Shorten(k.Value), strings.Join(names, ", "))
}

// HasKey reports whether the mapping n has the key.
func HasKey(n *Node, key string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}

// List returns the entries of the list n, which are least to most. A problem is
// reported, with how to write a list of one, and then there are none.
func (r *Reader) List(what string, n *Node, least, most int) []*Node {
	switch {
	case IsScalar(n) && n.Tag != "!!null":
		r.Errorf(n, "%s: want a list, found %s: write [%s]", what, Describe(n), strings.Trim(strconv.Quote(Shorten(n.Value)), `"`))
	case !IsList(n):
		r.Errorf(n, "%s: want a list, found %s", what, Describe(n))
	case len(n.Content) < least && least == 1:
		r.Errorf(n, "%s: want at least one", what)
	case len(n.Content) < least:
		r.Errorf(n, "%s: want at least %d", what, least)
	case len(n.Content) > most:
		r.Errorf(n, "%s: more than %d entries", what, most)
	default:
		return n.Content
	}
	return nil
}
