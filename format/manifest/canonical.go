package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits on documents that come from outside.
const (
	MaxDocument = 16 << 20 // bytes
	maxDepth    = 64       // nested arrays and objects
)

// Marshal returns v in the canonical encoding: RFC 8785 restricted to
// integers within ±2^53. Two equal documents have equal bytes, whatever the
// order of Go maps.
func Marshal(v any) ([]byte, error) {
	var plain bytes.Buffer
	enc := json.NewEncoder(&plain)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return canonical(plain.Bytes())
}

// Unmarshal reads b, which must be exactly what [Marshal] writes for the value
// that it describes.
func Unmarshal(b []byte, v any) error {
	if len(b) > MaxDocument {
		return fmt.Errorf("document of %d bytes: at most %d are allowed", len(b), MaxDocument)
	}
	if _, err := canonical(b); err != nil { // bounds the depth before anything recursive
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	again, err := Marshal(v)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, b) {
		return fmt.Errorf("not in canonical form: byte %d would be written otherwise", firstDifference(again, b))
	}
	return nil
}

func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// canonical rewrites one JSON value in canonical form.
func canonical(b []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := checkDepth(b); err != nil {
		return nil, err
	}
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("text after the end of the document")
	}
	return appendValue(nil, v)
}

func checkDepth(b []byte) error {
	depth, quoted, escaped := 0, false, false
	for _, c := range b {
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return fmt.Errorf("nested more than %d deep", maxDepth)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

func appendValue(out []byte, v any) ([]byte, error) {
	var err error
	switch v := v.(type) {
	case nil:
		return append(out, "null"...), nil
	case bool:
		return strconv.AppendBool(out, v), nil
	case json.Number:
		return appendInteger(out, v)
	case string:
		return appendString(out, v)
	case []any:
		out = append(out, '[')
		for i, e := range v {
			if i > 0 {
				out = append(out, ',')
			}
			if out, err = appendValue(out, e); err != nil {
				return nil, err
			}
		}
		return append(out, ']'), nil
	case map[string]any:
		out = append(out, '{')
		for i, k := range slices.SortedFunc(maps.Keys(v), compareUTF16) {
			if i > 0 {
				out = append(out, ',')
			}
			if out, err = appendString(out, k); err != nil {
				return nil, err
			}
			out = append(out, ':')
			if out, err = appendValue(out, v[k]); err != nil {
				return nil, err
			}
		}
		return append(out, '}'), nil
	}
	return nil, fmt.Errorf("unexpected %T in a document", v)
}

func appendInteger(out []byte, n json.Number) ([]byte, error) {
	i, err := n.Int64()
	if err != nil || i > 1<<53 || i < -(1<<53) {
		return nil, fmt.Errorf("number %s: only whole numbers within ±2^53 are allowed", n)
	}
	return strconv.AppendInt(out, i, 10), nil
}

// appendString quotes as RFC 8785 section 3.2.2.2 asks: the short escapes
// where JSON has them, \u00xx for other controls, all else as it is.
func appendString(out []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("text %q is not valid UTF-8", s)
	}
	const short = "\b\t\n\f\r\"\\"
	const letter = `btnfr"\`
	out = append(out, '"')
	for i := range len(s) {
		c := s[i]
		if j := bytes.IndexByte([]byte(short), c); j >= 0 {
			out = append(out, '\\', letter[j])
		} else if c < 0x20 {
			out = fmt.Appendf(out, `\u%04x`, c)
		} else {
			out = append(out, c)
		}
	}
	return append(out, '"'), nil
}

// compareUTF16 orders keys by their UTF-16 code units (RFC 8785 section 3.2.3).
func compareUTF16(a, b string) int {
	return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
}
