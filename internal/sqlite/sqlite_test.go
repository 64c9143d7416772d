package sqlite

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"testing"

	"repro/internal/badfile"
	"repro/internal/ndarray"
	"repro/internal/witness"
)

const base = "../../testdata/vectors/planted/sqlite/base.sqlite"

// TestWitness holds every value against SQLite itself, as Python has it.
func TestWitness(t *testing.T) {
	witness.Python(t, "testdata/witness.py", map[string]string{"sqlite3": "python3", "numpy": "python3-numpy"}, Read)
}

func FuzzRead(f *testing.F) {
	witness.Fuzz(f, Read, "../../testdata/vectors/planted/sqlite/*.sqlite")
}

func TestValues(t *testing.T) {
	b, err := os.ReadFile(base)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Read(b)
	if err != nil || len(got) != 5 {
		t.Fatalf("%v %v", got, err)
	}
	if got[1].Texts[0] != "table CREATE TABLE fit (name text, est real, se real)" || got[2].Name != "fit.name" || got[2].Texts[3] != "gamma" {
		t.Errorf("%+v", got)
	}
	if v := got[3].Floats(got[3].At(0), nil); v[0] != 1.25 {
		t.Errorf("alpha is %v", v)
	}
}

func TestRefuses(t *testing.T) {
	b, err := os.ReadFile(base)
	if err != nil {
		t.Fatal(err)
	}
	root := int(binary.BigEndian.Uint16(b[16:])) // the table's page
	for name, c := range map[string]struct {
		change func(b []byte)
		want   error
	}{
		"another file":   {func(b []byte) { b[0] = 'x' }, badfile.ErrDamaged},
		"small pages":    {func(b []byte) { b[16], b[17] = 0, 128 }, badfile.ErrDamaged},
		"no pages":       {func(b []byte) { b[16] = 3 }, badfile.ErrDamaged},
		"reserved":       {func(b []byte) { b[16], b[17], b[20] = 2, 0, 33 }, badfile.ErrDamaged},
		"text":           {func(b []byte) { b[59] = 4 }, badfile.ErrDamaged},
		"a page":         {func(b []byte) { b[root] = 7 }, badfile.ErrDamaged},
		"cells":          {func(b []byte) { b[root+3] = 0xff }, badfile.ErrDamaged},
		"a cell's place": {func(b []byte) { b[root+8], b[root+9] = 0, 1 }, badfile.ErrDamaged},
		"itself":         {func(b []byte) { b[root], b[root+3], b[root+4], b[root+11] = innerTable, 0, 0, 2 }, badfile.ErrDamaged},
		"a page beyond":  {func(b []byte) { b[root], b[root+3], b[root+4], b[root+10] = innerTable, 0, 0, 9 }, badfile.ErrDamaged},
		"a long record": {func(b []byte) {
			at := root + int(binary.BigEndian.Uint16(b[root+8:]))
			copy(b[at:], "\xff\xff\xff\xff\x7f")
		}, badfile.ErrTooLarge},
		"an unknown value": {func(b []byte) { at := root + int(binary.BigEndian.Uint16(b[root+8:])); b[at+3] = 10 }, badfile.ErrDamaged},
		"a long head":      {func(b []byte) { at := root + int(binary.BigEndian.Uint16(b[root+8:])); b[at+2] = 99 }, badfile.ErrDamaged},
		"fewer values":     {func(b []byte) { at := root + int(binary.BigEndian.Uint16(b[root+8:])); b[at+2] = 2 }, badfile.ErrUnread},
		"kept by its key":  {func(b []byte) { replace(t, b, "se real)", "WITHOUT ROWID") }, badfile.ErrDamaged},
	} {
		other := bytes.Clone(b)
		c.change(other)
		if got, err := Read(other); !errors.Is(err, c.want) {
			t.Errorf("%s: %v %v, want %v", name, got, err, c.want)
		}
	}
	if _, err := Read(b[:len(b)-1]); !errors.Is(err, badfile.ErrDamaged) {
		t.Errorf("cut short: %v", err)
	}
}

func replace(t *testing.T, b []byte, old, new string) {
	t.Helper()
	at := bytes.Index(b, []byte(old))
	if at < 0 {
		t.Fatalf("there is no %q", old)
	}
	copy(b[at:at+len(old)], new[:len(old)])
}

func TestDeclare(t *testing.T) {
	for sql, want := range map[string]struct {
		names string
		reals string
		key   int
		keyed bool
	}{
		"CREATE TABLE t(a, b)": {"a b ", "--", -1, false},
		"CREATE TABLE t(\"a b\" TEXT, [c,d] REAL, `e` double precision)":                   {"a b c,d e ", "-rr", -1, false},
		"CREATE TABLE t(id INTEGER PRIMARY KEY, x FLOAT)":                                  {"id x ", "-r", 0, false},
		"CREATE TABLE t(id INTEGER PRIMARY KEY DESC)":                                      {"id ", "-", -1, false},
		"CREATE TABLE t(id INT PRIMARY KEY)":                                               {"id ", "-", -1, false},
		"CREATE TABLE t(x, id INTEGER, PRIMARY KEY(id))":                                   {"x id ", "--", 1, false},
		"CREATE TABLE t(id INTEGER, x, PRIMARY KEY(id, x))":                                {"id x ", "--", -1, false},
		"CREATE TABLE t(id INTEGER PRIMARY KEY) WITHOUT ROWID":                             {"id ", "-", -1, true},
		"CREATE TABLE t(x NUMERIC(5,2) NOT NULL DEFAULT 'a,b', -- real\n y CHECK (y > 0))": {"x y ", "--", -1, false},
	} {
		d, err := declare(sql)
		if err != nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		names, reals := "", ""
		for _, c := range d.columns {
			names += c.name + " "
			reals += map[bool]string{true: "r", false: "-"}[c.real]
		}
		if names != want.names || reals != want.reals || d.key != want.key || d.keyed != want.keyed {
			t.Errorf("%s: %q %q %d %v", sql, names, reals, d.key, d.keyed)
		}
	}
	for _, sql := range []string{"CREATE TABLE t", "CREATE TABLE t(a", "CREATE TABLE t('a)", "CREATE TABLE t(a, b AS (a+1))"} {
		if _, err := declare(sql); !badfile.Is(err) {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// TestOrder holds that rows without a key stand in an order of their own, which
// their floats do not change.
func TestOrder(t *testing.T) {
	rows := [][]any{{"b", 1.0, int64(1)}, {"a", 9.0, nil}, {"b", 0.5, int64(0)}}
	inOrder(rows)
	if rows[0][0] != "a" || rows[1][2] != int64(0) || rows[2][1] != 1.0 {
		t.Errorf("%v", rows)
	}
	var kinds []ndarray.Class
	for at := range 3 {
		c, err := gather("c", rows, at)
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, c[0].Class)
	}
	if kinds[0] != ndarray.Text || kinds[1] != ndarray.Float || kinds[2] != ndarray.Int {
		t.Errorf("%v", kinds)
	}
	mixed, err := gather("c", [][]any{{int64(1)}, {"1"}, {[]byte{1}}}, 0)
	if err != nil || mixed[0].Texts[0] == mixed[0].Texts[1] || mixed[0].Texts[2] != "blob 01" {
		t.Errorf("%v %v", mixed, err)
	}
}
