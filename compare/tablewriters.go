package compare

import (
	"bytes"
	"context"
	"strings"

	"repro/internal/pattern"
)

// decimalComma is a number whose decimal point is a comma.
var decimalComma = pattern.New(`^[-+]?(?:0|[1-9][0-9]*),[0-9]+(?:[eE][-+]?[0-9]+)?$`)

// decimals is how the published cells of a table that is not separated by commas
// use them (SPEC.md CMP-50a).
type decimals struct {
	proven bool // some cell can hold nothing but a decimal comma
	mixed  bool // another has a decimal point, or commas of another use
}

func (d *decimals) comma() bool { return d.proven && !d.mixed }

func (d *decimals) add(cell []byte) {
	switch cell = withoutMinus(cell); {
	case isNumber(cell):
		d.mixed = d.mixed || bytes.IndexByte(cell, '.') >= 0
	case !betweenDigits(cell, ','):
	case !decimalComma.Regexp().Match(cell):
		d.mixed = true
	case !inThousands.Regexp().Match(cell):
		d.proven = true
	}
}

// betweenDigits reports whether c stands between two digits.
func betweenDigits(b []byte, c byte) bool {
	for i := 1; i+1 < len(b); i++ {
		if b[i] == c && digit(b[i-1]) && digit(b[i+1]) {
			return true
		}
	}
	return false
}

// findDecimals reads the published table where commas may be decimal points.
func (c *table) findDecimals(ctx context.Context, j *job, comma byte) error {
	if comma == ',' {
		return nil
	}
	var d decimals
	err := c.rowsOf(ctx, j.files[0], comma, published, func(it *item) {
		for i := range it.cells {
			d.add(it.value(i))
		}
	})
	c.commas = d.comma()
	return err
}

// read is a cell with the decimal point that numbers have.
func (c *table) read(cell []byte) []byte {
	if !c.commas {
		return cell
	}
	if bare := withoutMinus(cell); decimalComma.Regexp().Match(bare) {
		return bytes.Replace(bare, []byte{','}, []byte{'.'}, 1)
	}
	return cell
}

// foreign reports a cell with a point where decimal points are commas: there it
// may separate thousands.
func (c *table) foreign(cell []byte) bool {
	return c.commas && bytes.IndexByte(cell, '.') >= 0 && isNumber(cell)
}

// missing is how a column of numbers writes that a value is missing.
type missing struct {
	numbers, na, empty, other int64
}

var notAvailable = []byte("NA")

// add counts a cell, of which number says whether it is one.
func (m *missing) add(cell []byte, number bool) {
	switch {
	case number:
		m.numbers++
	case len(cell) == 0:
		m.empty++
	case bytes.Equal(cell, notAvailable):
		m.na++
	default:
		m.other++
	}
}

// oneWay reports whether the column holds numbers, and values that are missing
// in one way.
func (m *missing) oneWay() bool {
	return m.numbers > 0 && m.other == 0 && (m.na > 0) != (m.empty > 0)
}

// findMissing reads the new table, too, where a column of numbers could have
// cells that are missing in another way there (SPEC.md CMP-34a).
func (c *table) findMissing(ctx context.Context, j *job, comma byte) error {
	new := make([]missing, len(c.facts))
	any := false
	for i := range c.facts {
		any = any || c.facts[i].missing.oneWay()
	}
	if !any || len(c.facts) < 2 { // an empty line is no cell
		return nil
	}
	err := c.rowsOf(ctx, j.files[1], comma, produced, func(it *item) {
		for i := range c.facts {
			if at := c.place(i); at >= 0 && at < len(it.cells) {
				cell := c.read(it.value(at))
				new[i].add(cell, isNumber(cell))
			}
		}
	})
	for i := range c.facts {
		p, n := &c.facts[i].missing, &new[i]
		c.facts[i].either = p.oneWay() && n.oneWay() && (p.na > 0) != (n.na > 0)
	}
	return err
}

// sameWord reports whether two cells that are no numbers mean the same: a value
// that is missing, or one of truth.
func (c *table) sameWord(i int, x, y []byte) bool {
	if i < len(c.facts) && c.facts[i].either && (len(x) == 0 && bytes.Equal(y, notAvailable) || len(y) == 0 && bytes.Equal(x, notAvailable)) {
		return true
	}
	return isTruth(x) && strings.EqualFold(string(x), string(y)) && isTruth(y)
}

// isTruth reports TRUE and FALSE as R writes them, Python, and most others.
func isTruth(b []byte) bool {
	switch string(b) {
	case "TRUE", "FALSE", "True", "False", "true", "false":
		return true
	}
	return false
}
