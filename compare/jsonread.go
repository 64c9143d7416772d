package compare

import (
	"fmt"
	"io"
	"unicode/utf8"
)

// Limits on JSON files, which are compared in memory.
const (
	maxJSON   = 32 << 20 // bytes
	maxValues = 1 << 20
	maxDepth  = 256
)

// kind of a JSON value.
type kind uint8

const (
	jsonNull kind = iota
	jsonFalse
	jsonTrue
	jsonNumber
	jsonString
	jsonArray
	jsonObject
	jsonSeveral // values one after another
)

// value is one JSON value.
type value struct {
	kind kind
	text []byte // of a number, as printed; of a string, unescaped
	keys []string
	elem []value // of an array, of several; of an object, in the order of keys
}

// jsonReader reads RFC 8259, and the names NaN, Infinity and -Infinity, which
// Python writes. It does not lose anything: strings that are not valid
// Unicode stay distinct.
type jsonReader struct {
	b      []byte
	at     int
	values int
	of     side
}

// readJSON reads one value, or several that stand one after another.
func readJSON(r io.Reader, of side) (value, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxJSON+1))
	if err != nil {
		return value{}, err
	}
	if len(b) > maxJSON {
		return value{}, tooLarge(of, "more than %d bytes of JSON", maxJSON)
	}
	p := &jsonReader{b: b, of: of}
	if !utf8.Valid(b) {
		return value{}, p.wrong("text that is not UTF-8")
	}
	return p.stream()
}

func (p *jsonReader) stream() (value, error) {
	all := value{kind: jsonSeveral}
	for p.skip(); p.at < len(p.b); p.skip() {
		v, err := p.value(0)
		if err != nil {
			return v, err
		}
		all.elem = append(all.elem, v)
	}
	switch len(all.elem) {
	case 0:
		return all, p.wrong("no value")
	case 1:
		return all.elem[0], nil
	}
	return all, nil
}

func (p *jsonReader) wrong(format string, args ...any) error {
	line := 1
	for _, c := range p.b[:min(p.at, len(p.b))] {
		if c == '\n' {
			line++
		}
	}
	return malformed(p.of, kindJSON, "line %d: %s", line, fmt.Sprintf(format, args...))
}

func (p *jsonReader) skip() {
	for p.at < len(p.b) {
		switch p.b[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// next is the next byte that is no blank, or 0 at the end.
func (p *jsonReader) next() byte {
	p.skip()
	if p.at < len(p.b) {
		return p.b[p.at]
	}
	return 0
}

func (p *jsonReader) value(depth int) (value, error) {
	if depth > maxDepth {
		return value{}, p.wrong("nested more than %d deep", maxDepth)
	}
	if p.values++; p.values > maxValues {
		return value{}, tooLarge(p.of, "more than %d JSON values", maxValues)
	}
	switch c := p.next(); c {
	case '{':
		return p.object(depth)
	case '[':
		return p.array(depth)
	case '"':
		text, err := p.text()
		return value{kind: jsonString, text: text}, err
	default:
		return p.scalar()
	}
}

// scalar reads a number or a name.
func (p *jsonReader) scalar() (value, error) {
	from := p.at
	for p.at < len(p.b) && (parts[p.b[p.at]] == word || p.b[p.at] == '.' || p.b[p.at] == '+' || p.b[p.at] == '-') {
		p.at++
	}
	text := p.b[from:p.at]
	switch string(text) {
	case "null":
		return value{kind: jsonNull}, nil
	case "true":
		return value{kind: jsonTrue}, nil
	case "false":
		return value{kind: jsonFalse}, nil
	case "NaN", "Infinity", "-Infinity":
		return value{kind: jsonNumber, text: text}, nil
	}
	if !jsonGrammar(text) {
		p.at = from
		return value{}, p.wrong("unexpected %s", quote(p.b[from:min(from+max(1, len(text)), len(p.b))]))
	}
	return value{kind: jsonNumber, text: text}, nil
}

// jsonGrammar is RFC 8259's number.
func jsonGrammar(b []byte) bool {
	if len(b) > 0 && b[0] == '-' {
		b = b[1:]
	}
	whole := leadingDigits(b)
	if whole == 0 || whole > 1 && b[0] == '0' {
		return false
	}
	b = b[whole:]
	if len(b) > 0 && b[0] == '.' {
		n := leadingDigits(b[1:])
		if n == 0 {
			return false
		}
		b = b[1+n:]
	}
	if len(b) == 0 {
		return true
	}
	if b[0] != 'e' && b[0] != 'E' {
		return false
	}
	b = b[1:]
	if len(b) > 0 && (b[0] == '+' || b[0] == '-') {
		b = b[1:]
	}
	return len(b) > 0 && leadingDigits(b) == len(b)
}

func leadingDigits(b []byte) int {
	n := 0
	for n < len(b) && digit(b[n]) {
		n++
	}
	return n
}

func (p *jsonReader) array(depth int) (value, error) {
	v := value{kind: jsonArray}
	p.at++
	if p.next() == ']' {
		p.at++
		return v, nil
	}
	for {
		e, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.elem = append(v.elem, e)
		if done, err := p.comma(']'); done || err != nil {
			return v, err
		}
	}
}

func (p *jsonReader) object(depth int) (value, error) {
	v := value{kind: jsonObject}
	p.at++
	if p.next() == '}' {
		p.at++
		return v, nil
	}
	seen := map[string]bool{}
	for {
		if p.next() != '"' {
			return v, p.wrong("want a key")
		}
		key, err := p.text()
		if err != nil {
			return v, err
		}
		if seen[string(key)] {
			return v, p.wrong("key %s stands twice", quote(key))
		}
		seen[string(key)] = true
		if p.next() != ':' {
			return v, p.wrong("want a colon after key %s", quote(key))
		}
		p.at++
		e, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.keys = append(v.keys, string(key))
		v.elem = append(v.elem, e)
		if done, err := p.comma('}'); done || err != nil {
			return v, err
		}
	}
}

// comma passes a comma, or the end of an array or object.
func (p *jsonReader) comma(end byte) (done bool, err error) {
	switch p.next() {
	case end:
		p.at++
		return true, nil
	case ',':
		p.at++
		return false, nil
	}
	return false, p.wrong("want a comma or %q", string(end))
}
