package compare

import (
	"bytes"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// token is a piece of a line without blanks: a number, or text up to the next
// number or blank.
type token struct {
	from, to int // bytes of the line
	number   bool
	as       reading // what stands around a number says of it; untold: nothing
	last     int     // of the digits of an uncertainty: the power of ten of the last; else 0
}

func (t token) of(line []byte) []byte { return line[t.from:t.to] }

// value is the number as it is meant.
func (t token) value(line []byte) []byte {
	if t.last == 0 {
		return t.of(line)
	}
	return strconv.AppendInt(append(bytes.Clone(t.of(line)), 'e'), int64(t.last), 10)
}

// part of a line that a byte belongs to.
type part uint8

const (
	separator part = iota
	blank
	word      // letters, digits, _
	connector // what may stand inside a number, a date, a version, a path
	wide      // the first byte of a longer character
)

var parts = func() (p [256]part) {
	for c := range 256 {
		switch {
		case c == ' ' || c == '\t':
			p[c] = blank
		case c >= utf8.RuneSelf:
			p[c] = wide
		case c == '_' || unicode.IsLetter(rune(c)) || unicode.IsDigit(rune(c)):
			p[c] = word
		case bytes.IndexByte([]byte(".+-:/,'"), byte(c)) >= 0:
			p[c] = connector
		}
	}
	return p
}()

// joins reports whether the character at the start of b belongs to the run
// before it, and its length.
func joins(b []byte) (bool, int) {
	switch parts[b[0]] {
	case word, connector:
		return true, 1
	case separator, blank:
		return false, 1
	}
	r, n := utf8.DecodeRune(b)
	switch r {
	case utf8.RuneError, 0x2212, 0x2019, 0x00B7, 0x00A0, 0x202F, 0x2009: // minus, apostrophe, dot, narrow blanks
		return true, n
	}
	return unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.Pd), n
}

// tokenize appends the tokens of line to toks (CMP-42).
func tokenize(line []byte, toks []token) []token { return tokenizeAs(line, toks, false) }

// tokenizeAs is [tokenize]; with pointed, a point at the end of a number is
// its own, as in 3. from a program, and not that of a sentence.
func tokenizeAs(line []byte, toks []token, pointed bool) []token {
	t := tokenizer{line: line, toks: toks, pointed: pointed}
	for i := 0; i < len(line); {
		if parts[line[i]] == blank {
			t.glue = false
			i++
			continue
		}
		end := i
		for end < len(line) {
			joined, n := joins(line[end:])
			if !joined {
				break
			}
			end += n
		}
		if end > i {
			t.run(i, end)
			i = end
			continue
		}
		_, n := joins(line[i:])
		t.text(i, i+n)
		i += n
	}
	return notation(line, t.toks)
}

type tokenizer struct {
	line    []byte
	toks    []token
	pointed bool
	glue    bool // the last token is text and nothing stands between
}

func (t *tokenizer) text(from, to int) {
	if from == to {
		return
	}
	if t.glue {
		t.toks[len(t.toks)-1].to = to
		return
	}
	t.toks = append(t.toks, token{from: from, to: to})
	t.glue = true
}

func (t *tokenizer) number(from, to int) {
	t.toks = append(t.toks, token{from: from, to: to, number: true})
	t.glue = false
}

// run takes the numbers out of a run of words and connectors.
func (t *tokenizer) run(from, to int) {
	if t.piece(from, to) {
		return
	}
	b := t.line[from:to]
	if bytes.IndexByte(b, ',') < 0 || !commasSeparate(b) {
		t.text(from, to)
		return
	}
	for from < to {
		comma := bytes.IndexByte(t.line[from:to], ',')
		end := to
		if comma >= 0 {
			end = from + comma
		}
		if !t.piece(from, end) {
			t.text(from, end)
		}
		if comma < 0 {
			return
		}
		t.text(end, end+1)
		from = end + 1
	}
}

// piece takes one number, with what may stand around it, a range of two, or
// nothing.
func (t *tokenizer) piece(from, to int) bool {
	start, end := trim(t.line, from, to)
	core := t.line[start:end]
	if t.pointed && end+1 == to && t.line[end] == '.' && isNumber(t.line[start:to]) {
		end = to
	} else if !isNumber(core) {
		if low, high := rangeAt(core); low > 0 {
			t.text(from, start)
			t.number(start, start+low)
			t.text(start+low, start+high)
			t.number(start+high, end)
			t.text(end, to)
			return true
		}
		colon := bytes.LastIndexByte(core, ':')
		if colon < 1 || !letterBefore(core[:colon]) || !isNumber(core[colon+1:]) {
			return false
		}
		start += colon + 1
	}
	t.text(from, start)
	t.number(start, end)
	t.text(end, to)
	return true
}

// rangeAt finds the dash of a range, as in 1-120: where it begins and ends; 0
// if there is none, or more than one place where it could be.
func rangeAt(core []byte) (from, to int) {
	for i := 1; i < len(core); i++ {
		n := 0
		switch {
		case core[i] == '-':
			n = 1
		case bytes.HasPrefix(core[i:], []byte("–")):
			n = len("–")
		default:
			continue
		}
		if digit(core[i-1]) && i+n < len(core) && isNumber(core[:i]) && isNumber(core[i+n:]) {
			if from > 0 {
				return 0, 0
			}
			from, to = i, i+n
		}
	}
	return from, to
}

// trim leaves out the punctuation around a piece.
func trim(line []byte, from, to int) (int, int) {
	for from < to && bytes.IndexByte([]byte(",:/'"), line[from]) >= 0 {
		from++
	}
	for from < to && bytes.IndexByte([]byte(".,:/'"), line[to-1]) >= 0 {
		to--
	}
	return from, to
}

func letterBefore(b []byte) bool {
	r, _ := utf8.DecodeLastRune(b)
	return unicode.IsLetter(r)
}

// commasSeparate reports whether the commas of a run can only separate
// values. A comma between two digits may also be a thousands separator or a
// decimal comma; it is taken for a separator only where the pieces on both
// sides are numbers with a point or an exponent of their own.
func commasSeparate(b []byte) bool {
	pieces := bytes.Split(b, []byte{','})
	for i, next := range pieces[1:] {
		prev := pieces[i]
		if len(prev) == 0 || len(next) == 0 || !digit(prev[len(prev)-1]) || !digit(next[0]) {
			continue
		}
		if !explicit(prev) || !explicit(next) {
			return false
		}
	}
	return true
}

func explicit(b []byte) bool {
	return isNumber(b) && bytes.ContainsAny(b, ".eEdD")
}

func digit(c byte) bool { return c >= '0' && c <= '9' }
