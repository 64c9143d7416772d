package dbase

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

// TestWitness holds every value against pyshp.
func TestWitness(t *testing.T) {
	witness.Python(t, "testdata/witness.py", map[string]string{"shapefile": "python3-pyshp"}, read)
}

// read reads whichever of the two b is.
func read(b []byte) ([]ndarray.Array, error) {
	if len(b) > 0 && b[0] == 0 {
		return ReadShapes(b)
	}
	return ReadTable(b)
}

func FuzzTable(f *testing.F) {
	witness.Fuzz(f, ReadTable, "../../testdata/vectors/planted/dbase/*.dbf")
}
func FuzzShapes(f *testing.F) {
	witness.Fuzz(f, ReadShapes, "../../testdata/vectors/planted/shapefile/*.shp")
}

func TestDeleted(t *testing.T) {
	b := witness.CutShort(t, ReadTable, "../../testdata/vectors/planted/dbase/base.dbf", 1)
	got, err := ReadTable(b)
	if err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	from := int(binary.LittleEndian.Uint16(b[8:]))
	b[from] = '*'
	got, err = ReadTable(b)
	if err != nil || len(got) != 4 || got[3].Name != "deleted rows" || got[3].Data[0] != '*' {
		t.Errorf("%v %v", got, err)
	}
}

func TestRefuses(t *testing.T) {
	table, err := os.ReadFile("../../testdata/vectors/planted/dbase/base.dbf")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(b []byte)
		want   error
	}{
		"another file": {func(b []byte) { b[0] = 9 }, badfile.ErrDamaged},
		"more rows":    {func(b []byte) { b[5] = 9 }, badfile.ErrDamaged},
		"wide fields":  {func(b []byte) { b[headSize+16] = 200 }, badfile.ErrDamaged},
		"a memo":       {func(b []byte) { b[headSize+11] = 'M' }, badfile.ErrUnread},
		"no end":       {func(b []byte) { b[bytes.IndexByte(b, '\r')] = 'x' }, badfile.ErrDamaged},
		"no number":    {func(b []byte) { b[int(b[8])+int(b[9])<<8+9] = 'x' }, badfile.ErrDamaged},
	} {
		other := bytes.Clone(table)
		c.change(other)
		if got, err := ReadTable(other); !errors.Is(err, c.want) {
			t.Errorf("%s: %v %v, want %v", name, got, err, c.want)
		}
	}
	shapes, err := os.ReadFile("../../testdata/vectors/planted/shapefile/base.shp")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(b []byte)
		want   error
	}{
		"another file": {func(b []byte) { b[2] = 9 }, badfile.ErrDamaged},
		"a length":     {func(b []byte) { b[104] = 9 }, badfile.ErrDamaged},
		"a surface":    {func(b []byte) { b[108] = shapeSurface }, badfile.ErrUnread},
		"a type":       {func(b []byte) { b[108] = 7 }, badfile.ErrUnread},
		"parts":        {func(b []byte) { b[145] = 9 }, badfile.ErrDamaged},
		"points":       {func(b []byte) { b[149] = 9 }, badfile.ErrDamaged},
	} {
		other := bytes.Clone(shapes)
		c.change(other)
		if got, err := ReadShapes(other); !errors.Is(err, c.want) {
			t.Errorf("%s: %v %v, want %v", name, got, err, c.want)
		}
	}
}
