package compare

import (
	"bytes"
	"strconv"
)

// Limits on the text of PDF files. Beyond them a file has no text that is
// known, and is compared by its objects alone.
const (
	maxPDFDepth  = 32
	maxPDFValues = 4 << 20
	maxPDFPages  = 4096
	maxPDFText   = 16 << 20 // bytes
)

// pdfValue is one value of PDF (ISO 32000-2, 7.3).
type pdfValue struct {
	kind pdfKind
	text string // of a name, a string (its bytes), a number, a keyword
	list []pdfValue
	dict map[string]pdfValue
	ref  int // number of the object
}

type pdfKind uint8

const (
	pdfNothing pdfKind = iota
	pdfKeyword         // an operator, true, false, null
	pdfNumber
	pdfName
	pdfString
	pdfArray
	pdfDict
	pdfRef
)

func (v *pdfValue) number() (float64, bool) {
	f, err := strconv.ParseFloat(v.text, 64)
	return f, v.kind == pdfNumber && err == nil
}

// pdfScanner takes values from bytes. It never fails: what is damaged yields
// nothing, and ok is false from then on.
type pdfScanner struct {
	b      []byte
	values int
	broken bool
}

const pdfDelimiters = "()<>[]{}/%"

func pdfBlank(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func (s *pdfScanner) skip() {
	for len(s.b) > 0 {
		switch {
		case pdfBlank(s.b[0]):
			s.b = s.b[1:]
		case s.b[0] == '%':
			end := bytes.IndexAny(s.b, "\r\n")
			if end < 0 {
				end = len(s.b)
			}
			s.b = s.b[end:]
		default:
			return
		}
	}
}

// next returns the next value, or nothing at the end.
func (s *pdfScanner) next(depth int) pdfValue {
	s.skip()
	if s.values++; s.values > maxPDFValues || depth > maxPDFDepth {
		s.broken = true
	}
	if len(s.b) == 0 || s.broken {
		return pdfValue{}
	}
	switch c := s.b[0]; {
	case bytes.HasPrefix(s.b, []byte("<<")):
		s.b = s.b[2:]
		return s.dictionary(depth)
	case c == '<':
		return s.hex()
	case c == '(':
		return s.literal()
	case c == '[':
		s.b = s.b[1:]
		return pdfValue{kind: pdfArray, list: s.until("]", depth)}
	case c == '/':
		s.b = s.b[1:]
		return pdfValue{kind: pdfName, text: pdfUnescape(s.word())}
	case c == ']' || c == '{' || c == '}' || c == ')':
		s.b = s.b[1:]
		return pdfValue{kind: pdfKeyword, text: string(c)}
	case c == '>':
		s.b = s.b[min(2, len(s.b)):]
		return pdfValue{kind: pdfKeyword, text: ">>"}
	}
	word := s.word()
	if c := word[0]; c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' {
		return s.numberOrRef(word)
	}
	return pdfValue{kind: pdfKeyword, text: word}
}

func (s *pdfScanner) word() string {
	end := 0
	for end < len(s.b) && !pdfBlank(s.b[end]) && bytes.IndexByte([]byte(pdfDelimiters), s.b[end]) < 0 {
		end++
	}
	word := string(s.b[:end])
	s.b = s.b[end:]
	return word
}

// numberOrRef tells 12 from 12 0 R.
func (s *pdfScanner) numberOrRef(word string) pdfValue {
	v := pdfValue{kind: pdfNumber, text: word}
	n, err := strconv.Atoi(word)
	if err != nil || n < 0 {
		return v
	}
	look := pdfScanner{b: s.b[:min(32, len(s.b))]}
	look.skip()
	generation := look.word()
	look.skip()
	if _, err := strconv.Atoi(generation); err == nil && len(look.b) > 0 && look.b[0] == 'R' {
		at := bytes.IndexByte(s.b, 'R')
		s.b = s.b[at+1:]
		return pdfValue{kind: pdfRef, ref: n}
	}
	return v
}

func (s *pdfScanner) until(end string, depth int) []pdfValue {
	var out []pdfValue
	for {
		v := s.next(depth + 1)
		if v.kind == pdfNothing || v.kind == pdfKeyword && v.text == end {
			return out
		}
		out = append(out, v)
	}
}

func (s *pdfScanner) dictionary(depth int) pdfValue {
	v := pdfValue{kind: pdfDict, dict: map[string]pdfValue{}}
	all := s.until(">>", depth)
	for i := 0; i+1 < len(all); i += 2 {
		if all[i].kind == pdfName {
			v.dict[all[i].text] = all[i+1]
		}
	}
	return v
}

func (s *pdfScanner) hex() pdfValue {
	end := bytes.IndexByte(s.b, '>')
	if end < 0 {
		s.broken = true
		return pdfValue{}
	}
	var digits []byte
	for _, c := range s.b[1:end] {
		if !pdfBlank(c) {
			digits = append(digits, c)
		}
	}
	if len(digits)%2 == 1 {
		digits = append(digits, '0')
	}
	var out []byte
	for i := 0; i+1 < len(digits); i += 2 {
		n, err := strconv.ParseUint(string(digits[i:i+2]), 16, 8)
		s.broken = s.broken || err != nil
		out = append(out, byte(n))
	}
	s.b = s.b[end+1:]
	return pdfValue{kind: pdfString, text: string(out)}
}

// literal reads a string in parentheses (7.3.4.2).
func (s *pdfScanner) literal() pdfValue {
	var out []byte
	depth := 0
	for i := 0; i < len(s.b); i++ {
		switch c := s.b[i]; c {
		case '(':
			if depth++; depth > 1 {
				out = append(out, c)
			}
		case ')':
			if depth--; depth == 0 {
				s.b = s.b[i+1:]
				return pdfValue{kind: pdfString, text: string(out)}
			}
			out = append(out, c)
		case '\\':
			var used int
			out, used = pdfEscape(out, s.b[i+1:])
			i += used
		default:
			out = append(out, c)
		}
	}
	s.broken = true
	return pdfValue{}
}

// pdfEscape appends what a backslash before b stands for, and says how much of
// b it took.
func pdfEscape(out, b []byte) ([]byte, int) {
	if len(b) == 0 {
		return out, 0
	}
	if at := bytes.IndexByte([]byte("nrtbf"), b[0]); at >= 0 {
		return append(out, "\n\r\t\b\f"[at]), 1
	}
	switch c := b[0]; {
	case c == '\r' && len(b) > 1 && b[1] == '\n':
		return out, 2
	case c == '\n' || c == '\r':
		return out, 1
	case c < '0' || c > '7':
		return append(out, c), 1
	}
	n, used := 0, 0
	for used < 3 && used < len(b) && b[used] >= '0' && b[used] <= '7' {
		n = n*8 + int(b[used]-'0')
		used++
	}
	return append(out, byte(n)), used
}

// pdfUnescape undoes #xx in names.
func pdfUnescape(name string) string {
	if !bytes.Contains([]byte(name), []byte("#")) {
		return name
	}
	var out []byte
	for i := 0; i < len(name); i++ {
		if name[i] == '#' && i+2 < len(name) {
			if n, err := strconv.ParseUint(name[i+1:i+3], 16, 8); err == nil {
				out = append(out, byte(n))
				i += 2
				continue
			}
		}
		out = append(out, name[i])
	}
	return string(out)
}
