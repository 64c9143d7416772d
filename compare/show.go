package compare

import (
	"bytes"
	"context"
	"fmt"
	"unicode/utf8"

	"repro/compare/kinds"
	"repro/format/manifest"
	"repro/report"
)

// Limits on what [Explain] keeps.
const (
	maxShown  = 200     // elements of arrays
	maxRows   = 5000    // rows, and values of trees
	maxKept   = 4 << 20 // bytes of their text
	maxPieces = 64      // cells of a row, or pieces of a line
	context3  = 3       // equal rows kept before and after one that differs, beyond firstRows
	firstRows = 24      // equal rows kept at the start
)

// Mark says how a piece of the new file stands to the published one.
type Mark string

// The marks, best first.
const (
	Equal   Mark = ""        // the same text
	Printed Mark = "printed" // the same as printed
	Inside  Mark = "inside"  // within the tolerance asked
	Off     Mark = "off"     // differs
)

// Show is two files side by side, for display: shortened, in valid UTF-8,
// otherwise as hostile as the files.
type Show struct {
	Kind    string   // of the comparison, by its name
	Columns []string // of a table with a header
	Rows    []Row
	Omitted int64 // rows that differ beyond those kept

	kept    int   // bytes of text
	skipped int64 // equal rows since the last one kept
	recent  []Row
	after   int
}

// Row is a row of a table, a line of text or a value of a JSON file.
type Row struct {
	Name      string  // number of the row or line, JSON pointer
	Published []Piece // cells, or pieces of the line; nil if only the new file has it
	New       []Piece // nil if only the published file has it
	Skipped   int64   // if not 0, the row stands for so many equal ones
}

// Piece is a cell, or a part of a line.
type Piece struct {
	Text   string
	Mark   Mark
	Agreed int // bytes of Text, from its start, that say the same on both sides
}

// Differs reports whether anything in the row is not the same text.
func (r *Row) Differs() bool {
	if r.Published == nil || r.New == nil {
		return r.Skipped == 0
	}
	for _, p := range r.New {
		if p.Mark != Equal {
			return true
		}
	}
	return false
}

// Explain is [Files], and both files side by side where their kind allows it;
// else the Show is nil.
func Explain(ctx context.Context, pub, new File, r manifest.Rule) (report.Finding, *Show, error) {
	s := &Show{}
	f, err := files(ctx, pub, new, r, sinks{show: s})
	if err != nil || s.Kind != f.Kind {
		return f, nil, err
	}
	return f, s, nil
}

// shower is a differ that also keeps rows.
type shower struct {
	*differ
	show  *Show
	table *table
	hide  func([]byte) []byte // masks what the rule ignores
}

func (s *shower) header(_, _ *item, t *table) {
	s.table = t
	for i, name := range t.header {
		if i < maxPieces {
			s.show.Columns = append(s.show.Columns, clip(name))
		}
	}
}

func (s *shower) both(pub, new *item, p *pair) {
	s.differ.both(pub, new, p)
	row := Row{Name: nameOf(pub)}
	if pub.cells != nil {
		row.Published, row.New = s.cells(pub, new, p)
	} else {
		row.Published, row.New = s.pieces(pub.text, new.text, p)
	}
	s.show.add(row)
}

func (s *shower) replaced(pub, new *item) {
	s.differ.replaced(pub, new)
	s.show.add(Row{Name: nameOf(pub), Published: s.whole(pub, nil), New: s.whole(new, s.place)})
}

func (s *shower) dropped(pub *item) {
	s.differ.dropped(pub)
	s.show.add(Row{Name: nameOf(pub), Published: s.whole(pub, nil)})
}

func (s *shower) added(new *item) {
	s.differ.added(new)
	s.show.add(Row{Name: nameOf(new), New: s.whole(new, s.place)})
}

// nameOf is the number of a row or line, or the place of a fact.
func nameOf(it *item) string {
	if it.where != "" {
		return it.where
	}
	return fmt.Sprint(it.n)
}

func (s *shower) value(where, pub, new string, mark Mark) {
	s.differ.value(where, pub, new, mark)
	row := Row{Name: where}
	if pub != "" {
		row.Published = []Piece{{Text: pub}}
		row.Published[0].mark(mark, new)
	}
	if new != "" {
		row.New = []Piece{{Text: new}}
		row.New[0].mark(mark, pub)
	}
	s.show.add(row)
}

func (s *shower) more(n int64) {
	s.differ.more(n)
	s.show.Omitted += n
}

func (s *shower) place(i int) int {
	if s.table != nil {
		return s.table.place(i)
	}
	return i
}

// cells pairs the cells of two rows, in the order of the published columns.
func (s *shower) cells(pub, new *item, p *pair) ([]Piece, []Piece) {
	a, b := s.whole(pub, nil), s.whole(new, s.place)
	for i := range min(len(a), len(b)) {
		a[i].Mark, b[i].Mark = Equal, Equal
	}
	for _, c := range p.changes {
		if c.item < len(a) && c.item < len(b) {
			mark := worse(b[c.item].Mark, markOf(c.what))
			a[c.item].mark(mark, b[c.item].Text)
			b[c.item].mark(mark, a[c.item].Text)
		}
	}
	return a, b
}

