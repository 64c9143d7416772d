package npy

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"repro/internal/badfile"
	"repro/internal/ndarray"
	"repro/internal/witness"
)

func FuzzRead(f *testing.F) {
	for _, header := range []string{
		"{'descr': [('a', '<i2'), ('b', '>f8', (2,)), (('t', 'c'), [('d', '|S3')])], 'fortran_order': True, 'shape': (1, 1), }",
		"{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (1,), }",
	} {
		f.Add(file(header, make([]byte, 32)))
	}
	witness.Fuzz(f, Read, "../../testdata/vectors/compare/npy-*/*.npy")
}

func file(header string, data []byte) []byte {
	b := append([]byte(Magic), 1, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(header)))
	return append(append(b, header...), data...)
}

func TestRead(t *testing.T) {
	b := file("{'descr': [('x', '<i2'), ('', '|V2'), ('y', '>u2', (2,))], 'fortran_order': False, 'shape': (2,), }",
		[]byte{1, 0, 9, 9, 0, 2, 0, 3, 4, 0, 9, 9, 0, 5, 0, 6, 99})
	got, err := Read(b)
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	x, y := got[0], got[1]
	if x.Name != ".x" || x.Class != ndarray.Int || !slices.Equal(x.Data, []byte{1, 0, 4, 0}) {
		t.Errorf("%+v", x)
	}
	if y.Name != ".y" || !slices.Equal(y.Shape, []int{2, 2}) || y.Integer(y.At(3)) != "6" {
		t.Errorf("%+v", y)
	}
}

func TestRefuses(t *testing.T) {
	fields := strings.Repeat("('a', '<i2'), ", maxFields+1)
	for _, c := range []struct {
		header string
		want   error
	}{
		{"{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }", badfile.ErrDamaged}, // 16 bytes are there
		{"{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }", badfile.ErrDamaged},
		{"{'descr': '<f8', 'fortran_order': 0, 'shape': (2,), }", badfile.ErrDamaged},
		{"{'descr': '<f8', 'shape': (2,), }", badfile.ErrDamaged},
		{"{'descr': '<f8', 'fortran_order': False, 'shape': (2,), 'more': 1}", badfile.ErrDamaged},
		{"{'descr': '<f8', 'fortran_order': False, 'shape': (2,), } x", badfile.ErrDamaged},
		{"{'descr': '<f8', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", badfile.ErrDamaged},
		{"{'descr': '<f8', 'fortran_order': False, 'shape': (2", badfile.ErrDamaged},
		{"{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", badfile.ErrUnread},
		{"{'descr': '<f16', 'fortran_order': False, 'shape': (1,), }", badfile.ErrUnread},
		{"{'descr': '<M8', 'fortran_order': False, 'shape': (1,), }", badfile.ErrUnread},
		{"{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (2,), }", badfile.ErrUnread},
		{"{'descr': [('a', '<i2', (99999999, 99999999))], 'fortran_order': False, 'shape': (1,), }", badfile.ErrTooLarge},
		{"{'descr': [" + fields + "], 'fortran_order': False, 'shape': (1,), }", badfile.ErrTooLarge},
		{"{'descr': " + strings.Repeat("[('a', ", maxDepth+2) + "'<i2'" + strings.Repeat(")]", maxDepth+2) + ", 'fortran_order': False, 'shape': (1,), }", badfile.ErrTooLarge},
	} {
		if _, err := Read(file(c.header, make([]byte, 16))); !errors.Is(err, c.want) {
			t.Errorf("%.80s: %v, want %v", c.header, err, c.want)
		}
	}
}
