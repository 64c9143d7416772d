package bundle

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// reader takes values out of a document and keeps the first thing that is
// wrong: after that all values are empty.
type reader struct{ err error }

// object is a JSON object of which each member must be asked for.
type object struct {
	name    string // for messages
	members map[string]any
	asked   map[string]bool
}

func (r *reader) fail(text string, args ...any) {
	if r.err == nil {
		r.err = malformed(text, args...)
	}
}

// document reads one JSON object and nothing behind it.
func (r *reader) document(b []byte) object {
	if !utf8.Valid(b) {
		r.fail("not UTF-8")
		return object{}
	}
	d := decoder{Decoder: json.NewDecoder(bytes.NewReader(b))}
	d.UseNumber()
	v, err := d.value(0)
	switch {
	case errors.Is(err, ErrMalformed):
		r.err = err
		return object{}
	case err != nil:
		r.fail("%v", err)
		return object{}
	}
	if _, err := d.Token(); err != io.EOF {
		r.fail("text after the end of the document")
	}
	return r.asObject(v, "bundle")
}

// decoder counts the values that it reads.
type decoder struct {
	*json.Decoder
	values int
}

// value reads the next value: a map, a slice, a string or a [json.Number].
func (dec *decoder) value(depth int) (any, error) {
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	dec.values++
	switch {
	case depth > maxDepth:
		return nil, malformed("nested more than %d deep", maxDepth)
	case dec.values > maxValues:
		return nil, malformed("more than %d values", maxValues)
	}
	switch t {
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			v, err := dec.value(depth + 1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := dec.Token()
		return list, err
	case json.Delim('{'):
		members := map[string]any{}
		for dec.More() {
			k, err := dec.Token()
			if err != nil {
				return nil, err
			}
			name := k.(string) // or Token would have failed
			if _, doubled := members[name]; doubled {
				return nil, malformed("key %.80q stands there twice", name)
			}
			if members[name], err = dec.value(depth + 1); err != nil {
				return nil, err
			}
		}
		_, err := dec.Token()
		return members, err
	}
	return t, nil
}

func (o object) has(key string) bool {
	_, ok := o.members[key]
	return ok
}

// take returns a member that must be there.
func (r *reader) take(o object, key string) any {
	v, ok := o.members[key]
	if !ok {
		if o.members != nil {
			r.fail("%s: key %q is missing", o.name, key)
		}
		return nil
	}
	o.asked[key] = true
	return v
}

func (r *reader) member(o object, key string) object { return r.asObject(r.take(o, key), key) }

func (r *reader) asObject(v any, name string) object {
	m, ok := v.(map[string]any)
	if !ok {
		r.fail("%s: want an object", name)
		return object{name: name}
	}
	return object{name, m, map[string]bool{}}
}

// list returns a member that may be missing.
func (r *reader) list(o object, key string, most int) []any {
	if !o.has(key) {
		return nil
	}
	list, ok := r.take(o, key).([]any)
	switch {
	case !ok:
		r.fail("%s: want a list", key)
	case len(list) > most:
		r.fail("%s: %d entries, at most %d are read", key, len(list), most)
		return nil
	}
	return list
}

func (r *reader) bytes(o object, key string, least, most int) []byte {
	return r.decode(r.take(o, key), key, least, most)
}

// decode reads base64 of least to most bytes (RFC 4648, section 4).
func (r *reader) decode(v any, key string, least, most int) []byte {
	s, ok := v.(string)
	if !ok {
		r.fail("%s: want base64 in a string", key)
		return nil
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	switch {
	case err != nil || base64.StdEncoding.EncodedLen(len(b)) != len(s): // line ends are skipped by the decoder
		r.fail("%s: not base64", key)
	case len(b) < least || len(b) > most:
		r.fail("%s: %d bytes, want %d to %d", key, len(b), least, most)
	}
	return b
}

// number reads a whole number from 0 to 2^63−1, as text or not: the JSON form
// of protobuf lets writers choose. One that is missing is 0.
func (r *reader) number(o object, key string) int64 {
	if !o.has(key) {
		return 0
	}
	var s string
	switch v := r.take(o, key).(type) {
	case string:
		s = v
	case json.Number:
		s = string(v)
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != s {
		r.fail("%s: want a whole number in decimal", key)
		return 0
	}
	return n
}

// line reads a text that is not empty and has no characters that move or hide
// others.
func (r *reader) line(o object, key string) string { return r.string(o, key, maxString, isShown) }

// optionalLine reads a line that may be missing or empty.
func (r *reader) optionalLine(o object, key string) string {
	if !o.has(key) {
		return ""
	}
	if o.members[key] == "" {
		o.asked[key] = true
		return ""
	}
	return r.line(o, key)
}

func (r *reader) string(o object, key string, most int, allowed func(rune) bool) string {
	s, ok := r.take(o, key).(string)
	switch {
	case !ok:
		r.fail("%s: want a string", key)
		return ""
	case s == "" || len(s) > most:
		r.fail("%s: %d bytes, want 1 to %d", key, len(s), most)
		return ""
	}
	for _, c := range s {
		if !allowed(c) {
			r.fail("%s: character %U", key, c)
			return ""
		}
	}
	return s
}

// isShown accepts what a reader sees. U+FFFD stands for escapes that are no
// character.
func isShown(c rune) bool { return unicode.IsGraphic(c) && c != utf8.RuneError }

func isNoteText(c rune) bool { return c == '\n' || isShown(c) }
