package compare

import (
	"bytes"
	"unicode/utf8"
)

// mask stands for what the rule ignores. It can't be typed by accident: no
// text file that is compared holds a zero byte.
var mask = []byte("\x00ignored\x00")

// matcher compares two pieces of text, a line or a cell, numbers in place.
type matcher struct {
	t        *tally
	pub, new []token
}

// hide returns text with the rule's patterns masked, and how many were.
func (m *matcher) hide(text []byte) ([]byte, int64) {
	var count int64
	for _, h := range m.t.rule.ignore {
		var n int64
		text, n = h.replace(text)
		count += n
	}
	return text, count
}

// visible is a line with a word for what the rule's patterns hide.
func (m *matcher) visible(text []byte) []byte {
	text, _ = m.hide(text)
	return bytes.ReplaceAll(text, mask, []byte("[ignored]"))
}

// line adds to p what there is to say about two lines.
func (m *matcher) line(pub, new []byte, p *pair) {
	if len(m.t.rule.ignore) > 0 {
		var count int64
		pub, count = m.hide(pub)
		new, _ = m.hide(new)
		p.masked += count
	}
	if bytes.Equal(pub, new) {
		m.pub = tokenize(pub, m.pub[:0])
		for _, tok := range m.pub {
			if tok.number {
				m.count(tok.of(pub), p)
			}
		}
		return
	}
	m.pub, m.new = tokenize(pub, m.pub[:0]), tokenize(new, m.new[:0])
	if len(m.pub) != len(m.new) {
		p.shape = false
		return
	}
	m.tokens(pub, new, p)
}

func (m *matcher) tokens(pub, new []byte, p *pair) {
	number := 0
	var before, beforeNew token
	for i, a := range m.pub {
		b := m.new[i]
		if a.number != b.number || !samePlace(pub, new, before, a, beforeNew, b) {
			p.shape = false
			return
		}
		x, y := a.of(pub), b.of(new)
		switch {
		case a.number && bytes.Equal(x, y):
			m.count(x, p)
		case a.number:
			p.changes = append(p.changes, m.t.change(number, x, y))
		case !bytes.Equal(x, y):
			p.shape = false
			return
		}
		if a.number {
			number++
		}
		before, beforeNew = a, b
	}
	p.blanks = true
}

// count counts a number whose text is the same.
func (m *matcher) count(text []byte, p *pair) {
	var s shape
	if !s.scan(text) {
		return
	}
	p.sames++
	if n := s.significant(); n > 0 {
		if p.least == 0 || n < p.least {
			p.least = n
		}
		p.most = max(p.most, n)
	}
}

// samePlace reports whether the blanks before two tokens carry the same: they
// are equal, or the tokens begin or end in the same column, as in a table
// whose numbers grew longer (CMP-42).
func samePlace(pub, new []byte, before, a, beforeNew, b token) bool {
	gap, gapNew := pub[before.to:a.from], new[beforeNew.to:b.from]
	if bytes.Equal(gap, gapNew) {
		return true
	}
	if (len(gap) == 0) != (len(gapNew) == 0) && before.to > 0 {
		return false
	}
	return column(pub, a.from) == column(new, b.from) || column(pub, a.to) == column(new, b.to)
}

func column(line []byte, at int) int { return utf8.RuneCount(line[:at]) }
