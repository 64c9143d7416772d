package compare

import "bytes"

// Limits on what counts as a number. A longer or wilder one is compared as
// text, letter by letter, so it can never pass within a tolerance.
const (
	maxDigits   = 400 // characters of one number
	maxExponent = 999 // as Fortran prints at most
)

// class of a number.
type class uint8

const (
	finite class = iota
	infinite
	notANumber
)

// number is one number as printed: ±digits × 10^last.
type number struct {
	text   []byte
	class  class
	neg    bool
	digits []byte // significant, as printed: no leading zeros; empty for zero
	last   int    // the power of ten at which the last printed digit stands
	buf    []byte // holds digits where they do not stand together in text
}

// isNumber reports whether all of b is a number by SPEC.md CMP-20.
func isNumber(b []byte) bool {
	var s shape
	return s.scan(b) && !s.label(b)
}

// scans reports whether all of b is a number where nothing else can stand.
func scans(b []byte) bool {
	var s shape
	return s.scan(b)
}

// label reports digits with a D or E between them, as in the names of wells
// and genes: a program that prints an exponent so prints a point or a sign,
// too.
func (s *shape) label(b []byte) bool {
	return s.class == finite && s.to < len(b) && s.point == s.to && b[s.to] != 'e' && digit(b[s.to+1])
}

// shape says where the parts of a number stand in its text.
type shape struct {
	neg       bool
	class     class
	from, to  int // mantissa
	point     int // index of the point, or to
	exponent  int
	printed   int // digits in the mantissa
	firstReal int // index of the first digit that is not 0, or to
}

// scan reads b, all of it.
func (s *shape) scan(b []byte) bool {
	if len(b) == 0 || len(b) > maxDigits {
		return false
	}
	i := 0
	if b[0] == '+' || b[0] == '-' {
		s.neg = b[0] == '-'
		i++
	}
	if i == len(b) {
		return false
	}
	if c := b[i] | 0x20; c == 'n' || c == 'i' {
		return s.word(b[i:])
	}
	i = s.scanMantissa(b, i)
	if s.printed == 0 || leadingZero(b[s.from:s.to]) {
		return false
	}
	return i == len(b) || s.scanExponent(b[i:])
}

// scanMantissa reads digits with at most one point, and returns where they
// end.
func (s *shape) scanMantissa(b []byte, i int) int {
	s.from, s.point, s.firstReal = i, -1, -1
	for ; i < len(b); i++ {
		c := b[i]
		if c >= '0' && c <= '9' {
			s.printed++
			if c != '0' && s.firstReal < 0 {
				s.firstReal = i
			}
			continue
		}
		if c != '.' || s.point >= 0 {
			break
		}
		s.point = i
	}
	s.to = i
	if s.point < 0 {
		s.point = s.to
	}
	if s.firstReal < 0 {
		s.firstReal = s.to
	}
	return i
}

// leadingZero reports a zero before another digit, as in 007 or 01.5: an
// identifier, not a number.
func leadingZero(mantissa []byte) bool {
	return len(mantissa) > 1 && mantissa[0] == '0' && mantissa[1] != '.'
}

func (s *shape) scanExponent(b []byte) bool {
	if c := b[0] | 0x20; c != 'e' && c != 'd' {
		return false
	}
	b = b[1:]
	sign := 1
	if len(b) > 0 && (b[0] == '+' || b[0] == '-') {
		if b[0] == '-' {
			sign = -1
		}
		b = b[1:]
	}
	if len(b) == 0 {
		return false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
		if s.exponent = s.exponent*10 + int(c-'0'); s.exponent > maxExponent {
			return false
		}
	}
	s.exponent *= sign
	return true
}

// word reads the names of what is not finite.
func (s *shape) word(b []byte) bool {
	switch string(bytes.ToLower(b[:min(len(b), 9)])) {
	case "nan":
		s.class = notANumber
	case "inf", "infinity":
		s.class = infinite
	default:
		return false
	}
	return true
}

// significant counts the digits that the number shows (CMP-24): from the
// first that is not zero; for zero, those after the point, at least one.
func (s *shape) significant() int {
	if s.class != finite {
		return 0
	}
	if s.firstReal == s.to {
		return max(1, s.to-s.point-1-s.exponent)
	}
	n := s.to - s.firstReal
	if s.point > s.firstReal && s.point < s.to {
		n--
	}
	return n
}

// parse reads text, all of it. The number refers to text from then on.
func (n *number) parse(text []byte) bool {
	var s shape
	if !s.scan(text) {
		return false
	}
	n.set(text, &s)
	return true
}

// read is parse for a text that [isNumber].
func (n *number) read(text []byte) bool {
	var s shape
	if !s.scan(text) || s.label(text) {
		return false
	}
	n.set(text, &s)
	return true
}

func (n *number) set(text []byte, s *shape) {
	n.text, n.class, n.neg, n.digits = text, s.class, s.neg, nil
	if s.class != finite {
		return
	}
	decimals := max(0, s.to-s.point-1)
	n.last = s.exponent - decimals
	switch {
	case s.firstReal == s.to:
	case s.point < s.firstReal || s.point == s.to:
		n.digits = text[s.firstReal:s.to]
	default:
		n.buf = append(n.buf[:0], text[s.firstReal:s.point]...)
		n.buf = append(n.buf, text[s.point+1:s.to]...)
		n.digits = n.buf
	}
}

// significant is [shape.significant].
func (n *number) significant() int {
	switch {
	case n.class != finite:
		return 0
	case len(n.digits) == 0:
		return max(1, -n.last)
	}
	return len(n.digits)
}

// shown counts the published digits that a new number, printed to 10^last,
// can speak of.
func (n *number) shown(last int) int {
	return max(0, n.significant()-max(0, last-n.last))
}