// whole is a row or a line of which all differs.
func (s *shower) whole(it *item, place func(int) int) []Piece {
	if it.cells == nil {
		return []Piece{{Text: clip(string(it.text)), Mark: Off}}
	}
	out := []Piece{}
	for i := range min(len(it.cells), maxPieces) {
		at := i
		if place != nil {
			at = place(i)
		}
		out = append(out, Piece{Text: clip(string(it.value(at))), Mark: Off})
	}
	return out
}

// pieces splits two lines at the numbers that changed.
func (s *shower) pieces(pub, new []byte, p *pair) ([]Piece, []Piece) {
	if len(p.changes) == 0 {
		return []Piece{{Text: clip(string(pub))}}, []Piece{{Text: clip(string(new))}}
	}
	return split(s.hide(pub), p.changes, false), split(s.hide(new), p.changes, true)
}

func split(line []byte, changes []change, fresh bool) []Piece {
	var out []Piece
	number, next, at := 0, 0, 0
	for _, tok := range tokenize(line, nil) {
		if !tok.number {
			continue
		}
		if next < len(changes) && changes[next].item == number && len(out) < maxPieces {
			text, other := changes[next].pub, changes[next].new
			if fresh {
				text, other = other, text
			}
			if bytes.Equal(text, tok.of(line)) {
				piece := Piece{Text: string(text)}
				piece.mark(markOf(changes[next].what), string(other))
				out = append(out, Piece{Text: clip(string(line[at:tok.from]))}, piece)
				at = tok.to
			}
			next++
		}
		number++
	}
	return append(out, Piece{Text: clip(string(line[at:]))})
}

// mark says how the piece stands to the other side's.
func (p *Piece) mark(m Mark, other string) {
	p.Mark = m
	if m != Equal {
		p.Agreed = agreed(p.Text, other)
	}
}

// agreed is how much of text says the same as the other text: of two numbers
// the leading digits, however they are written; else what both begin with.
func agreed(text, other string) int {
	var a, b number
	if !a.parse([]byte(text)) || !b.parse([]byte(other)) || len(a.digits) == 0 || len(b.digits) == 0 {
		n := prefix([]byte(text), []byte(other))
		for n > 0 && n < len(text) && !utf8.RuneStart(text[n]) {
			n--
		}
		return n
	}
	if a.neg != b.neg || a.last+len(a.digits) != b.last+len(b.digits) {
		return 0
	}
	var s shape
	s.scan([]byte(text))
	at := s.firstReal
	for left := prefix(a.digits, b.digits); left > 0; at++ {
		if digit(text[at]) {
			left--
		}
	}
	if at == s.firstReal {
		return 0
	}
	if at < len(text) && text[at] == '.' {
		at++
	}
	return at
}

func markOf(o outcome) Mark {
	switch o {
	case same:
		return Equal
	case agrees:
		return Printed
	case moved, within:
		return Inside
	}
	return Off
}

func worse(a, b Mark) Mark {
	rank := map[Mark]int{Equal: 0, Printed: 1, Inside: 2, Off: 3}
	if rank[a] > rank[b] {
		return a
	}
	return b
}

// add keeps a row that differs, and a few of the equal ones around it.
func (s *Show) add(row Row) {
	if len(s.Rows) >= maxRows || s.kept >= maxKept {
		if row.Differs() {
			s.Omitted++
		}
		return
	}
	switch {
	case row.Differs():
		s.flush()
		s.keep(s.recent...)
		s.recent = s.recent[:0]
		s.keep(row)
		s.after = context3
	case s.after > 0 || len(s.Rows) < s.first() && s.skipped == 0 && len(s.recent) == 0:
		s.keep(row)
		s.after--
	default:
		if s.recent = append(s.recent, row); len(s.recent) > context3 {
			s.recent = append(s.recent[:0], s.recent[1:]...)
			s.skipped++
		}
	}
}

func (s *Show) keep(rows ...Row) {
	s.Rows = append(s.Rows, rows...)
	for i := range rows {
		for _, side := range [][]Piece{rows[i].Published, rows[i].New} {
			for k := range side {
				s.kept += len(side[k].Text)
			}
		}
	}
}

// first is how many equal rows are kept at the start: few of a drawing or a
// page, whose parts say little.
func (s *Show) first() int {
	if shown := kinds.Of(s.Kind).Shown; shown == kinds.Parts || shown == kinds.Drawing || shown == kinds.Pages {
		return context3
	}
	return firstRows
}

func (s *Show) flush() {
	if s.skipped > 0 {
		s.Rows = append(s.Rows, Row{Skipped: s.skipped})
		s.skipped = 0
	}
}

// finish says how many equal rows come after the last one kept.
func (s *Show) finish() {
	s.skipped += int64(len(s.recent))
	s.recent = nil
	s.flush()
}
