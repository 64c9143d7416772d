package compare

import (
	"context"
	"repro/internal/badfile"
	"repro/internal/ndarray"
	"repro/internal/xlsx"
)

const kindXLSX = "xlsx"

func init() { comparers[kindXLSX] = compareXLSX }

// compareXLSX compares the values of cells in two workbooks (ECMA-376,
// SpreadsheetML). What a cell looks like and by which formula its value was
// computed is not compared; charts and pictures end in needs eyes (CMP-126).
func compareXLSX(ctx context.Context, j *job) error {
	if err := j.wholeLines(); err != nil {
		return err
	}
	var lists [2][]xlsx.Cell
	for i, of := range []side{published, produced} {
		a, err := j.openZip(i, of)
		if err != nil {
			return err
		}
		lists[i], err = xlsx.Read(ctx, a.Reader)
		a.close()
		if err != nil {
			return outside(err, of, kindXLSX)
		}
	}
	j.sameContent = "the same cells; only their looks, formulas or what is written beside them differ"
	j.tally.binary = true // numbers are kept in full, not as they are shown
	c := &cells{j: j}
	c.compare(lists[0], lists[1])
	return nil
}

type cells struct{ j *job }

func (c *cells) compare(pub, new []xlsx.Cell) {
	t := c.j.tally
	places := map[string]xlsx.Cell{}
	for _, n := range new {
		places[n.Where] = n
	}
	for _, p := range pub {
		n, ok := places[p.Where]
		delete(places, p.Where)
		switch {
		case !ok:
			c.broken(p.Where, p.Text, "", "%s is empty in the new file; published %q", p.Where, badfile.Shorten(p.Text))
		case p.Number != n.Number || !p.Number && p.Text != n.Text:
			c.broken(p.Where, p.Text, n.Text, "%s: published %q, new %q", p.Where, badfile.Shorten(p.Text), badfile.Shorten(n.Text))
		case !p.Number:
		case p.Text == n.Text:
			t.equalNumbers(ndarray.Float)
		default:
			what := t.judge([]byte(p.Text), []byte(n.Text))
			if t.spread != nil {
				what = t.settle(what, []byte(p.Text), []byte(n.Text), p.Where)
			}
			t.number(what, []byte(p.Text), []byte(n.Text), func() string { return p.Where })
			c.j.watch.value(p.Where, p.Text, n.Text, markOf(what))
		}
	}
	for _, n := range new {
		if _, extra := places[n.Where]; extra {
			c.broken(n.Where, "", n.Text, "%s is empty in the published file; new %q", n.Where, badfile.Shorten(n.Text))
		}
	}
}

func (c *cells) broken(where, pub, new, format string, args ...any) {
	c.j.tally.brokenAt(where, pub, new, format, args...)
	c.j.watch.value(where, pub, new, Off)
}
