package compare

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"repro/internal/pattern"
)

// columnFacts is what a table's rule asks of one column before it is compared.
type columnFacts struct {
	limits   *limits // of the rule for this column; nil: those for all
	largest  *number // in magnitude, of the published cells that are numbers
	size     float64
	row      int64 // where it stands
	reversed bool  // all signs of the new column are to be reversed
	group    *group
	commas   commas // how its cells use commas
	place    []byte // what its cells that hold more than a number are known by
	missing  missing
	either   bool // NA and an empty cell carry the same (CMP-34a)
}

// rules makes the rules of column i hold for the cell to be judged next, and
// returns the cell with the sign that it is compared with.
func (c *table) rules(i int, new []byte) []byte {
	c.t.limits, c.t.largest, c.t.group = c.t.rule.limits, nil, nil
	if i >= len(c.facts) {
		return new
	}
	f := &c.facts[i]
	c.t.largest, c.t.group = f.largest, f.group
	if f.limits != nil {
		c.t.limits = f.limits
	}
	if f.reversed && isNumber(new) {
		return negated(new)
	}
	return new
}

// negated is a number with its sign reversed.
func negated(text []byte) []byte {
	switch text[0] {
	case '-':
		return text[1:]
	case '+':
		text = text[1:]
	}
	return append([]byte{'-'}, text...)
}

// survey reads the files once before they are compared, where the rule speaks
// of whole columns (CMP-30, CMP-32, CMP-33).
func (c *table) survey(ctx context.Context, j *job, comma byte) error {
	r := c.t.rule
	for name := range r.columns {
		if at := slices.Index(c.header, name); at < 0 || slices.Index(c.header[at+1:], name) >= 0 {
			return &undecided{fmt.Sprintf("the rule names the column %q, which the published table has not once", name)}
		}
	}
	if r.Signs == signRows {
		return &undecided{"signs of rows are for arrays; a table has signs of columns"}
	}
	for name := range c.omit {
		if c.named[name] == 0 && !c.fresh[name] {
			return &undecided{fmt.Sprintf("the rule leaves out the column %q, which neither table has", name)}
		}
	}
	for i := range c.header {
		c.facts = append(c.facts, c.factsOf(i))
	}
	if err := c.findDecimals(ctx, j, comma); err != nil {
		return err
	}
	if err := c.rowsOf(ctx, j.files[0], comma, published, c.measure); err != nil {
		return err
	}
	if err := c.findMissing(ctx, j, comma); err != nil || r.Signs == "" {
		return err
	}
	return c.rowsOf(ctx, j.files[1], comma, produced, c.orient)
}

// factsOf begins the facts of a published column.
func (c *table) factsOf(i int) columnFacts {
	f := columnFacts{row: -1, size: -1, place: fmt.Appendf(nil, "column %d", i+1),
		group: &group{name: "column " + c.columnName(i), up: c.all, onePen: true, strict: true}}
	if i < len(c.header) {
		f.limits = c.t.rule.columns[c.header[i]]
		f.group.label, f.group.names = isProgram(c.header[i]), isIdentifier(c.header[i])
	}
	return f
}

// columnPlace is what the cells of a column that hold more than a number are
// known by.
func (c *table) columnPlace(i int) []byte {
	if i < len(c.facts) {
		return c.facts[i].place
	}
	return nil
}

// rowsOf calls visit for each row but the header.
func (c *table) rowsOf(ctx context.Context, f File, comma byte, of side, visit func(*item)) error {
	in, err := f.open(of)
	if err != nil {
		return err
	}
	defer in.Close()
	rows := newRowReader(in, comma, of)
	if len(c.header) > 0 {
		rows.n = -1
	}
	next := readAhead(rows)
	defer next.close()
	for it := new(item); ; {
		switch err := next.read(it); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case it.n%1024 == 0 && ctx.Err() != nil:
			return ctx.Err()
		case it.n > 0:
			visit(it)
		}
	}
}

// measure counts the numbers of a published row in their groups, and finds the
// largest.
func (c *table) measure(it *item) {
	for i := range it.cells {
		if i == len(c.facts) {
			c.facts = append(c.facts, c.factsOf(i))
		}
		f, n := &c.facts[i], &c.number
		text := c.read(it.value(i))
		known := n.read(text)
		if !known {
			text = withoutMinus(text)
			f.commas.add(text)
			known = n.read(text)
		}
		f.missing.add(text, known)
		if !known {
			if hasDigit(text) {
				text, _ = c.m.hide(text)
				text = withoutAddresses(text)
				c.mixed.add(f.place, text, it.n)
			}
			continue
		}
		if n.class != finite {
			continue
		}
		f.group.count(n)
		size := math.Abs(n.float())
		f.commas.mixed = f.commas.mixed || size >= 1000
		if size > f.size {
			f.size, f.row = size, it.n
			f.largest = mustNumber(string(text))
		}
	}
}

func hasDigit(b []byte) bool { return bytes.ContainsAny(b, "0123456789") }

// orient finds the columns whose signs are to be reversed: those whose largest
// published number has the other sign in the new table.
func (c *table) orient(it *item) {
	for i := range c.facts {
		f := &c.facts[i]
		var n number
		if f.row != it.n || c.place(i) < 0 || !n.parse(withoutMinus(c.read(it.value(c.place(i))))) {
			continue
		}
		if n.class == finite && len(n.digits) > 0 && f.size > 0 && n.neg != f.largest.neg {
			f.reversed = true
			c.t.reversed++
		}
	}
}

// commas is how the published cells of a column use commas.
type commas struct {
	proven bool // some cell can hold nothing but separators of thousands
	mixed  bool // others are used otherwise, or thousands stand without
}

// inThousands is a number in which each comma may separate thousands.
var inThousands = pattern.New(`^[-+]?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?$`)

// add looks at a cell that is no number by CMP-20.
func (c *commas) add(text []byte) {
	switch {
	case bytes.IndexByte(text, ',') < 0:
	case !inThousands.Regexp().Match(text):
		c.mixed = true
	case bytes.Count(text, []byte(",")) > 1 || bytes.IndexByte(text, '.') > 0:
		c.proven = true
	}
}

// withoutCommas is a published cell without its separators of thousands; nil
// where its column does not show that commas are such.
func (c *table) withoutCommas(i int, text []byte) []byte {
	if i >= len(c.facts) || !c.facts[i].commas.proven || c.facts[i].commas.mixed || !inThousands.Regexp().Match(text) {
		return nil
	}
	return bytes.ReplaceAll(text, []byte(","), nil)
}
