package sqlite

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"repro/internal/badfile"
	"repro/internal/ndarray"
)

// Read reads a database: an array "TABLE.COLUMN" for each column of each table,
// the statements that made tables, indices, views and triggers, and the numbers
// that an application may have set. Rows have no order: they stand in that of
// their integer primary key, or of their texts and whole numbers. Where rows lie
// in the file, its pages, what was deleted, and statistics carry nothing.
func Read(b []byte) ([]ndarray.Array, error) {
	f, err := open(b)
	if err != nil {
		return nil, err
	}
	objects, err := f.schema()
	if err != nil {
		return nil, err
	}
	numbers := ndarray.NewColumn("user version and application id", ndarray.Int, 8, "")
	numbers.Int(int64(f.version))
	numbers.Int(int64(f.identity))
	out := numbers.Arrays()
	for _, o := range objects {
		statement := ndarray.NewColumn("schema of "+o.name, ndarray.Text, 0, "")
		statement.Text(o.kind + " " + oneBlank(o.sql))
		out = append(out, statement.Arrays()...)
		if o.kind != "table" {
			continue
		}
		arrays, err := f.table(&o)
		if err != nil {
			return nil, err
		}
		if out = append(out, arrays...); len(out) > ndarray.MaxList {
			return nil, badfile.TooLarge("more than %d columns", ndarray.MaxList)
		}
	}
	return out, nil
}

// object is a row of the schema.
type object struct {
	kind, name, sql string
	root            uint32
}

var blanks = regexp.MustCompile(`\s+`)

func oneBlank(s string) string { return strings.TrimSpace(blanks.ReplaceAllString(s, " ")) }

// schema lists the objects, but what SQLite keeps for itself.
func (f *file) schema() ([]object, error) {
	var out []object
	err := f.walk(1, 0, func(_ int64, b []byte) error {
		v, err := f.record(b)
		if err != nil {
			return err
		}
		if len(v) != 5 {
			return badfile.Damaged("a schema of %d columns", len(v))
		}
		kind, _ := v[0].(string)
		name, _ := v[1].(string)
		root, _ := v[3].(int64)
		sql, _ := v[4].(string)
		switch {
		case strings.HasPrefix(name, "sqlite_stat") || kind == "index" && sql == "":
			return nil
		case len(out) == maxTables:
			return badfile.TooLarge("more than %d tables", maxTables)
		case kind == "table" && root == 0:
			return badfile.Unread("the virtual table %q", badfile.Shorten(name))
		case root < 0 || root > 1<<32-1:
			return badfile.Damaged("there is no page %d", root)
		}
		out = append(out, object{kind, name, sql, uint32(root)})
		return nil
	})
	slices.SortFunc(out, func(a, b object) int { return strings.Compare(a.name, b.name) })
	return out, err
}

// table reads the rows of a table.
func (f *file) table(o *object) ([]ndarray.Array, error) {
	d, err := declare(o.sql)
	if err != nil {
		return nil, err
	}
	if d.keyed {
		return nil, badfile.Unread("the table %q is kept by its key (WITHOUT ROWID)", badfile.Shorten(o.name))
	}
	var rows [][]any
	err = f.walk(o.root, 0, func(rowid int64, b []byte) error {
		v, err := f.record(b)
		if err != nil {
			return err
		}
		if len(v) > len(d.columns) {
			return badfile.Damaged("%q has a row of %d values, of %d columns", badfile.Shorten(o.name), len(v), len(d.columns))
		}
		if len(v) < len(d.columns) { // added later, with values that stand in the schema
			return badfile.Unread("%q has rows from before a column was added", badfile.Shorten(o.name))
		}
		if d.key >= 0 && v[d.key] == nil {
			v[d.key] = rowid
		}
		for i, c := range d.columns {
			if whole, ok := v[i].(int64); ok && c.real {
				v[i] = float64(whole)
			}
		}
		rows = append(rows, v)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if d.key < 0 {
		inOrder(rows)
	}
	var out []ndarray.Array
	for i, c := range d.columns {
		arrays, err := gather(o.name+"."+c.name, rows, i)
		if err != nil {
			return nil, err
		}
		out = append(out, arrays...)
	}
	return out, nil
}

// inOrder sorts rows by what they hold that is no float, then by all.
func inOrder(rows [][]any) {
	keys := make([]string, len(rows))
	order := make([]int, len(rows))
	for i, row := range rows {
		var first, second strings.Builder
		for _, v := range row {
			if x, ok := v.(float64); ok {
				fmt.Fprintf(&second, "%.17g\x00", x)
				continue
			}
			first.WriteString(sayValue(v) + "\x00")
		}
		keys[i], order[i] = first.String()+"\x01"+second.String(), i
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(keys[a], keys[b]) })
	sorted := make([][]any, len(rows))
	for i, at := range order {
		sorted[i] = rows[at]
	}
	copy(rows, sorted)
}

// gather is one column: of whole numbers, of floats, or, where it holds several
// sorts, of texts that say which each is.
func gather(name string, rows [][]any, at int) ([]ndarray.Array, error) {
	var ints, floats, texts, others int
	for _, row := range rows {
		switch row[at].(type) {
		case int64:
			ints++
		case float64:
			floats++
		case string:
			texts++
		case []byte:
			others++
		}
	}
	c := ndarray.NewColumn(name, ndarray.Text, 0, "")
	switch {
	case floats > 0 && ints+texts+others == 0:
		c = ndarray.NewColumn(name, ndarray.Float, 8, "")
	case ints > 0 && floats+texts+others == 0:
		c = ndarray.NewColumn(name, ndarray.Int, 8, "")
	case others+texts > 0 && ints+floats > 0 || others > 0 || ints > 0 && floats > 0:
		c = ndarray.NewColumn(name, ndarray.Text, 0, "of several sorts, or of bytes")
	}
	mixed := len(rows) > 0 && (others > 0 || texts > 0 && ints+floats > 0 || ints > 0 && floats > 0)
	for i, row := range rows {
		switch v := row[at].(type) {
		case nil:
			c.Missing('N')
		case string:
			if mixed {
				v = sayValue(v)
			}
			c.Text(v)
		case []byte:
			c.Text(sayValue(v))
		case int64:
			if mixed {
				c.Text(sayValue(v))
			} else {
				c.Int(v)
			}
		case float64:
			if mixed {
				c.Text(sayValue(v))
			} else {
				c.Float(v)
			}
		}
		if i%1024 == 0 {
			if err := c.Full(); err != nil {
				return nil, err
			}
		}
	}
	return c.Arrays(), c.Full()
}
