package compare

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// mask stands for what the rule ignores. It can't be typed by accident: no
// text file that is compared holds a zero byte.
var mask = []byte("\x00ignored\x00")

// matcher compares two pieces of text, a line or a cell, numbers in place.
type matcher struct {
	t        *tally
	pub, new []token
	survey   *surveyor   // of the published text
	place    []byte      // where the line stands, if that has a name
	n        int64       // the line's number
	signs    *signedText // of vectors whose signs are free; nil: none are
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

// onlyMasked reports whether the rule hides all of a line that is not blank.
func onlyMasked(line []byte) bool {
	return len(bytes.TrimSpace(bytes.ReplaceAll(line, mask, nil))) == 0
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
		p.left = p.left || !onlyMasked(pub)
	}
	pub, new = plain(pub), plain(new)
	if bytes.Equal(pub, new) && m.signs == nil {
		m.pub = tokenize(pub, m.pub[:0])
		for _, tok := range m.pub {
			if tok.number {
				m.count(tok.of(pub), p)
			}
		}
		return
	}
	m.pub, m.new = tokenize(pub, m.pub[:0]), tokenize(new, m.new[:0])
	if !m.alike() {
		pub, new = withoutThousands(pub, new), withoutThousands(new, pub)
		m.pub, m.new = tokenize(pub, m.pub[:0]), tokenize(new, m.new[:0])
	}
	if !m.alike() {
		m.pub, m.new = tokenizeAs(pub, m.pub[:0], true), tokenizeAs(new, m.new[:0], true)
	}
	if len(m.pub) != len(m.new) {
		p.shape = false
		return
	}
	m.tokens(pub, new, p)
}

// alike reports whether two lines have the same pattern of words and numbers.
func (m *matcher) alike() bool {
	return slices.EqualFunc(m.pub, m.new, func(a, b token) bool { return a.number == b.number })
}

func (m *matcher) tokens(pub, new []byte, p *pair) {
	number, first := 0, len(p.changes)
	key := m.key(pub)
	var before, beforeNew token
	for i, a := range m.pub {
		b := m.new[i]
		if a.number != b.number || !m.samePlace(pub, new, before, a, beforeNew, b) && !m.sameBound(pub, new, i) && !m.sameStars(pub, new, i) {
			p.shape = false
			return
		}
		x, y := a.of(pub), b.of(new)
		switch {
		case a.number && bytes.Equal(x, y) && a.last == b.last && !m.signs.reversed(m.n, number):
			m.count(x, p)
		case a.number:
			p.changes = append(p.changes, m.change(pub, new, a, b, number, key))
		case !bytes.Equal(x, y) && !m.sameDash(pub, new, i):
			p.shape = false
			return
		}
		if a.number {
			number++
		}
		before, beforeNew = a, b
	}
	m.byLine(pub, p.changes[first:])
	p.blanks = true
}

// key is that of the published line.
func (m *matcher) key(pub []byte) lineKey {
	if m.survey == nil {
		return lineKey{}
	}
	return keyOf(m.place, pub, m.pub)
}

// change judges two numbers in the group of their place.
func (m *matcher) change(pub, new []byte, a, b token, number int, key lineKey) change {
	m.t.written = a.as
	if m.survey != nil {
		m.t.group = m.survey.place(key, number, m.n)
	}
	value := b.value(new)
	if m.signs.reversed(m.n, number) {
		value = negated(value)
	}
	c := m.t.change(number, a.value(pub), value)
	m.t.written = untold
	return c
}

// byLine looks at the line itself where the groups of its numbers cannot tell
// how these were written: a list may stand in one line.
func (m *matcher) byLine(pub []byte, changes []change) {
	if !slices.ContainsFunc(changes, func(c change) bool { return c.what == pending }) {
		return
	}
	line := &group{}
	for _, t := range m.pub {
		var v number
		if t.number && t.last == 0 && t.as != exact && v.parse(t.of(pub)) && !v.whole() {
			line.pub.add(&v)
		}
	}
	for _, c := range changes {
		var p, n number
		if c.what == pending && p.parse(c.pub) && n.parse(c.new) {
			line.note(&p, &n, &line.pub)
		}
	}
	to := pending
	switch {
	case line.pub.shortest():
		to = differs
	case line.evident():
		to = agrees
	}
	for i := range changes {
		if changes[i].what == pending {
			changes[i].what = to
		}
	}
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
func (m *matcher) samePlace(pub, new []byte, before, a, beforeNew, b token) bool {
	gap, gapNew := pub[before.to:a.from], new[beforeNew.to:b.from]
	if bytes.Equal(gap, gapNew) {
		return true
	}
	if m.t.rule.Blanks == blanksFree {
		return (len(gap) == 0) == (len(gapNew) == 0) || before.to == 0
	}
	if (len(gap) == 0) != (len(gapNew) == 0) && before.to > 0 {
		return false
	}
	return column(pub, a.from) == column(new, b.from) || column(pub, a.to) == column(new, b.to)
}

// sameBound reports whether token i is the sign of a bound, or the number after
// one, and but for blanks between these two both stand in the same place: one of
// them does.
func (m *matcher) sameBound(pub, new []byte, i int) bool {
	if m.pub[i].number {
		i--
	}
	if i < 0 || i+1 == len(m.pub) {
		return false
	}
	a, b, n, o := m.pub[i], m.new[i], m.pub[i+1], m.new[i+1]
	if !n.number || !o.number || a.number || b.number || n.as != exact || o.as != exact {
		return false
	}
	if c := pub[a.to-1]; c != '<' && c != '>' {
		return false
	}
	var before, beforeNew token
	if i > 0 {
		before, beforeNew = m.pub[i-1], m.new[i-1]
	}
	return m.samePlace(pub, new, before, a, beforeNew, b) || column(pub, n.from) == column(new, o.from) || column(pub, n.to) == column(new, o.to)
}

// sameStars reports whether token i is the stars of the number before it in both
// lines, glued to it or behind one blank.
func (m *matcher) sameStars(pub, new []byte, i int) bool {
	stars := func(line []byte, toks []token) bool {
		return toks[i-1].number && toks[i].from-toks[i-1].to <= 1 && len(bytes.Trim(toks[i].of(line), "*")) == 0
	}
	return i > 0 && stars(pub, m.pub) && stars(new, m.new)
}

// sameDash reports whether token i is the dash of a range in both lines.
func (m *matcher) sameDash(pub, new []byte, i int) bool {
	return isDash(m.pub, pub, i) && isDash(m.new, new, i)
}

func isDash(toks []token, line []byte, i int) bool {
	if i == 0 || i+1 == len(toks) || !toks[i-1].number || !toks[i+1].number || toks[i-1].to != toks[i].from || toks[i].to != toks[i+1].from {
		return false
	}
	text := string(toks[i].of(line))
	return text == "-" || text == "–"
}

func column(line []byte, at int) int { return utf8.RuneCount(line[:at]) }
