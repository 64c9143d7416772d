package compare

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

const kindCSV = "csv"

func init() { comparers[kindCSV] = compareCSV }

// maxKeyed bounds the rows of a published table that are kept to be found by
// key, in bytes of their text.
const maxKeyed = 128 << 20

// table compares rows and cells (SPEC.md CMP-50 to CMP-56).
type table struct {
	t      *tally
	m      matcher
	watch  watcher
	header []string        // of the published table; empty if it has none
	named  map[string]int  // how often each of its names stands there
	column []int           // for each published column its place in the new table, or -1
	width  int             // columns of the new table by its header
	keys   []int           // published columns that name a row
	facts  []columnFacts   // by published column
	all    *group          // of all columns
	mixed  *surveyor       // of cells that hold more than a number
	omit   map[string]bool // columns that are left out (CMP-57)
	fresh  map[string]bool // names of the new table's columns
	commas bool            // decimal points are commas (CMP-50a)
	found  pair
	cell   pair
	number number // of measure
}

func compareCSV(ctx context.Context, j *job) error {
	start := bufio.NewReaderSize(j.pub, 64<<10)
	comma, err := j.delimiter(start)
	if err != nil {
		return err
	}
	pub := &queue{r: newRowReader(start, comma, published)}
	new := &queue{r: newRowReader(j.new, comma, produced)}
	c := &table{t: j.tally, m: matcher{t: j.tally}, watch: j.watch,
		all: &group{name: "the table"}, mixed: newSurveyor(), omit: map[string]bool{}}
	c.m.survey = c.mixed
	for _, name := range j.rule.Omit {
		c.omit[name] = true
	}
	j.sameContent = "the same cells: only quoting, line ends or outer blanks differ"
	if err := c.readHeaders(pub, new); err != nil {
		return err
	}
	if err := c.survey(ctx, j, comma); err != nil {
		return err
	}
	for _, q := range []*queue{pub, new} {
		rows := readAhead(q.r)
		defer rows.close()
		q.r = rows
	}
	if len(j.rule.Keys) == 0 {
		return align(ctx, pub, new, c)
	}
	j.sameContent = "the same rows: only their order, or that of the columns, or quoting differs"
	if err := c.findKeys(j.rule.Keys); err != nil {
		return err
	}
	return c.byKey(ctx, pub, new)
}

func (j *job) delimiter(r *bufio.Reader) (byte, error) {
	if strings.HasSuffix(j.name, ".tsv") || strings.HasSuffix(j.name, ".tab") {
		return '\t', nil
	}
	start, err := r.Peek(r.Size())
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	return delimiter(start), nil
}

// readHeaders takes the first rows for headers if no cell of the published
// one is a number.
func (c *table) readHeaders(pub, new *queue) error {
	p, err := pub.peek(0)
	if p == nil || err != nil {
		return err
	}
	values := p.values()
	if slices.ContainsFunc(values, func(s string) bool { return isNumber([]byte(s)) }) && len(c.t.rule.Keys) == 0 ||
		!slices.ContainsFunc(values, func(s string) bool { return s != "" }) {
		return nil
	}
	c.header, c.named = values, map[string]int{}
	for _, name := range values {
		c.named[name]++
	}
	n, err := new.peek(0)
	if err != nil {
		return err
	}
	if n == nil {
		return nil // every row of the published table is missing
	}
	c.matchHeaders(p, n)
	for _, q := range []*queue{pub, new} {
		q.pop(1)
		q.r.(*rowReader).n = 0
	}
	return nil
}

// matchHeaders finds where the published columns stand in the new table.
func (c *table) matchHeaders(p, n *item) {
	fresh := n.values()
	c.fresh = map[string]bool{}
	for _, name := range fresh {
		c.fresh[name] = true
	}
	c.width = len(fresh)
	c.column = make([]int, len(c.header))
	if slices.Equal(c.header, fresh) || repeats(c.header) || repeats(fresh) {
		for i := range c.column {
			c.column[i] = i
		}
		c.watch.header(p, n, c)
		if !slices.Equal(c.header, fresh) {
			c.t.brokenAt("header", string(p.text), string(n.text), "the header differs: published %s, new %s", quote(p.text), quote(n.text))
		}
		return
	}
	moved, last := false, -1
	for i, name := range c.header {
		c.column[i] = slices.Index(fresh, name)
		if c.omit[name] {
			continue
		}
		if c.column[i] < 0 {
			c.t.brokenAt("header", name, "", "column %s is not in the new table", quote([]byte(name)))
		}
		moved = moved || c.column[i] < last
		last = c.column[i]
	}
	for _, name := range fresh {
		if !slices.Contains(c.header, name) && !c.omit[name] {
			c.t.brokenAt("header", "", name, "column %s is not in the published table", quote([]byte(name)))
		}
	}
	c.watch.header(p, n, c)
	if moved && c.t.broken == 0 && len(c.t.rule.Keys) == 0 {
		c.t.brokenAt("header", string(p.text), string(n.text), "the columns stand in another order: published %s, new %s", quote(p.text), quote(n.text))
	}
}

