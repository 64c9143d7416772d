package compare

import (
	"archive/zip"
	"cmp"
	"context"

	"repro/internal/ndarray"
	"repro/internal/ods"
	"repro/internal/xlsx"
)

// The kinds of this file.
const (
	kindXLSX = "xlsx"
	kindODS  = "ods" // SPEC.md CMP-126a
)

func init() {
	comparers[kindXLSX] = func(ctx context.Context, j *job) error { return j.compareBooks(ctx, kindXLSX, xlsx.Read) }
	comparers[kindODS] = func(ctx context.Context, j *job) error { return j.compareBooks(ctx, kindODS, ods.Read) }
}

// compareBooks compares the values of cells in two workbooks. What a cell looks
// like and by which formula its value was computed is not compared; charts and
// pictures end in needs eyes (CMP-126).
func (j *job) compareBooks(ctx context.Context, kind string, read func(context.Context, *zip.Reader) ([]xlsx.Sheet, error)) error {
	if err := j.wholeLines(); err != nil {
		return err
	}
	var lists [2][]xlsx.Sheet
	for i, of := range []side{published, produced} {
		a, err := j.openZip(i, of)
		if err != nil {
			return err
		}
		lists[i], err = read(ctx, a.Reader)
		a.close()
		if err != nil {
			return outside(err, of, kind)
		}
	}
	j.sameContent = "the same cells; only their looks, formulas or what is written beside them differ"
	j.tally.binary = true // numbers are kept in full, not as they are shown
	c := &cells{j: j}
	c.compareBooks(lists[0], lists[1])
	if c.formula != "" && j.tally.broken == 0 {
		return &undecided{"the value of " + c.formula + " was not computed in one of the workbooks: open it in a spreadsheet program and save it"}
	}
	return nil
}

type cells struct {
	j       *job
	counts  map[int32]bool // columns of the published sheet that hold only whole numbers
	formula string         // a cell that has a value in one workbook, and a formula without one in the other
}

func (c *cells) compareBooks(pub, new []xlsx.Sheet) {
	places := map[string]*xlsx.Sheet{}
	for i := range new {
		places[new[i].Name] = &new[i]
	}
	for _, p := range pub {
		n := places[p.Name]
		delete(places, p.Name)
		if n == nil {
			c.broken(clip(p.Name), p.Name, "", "the sheet %q is not in the new file", clip(p.Name))
			continue
		}
		c.sheet(p.Name, p.Cells, n.Cells)
	}
	for _, n := range new {
		if places[n.Name] != nil {
			c.broken(clip(n.Name), "", n.Name, "the sheet %q is not in the published file", clip(n.Name))
		}
	}
}

// sheet compares the cells of two sheets of one name, both row by row.
func (c *cells) sheet(name string, pub, new []xlsx.Cell) {
	c.counts = countingColumns(pub)
	for len(pub) > 0 || len(new) > 0 {
		order := 0
		switch {
		case len(new) == 0:
			order = -1
		case len(pub) == 0:
			order = 1
		default:
			order = cmp.Or(cmp.Compare(pub[0].Row, new[0].Row), cmp.Compare(pub[0].Column, new[0].Column))
		}
		switch {
		case order < 0:
			where := clip(name) + "!" + pub[0].Place()
			c.broken(where, pub[0].Text, "", "%s is empty in the new file; published %q", where, clip(pub[0].Text))
			pub = pub[1:]
		case order > 0:
			where := clip(name) + "!" + new[0].Place()
			c.broken(where, "", new[0].Text, "%s is empty in the published file; new %q", where, clip(new[0].Text))
			new = new[1:]
		default:
			c.cell(name, &pub[0], &new[0])
			pub, new = pub[1:], new[1:]
		}
	}
}

func (c *cells) cell(name string, p, n *xlsx.Cell) {
	t := c.j.tally
	if p.Kind == n.Kind && p.Text == n.Text {
		if p.Kind == xlsx.Number {
			t.equalNumbers(ndarray.Float)
		}
		return
	}
	where := clip(name) + "!" + p.Place()
	switch {
	case p.Kind != n.Kind && (p.Kind == xlsx.Formula || n.Kind == xlsx.Formula):
		if c.formula == "" {
			c.formula = where
		}
	case p.Kind != n.Kind:
		c.broken(where, p.Text, n.Text, "%s: published the %s %q, new the %s %q", where, p.Kind, clip(p.Text), n.Kind, clip(n.Text))
	case p.Kind != xlsx.Number:
		c.broken(where, p.Text, n.Text, "%s: published %q, new %q", where, clip(p.Text), clip(n.Text))
	default:
		t.counts = notCounting
		if c.counts[p.Column] {
			t.counts = countingAll
		}
		what := t.judge([]byte(p.Text), []byte(n.Text))
		if t.spread != nil {
			what = t.settle(what, []byte(p.Text), []byte(n.Text), where)
		}
		t.number(what, []byte(p.Text), []byte(n.Text), func() string { return where })
		c.j.watch.value(where, p.Text, n.Text, markOf(what))
	}
}

// countingColumns lists the columns whose numbers are all whole: years,
// identifiers, counts.
func countingColumns(sheet []xlsx.Cell) map[int32]bool {
	counts := map[int32]bool{}
	for i := range sheet {
		var n number
		cell := &sheet[i]
		if cell.Kind != xlsx.Number || !n.parse([]byte(cell.Text)) {
			continue
		}
		if all, seen := counts[cell.Column]; all || !seen {
			counts[cell.Column] = n.whole()
		}
	}
	return counts
}

func (c *cells) broken(where, pub, new, format string, args ...any) {
	c.j.tally.brokenAt(where, pub, new, format, args...)
	c.j.watch.value(where, pub, new, Off)
}
