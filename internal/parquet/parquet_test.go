package parquet

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"repro/internal/badfile"
	"repro/internal/ndarray"
	"repro/internal/witness"
)

func readAll(b []byte) ([]ndarray.Array, error) {
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	var out []ndarray.Array
	for _, c := range f.Columns {
		arrays, err := c.Read(context.Background())
		if err != nil {
			return nil, err
		}
		out = append(out, arrays...)
	}
	return out, nil
}

// TestWitness holds every value against pyarrow.
func TestWitness(t *testing.T) {
	witness.Python(t, "testdata/witness.py", map[string]string{"pyarrow": "none: pip install pyarrow==17.0.0"}, readAll)
}

func FuzzRead(f *testing.F) {
	witness.Fuzz(f, readAll, "../../testdata/vectors/compare/parquet-*/*.parquet")
}

// FuzzPages damages what the footer leads to, which most damage of whole files
// does not reach.
func FuzzPages(f *testing.F) {
	for codec := range int64(8) {
		f.Add(codec, int64(plain), int64(typeInt32), uint8(1), uint8(0), []byte{21, 4, 21, 20, 21, 20, 44, 21, 4, 21, 0, 21, 6, 21, 6, 0, 0, 2, 0, 0, 0, 4, 1, 1, 0, 0, 0, 2, 0, 0, 0})
	}
	f.Fuzz(func(t *testing.T, codec, encoding, physical int64, def, rep uint8, b []byte) {
		c := &Column{Name: "c", file: &File{r: bytes.NewReader(b), size: int64(len(b))}, physical: int(uint64(physical) % 8), length: 3, maxDef: int(def), maxRep: int(rep % 3)}
		c.meaning = meaningOf(fields{}, c.physical, c.length)
		c.chunks = []chunk{{codec: codec, values: 1000, size: int64(len(b))}}
		arrays, err := c.Read(context.Background())
		if err != nil && !badfile.Is(err) {
			t.Fatal(err)
		}
		for i := range arrays {
			witness.Whole(t, &arrays[i])
		}
	})
}

func TestThrift(t *testing.T) {
	// 1: -3 as i32, 2: true, 3: "ab", 4: [1, 2] as i64, 5: {1: 7}, 20: false
	b := []byte{0x15, 5, 0x11, 0x18, 2, 'a', 'b', 0x19, 0x26, 2, 4, 0x1c, 0x15, 14, 0, 0x02, 40, 0, 99}
	f, took, err := readStruct(b)
	if err != nil || took != len(b)-1 {
		t.Fatal(f, took, err)
	}
	if f.number(1) != -3 || f[2] != true || f.text(3) != "ab" || len(f.list(4)) != 2 || f.inner(5).number(1) != 7 || f[20] != false || f.has(6) {
		t.Errorf("%v", f)
	}
	for name, b := range map[string][]byte{
		"no end":                 {0x15, 2},
		"text beyond the end":    {0x18, 9, 'a'},
		"list beyond the end":    {0x19, 0xf6, 0xff, 0xff, 0xff, 0xff, 0x0f},
		"type that is not":       {0x1d, 0},
		"structures without end": bytes.Repeat([]byte{0x1c}, maxNested+2),
		"lists without end":      append([]byte{0x19}, bytes.Repeat([]byte{0x19}, maxNested+2)...),
	} {
		if _, _, err := readStruct(b); !errors.Is(err, badfile.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	many := append([]byte{0x19, 0xf3}, binary.AppendUvarint(nil, maxValues+1)...)
	if _, _, err := readStruct(append(many, make([]byte, maxValues+2)...)); !errors.Is(err, badfile.ErrTooLarge) {
		t.Errorf("too many values: %v", err)
	}
}

func TestRuns(t *testing.T) {
	for _, c := range []struct {
		b     []byte
		width int
		n     int
		want  []uint32
	}{
		{[]byte{6, 5}, 3, 3, []uint32{5, 5, 5}},
		{[]byte{3, 0x88, 0xc6, 0xfa}, 3, 8, []uint32{0, 1, 2, 3, 4, 5, 6, 7}},
		{[]byte{3, 0x88, 0xc6, 0xfa}, 3, 2, []uint32{0, 1}},
		{[]byte{2, 1, 1, 4, 2, 0}, 9, 3, []uint32{257, 2, 2}},
		{[]byte{8}, 0, 3, []uint32{0, 0, 0}},
		{nil, 3, 0, []uint32{}},
	} {
		if got, err := unpackRuns(c.b, c.width, c.n); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%v: %v %v, want %v", c.b, got, err, c.want)
		}
	}
	for _, b := range [][]byte{nil, {6}, {0, 1}, {1}, {3, 0x88}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 1}} {
		if got, err := unpackRuns(b, 3, 9); !errors.Is(err, badfile.ErrDamaged) {
			t.Errorf("%v: %v %v", b, got, err)
		}
	}
}

func TestSnappy(t *testing.T) {
	for _, c := range []struct {
		src  []byte
		want string
	}{
		{[]byte{3, 2 << 2, 'a', 'b', 'c'}, "abc"},
		{[]byte{6, 1 << 2, 'a', 'b', 1, 2}, "ababab"},
		{[]byte{6, 1 << 2, 'a', 'b', 3<<2 | 2, 2, 0}, "ababab"},
		{[]byte{6, 1 << 2, 'a', 'b', 3<<2 | 3, 2, 0, 0, 0}, "ababab"},
		{append([]byte{61, 60 << 2, 60}, bytes.Repeat([]byte{'x'}, 61)...), string(bytes.Repeat([]byte{'x'}, 61))},
	} {
		dst := make([]byte, len(c.want))
		if n, err := unpackSnappy(dst, c.src); err != nil || string(dst[:n]) != c.want {
			t.Errorf("%v: %q %v", c.src, dst[:n], err)
		}
	}
	for _, src := range [][]byte{nil, {4, 2 << 2, 'a', 'b', 'c'}, {3, 2 << 2, 'a'}, {3, 3 << 2, 'a', 'b', 'c', 'd'}, {3, 0, 'a', 1, 2}, {3, 0, 'a', 1, 0}, {3, 0, 'a', 2}, {3, 0, 'a', 3, 1, 0}, {3, 0, 'a', 9, 1}} {
		if n, err := unpackSnappy(make([]byte, 3), src); err == nil && n == 3 {
			t.Errorf("%v: unpacked", src)
		}
	}
}

func TestRefuses(t *testing.T) {
	footer := func(b ...byte) []byte {
		out := append([]byte(Magic), b...)
		return append(binary.LittleEndian.AppendUint32(out, uint32(len(b))), Magic...)
	}
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"short":              {[]byte("PAR1PAR1"), badfile.ErrDamaged},
		"another end":        {append(footer(0)[:9], "xxxx"...), badfile.ErrDamaged},
		"encrypted":          {append(footer(0)[:9], "PARE"...), badfile.ErrUnread},
		"footer too long":    {append([]byte(Magic), 99, 0, 0, 0, 'P', 'A', 'R', '1'), badfile.ErrDamaged},
		"no schema":          {footer(0), badfile.ErrDamaged},
		"schema that lies":   {footer(0x29, 0x1c, 0x55, 4, 0, 0), badfile.ErrDamaged}, // two children, none there
		"children that lie":  {footer(0x29, 0x2c, 0x55, 0, 0, 0x55, 0, 0, 0), badfile.ErrDamaged},
		"a type that is not": {footer(0x29, 0x2c, 0x55, 2, 0, 0x15, 18, 0, 0), badfile.ErrDamaged},
	} {
		if _, err := readAll(c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
