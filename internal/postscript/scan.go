package postscript

import (
	"math"
	"strconv"
	"strings"

	"repro/internal/badfile"
)

// The sorts of objects, beside float64, bool and nil (null).
type (
	name struct {
		text       string
		executable bool
	}
	text  struct{ b []byte }
	array struct {
		list       []any
		executable bool
	}
	dict struct {
		m    map[any]any
		font string
	}
	mark    struct{}
	builtin func(*machine) error
)

// scanner cuts a file into objects.
type scanner struct {
	b  []byte
	at int
}

func blank(c byte) bool   { return strings.IndexByte(" \t\r\n\f\x00", c) >= 0 }
func special(c byte) bool { return strings.IndexByte("()<>[]{}/%", c) >= 0 }

// line is the number of the line that is read.
func (s *scanner) line() int { return 1 + strings.Count(string(s.b[:min(s.at, len(s.b))]), "\n") }

func (s *scanner) skip() {
	for s.at < len(s.b) {
		switch c := s.b[s.at]; {
		case blank(c):
			s.at++
		case c == '%':
			for s.at < len(s.b) && s.b[s.at] != '\n' && s.b[s.at] != '\r' {
				s.at++
			}
		default:
			return
		}
	}
}

// next is the next object; ok is false at the end.
func (s *scanner) next(depth int) (object any, ok bool, err error) {
	if s.skip(); s.at >= len(s.b) {
		return nil, false, nil
	}
	c := s.b[s.at]
	s.at++
	switch {
	case c == '(':
		t, err := s.quoted()
		return t, true, err
	case c == '{':
		a, err := s.procedure(depth)
		return a, true, err
	case c == '<' && s.at < len(s.b) && s.b[s.at] == '<', c == '>' && s.at < len(s.b) && s.b[s.at] == '>':
		s.at++
		return name{string([]byte{c, c}), true}, true, nil
	case c == '<':
		t, err := s.hex()
		return t, true, err
	case c == '[' || c == ']':
		return name{string(c), true}, true, nil
	case c == '/':
		if s.at < len(s.b) && s.b[s.at] == '/' {
			return nil, false, badfile.Unread("a name looked up at once, in line %d", s.line())
		}
		return name{s.word(s.at), false}, true, nil
	case c == ')' || c == '>' || c == '}':
		return nil, false, badfile.Damaged("%q closes nothing, in line %d", c, s.line())
	}
	w := s.word(s.at - 1)
	if v, ok := number(w); ok {
		return v, true, nil
	}
	return name{w, true}, true, nil
}

func (s *scanner) word(from int) string {
	s.at = from
	for s.at < len(s.b) && !blank(s.b[s.at]) && !special(s.b[s.at]) {
		s.at++
	}
	return string(s.b[from:s.at])
}

func number(w string) (float64, bool) {
	if w == "" || strings.IndexByte("+-.0123456789", w[0]) < 0 {
		return 0, false
	}
	if base, digits, ok := strings.Cut(w, "#"); ok {
		radix, err := strconv.Atoi(base)
		if err != nil || radix < 2 || radix > 36 {
			return 0, false
		}
		v, err := strconv.ParseUint(digits, radix, 32)
		return float64(v), err == nil
	}
	v, err := strconv.ParseFloat(w, 64)
	return v, err == nil && !math.IsInf(v, 0) && !math.IsNaN(v)
}

func (s *scanner) procedure(depth int) (*array, error) {
	if depth > maxDepth {
		return nil, badfile.TooLarge("procedures lie more than %d deep", maxDepth)
	}
	a := &array{executable: true}
	for {
		if s.skip(); s.at < len(s.b) && s.b[s.at] == '}' {
			s.at++
			return a, nil
		}
		o, ok, err := s.next(depth + 1)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, badfile.Damaged("a procedure does not end")
		}
		a.list = append(a.list, o)
	}
}

func (s *scanner) quoted() (*text, error) {
	t := &text{}
	for depth := 1; s.at < len(s.b); {
		c := s.b[s.at]
		s.at++
		switch c {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return t, nil
			}
		case '\\':
			if s.at == len(s.b) {
				break
			}
			c = s.b[s.at]
			s.at++
			if i := strings.IndexByte("nrtbf", c); i >= 0 {
				c = "\n\r\t\b\f"[i]
			} else if c == '\r' || c == '\n' {
				if c == '\r' && s.at < len(s.b) && s.b[s.at] == '\n' {
					s.at++
				}
				continue
			} else if c >= '0' && c <= '7' {
				v := int(c - '0')
				for i := 0; i < 2 && s.at < len(s.b) && s.b[s.at] >= '0' && s.b[s.at] <= '7'; i++ {
					v = v*8 + int(s.b[s.at]-'0')
					s.at++
				}
				c = byte(v)
			}
		}
		t.b = append(t.b, c)
	}
	return nil, badfile.Damaged("a string does not end")
}

func (s *scanner) hex() (*text, error) {
	t := &text{}
	half := -1
	for s.at < len(s.b) {
		c := s.b[s.at]
		s.at++
		switch v := strings.IndexByte("0123456789abcdefABCDEF", c); {
		case c == '>':
			if half >= 0 {
				t.b = append(t.b, byte(half<<4))
			}
			return t, nil
		case blank(c):
		case v < 0:
			return nil, badfile.Unread("a string in another notation than hexadecimal, in line %d", s.line())
		default:
			if v > 15 {
				v -= 6
			}
			if half < 0 {
				half = v
			} else {
				t.b, half = append(t.b, byte(half<<4|v)), -1
			}
		}
	}
	return nil, badfile.Damaged("a string does not end")
}