func repeats(names []string) bool {
	seen := map[string]bool{}
	for _, name := range names {
		if seen[name] {
			return true
		}
		seen[name] = true
	}
	return false
}

// place returns where published column i stands in the new table.
func (c *table) place(i int) int {
	if i < len(c.column) {
		return c.column[i]
	}
	return i
}

// columnName is a name that no other column of the table has.
func (c *table) columnName(i int) string {
	switch {
	case i >= len(c.header):
		return fmt.Sprint(i + 1)
	case c.named[c.header[i]] > 1:
		return fmt.Sprintf("%d (%s)", i+1, clip(c.header[i]))
	}
	return clip(c.header[i])
}

func (c *table) judge(pub, new *item) *pair {
	p := &c.found
	*p = pair{changes: p.changes[:0]}
	p.shape = len(new.cells)-c.width == len(pub.cells)-len(c.header)
	if !p.shape {
		return p
	}
	for i := range pub.cells {
		at := c.place(i)
		if at < 0 || at >= len(new.cells) || i < len(c.header) && c.omit[c.header[i]] {
			continue // said of the header, or of the row's length; or left out
		}
		c.judgeCell(i, pub.value(i), new.value(at), p)
	}
	p.blanks = true
	return p
}

func (c *table) judgeCell(i int, x, y []byte, p *pair) {
	if c.foreign(y) {
		p.differ(i, x, y)
		return
	}
	x, y = c.read(x), c.read(y)
	written := y
	y = c.rules(i, y)
	if bytes.Equal(x, y) {
		if isNumber(x) {
			c.m.count(x, p)
			return
		}
	} else if c.t.p.read(x) && c.t.n.read(y) {
		p.changes = append(p.changes, c.t.asChange(c.t.judgeParsed(), i, x, y))
		return
	}
	if a, b := withoutMinus(x), withoutMinus(written); len(a) < len(x) || len(b) < len(written) {
		c.judgeCell(i, a, b, p)
		return
	}
	if bare := c.withoutCommas(i, x); bare != nil && bytes.Equal(bare, y) {
		c.m.count(y, p)
		return
	}
	if c.sameWord(i, x, y) {
		return
	}
	c.cell = pair{shape: true, changes: c.cell.changes[:0]}
	c.m.place = c.columnPlace(i)
	c.m.line(x, y, &c.cell)
	p.masked += c.cell.masked
	if !c.cell.shape {
		p.differ(i, x, y)
		return
	}
	p.sames += c.cell.sames
	p.least, p.most = joinDigits(p.least, p.most, c.cell.least, c.cell.most)
	for _, ch := range c.cell.changes {
		ch.item, ch.sub = i, ch.item+1
		p.changes = append(p.changes, ch)
	}
}

// differ adds two texts that differ.
func (p *pair) differ(i int, x, y []byte) {
	p.texts++
	p.changes = append(p.changes, change{what: differs, text: true, item: i, pub: x, new: y})
}

// joinDigits joins two ranges of digits, of which 0 is none.
func joinDigits(least, most, otherLeast, otherMost int) (int, int) {
	if least == 0 || otherLeast > 0 && otherLeast < least {
		least = otherLeast
	}
	return least, max(most, otherMost)
}

// name says which row it is.
func (c *table) name(it *item) string {
	if c.keys != nil {
		return "row " + clip(strings.ReplaceAll(c.key(it, nil), "\x00", " "))
	}
	return rowName(it.n, it.value(0))
}

func (c *table) both(pub, new *item, p *pair) {
	c.t.add(p, func(ch *change) string {
		where := c.name(pub) + ", column " + c.columnName(ch.item)
		if ch.sub > 0 {
			where += fmt.Sprintf(", number %d", ch.sub)
		}
		return where
	})
	c.watch.both(pub, new, p)
}

func (c *table) replaced(pub, new *item) {
	c.t.brokenAt(c.name(pub), string(pub.text), string(new.text),
		"%s: published %d cells, new %d", c.name(pub), len(pub.cells), len(new.cells))
	c.watch.replaced(pub, new)
}

func (c *table) dropped(pub *item) {
	c.t.brokenAt(c.name(pub), string(pub.text), "", "%s of the published table is not in the new one", c.name(pub))
	c.watch.dropped(pub)
}

func (c *table) added(new *item) {
	c.t.brokenAt(rowName(new.n, new.value(0)), "", string(new.text),
		"%s of the new table is not in the published one", rowName(new.n, new.value(0)))
	c.watch.added(new)
}
