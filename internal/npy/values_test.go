package npy

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"repro/internal/badfile"
	"repro/internal/ndarray"
)

// TestTexts reads texts of a fixed size without the zeros that fill them up.
func TestTexts(t *testing.T) {
	for name, c := range map[string]struct {
		descr string
		data  []byte
		want  []string
	}{
		"bytes":      {"|S3", []byte("ab\x00c\x00d"), []string{"ab", "c\x00d"}},
		"little":     {"<U2", []byte{'a', 0, 0, 0, 0, 0, 0, 0, 0xe9, 0, 0, 0, 'b', 0, 0, 0}, []string{"a", "éb"}},
		"big":        {">U1", []byte{0, 1, 0xf6, 0, 0, 0, 0, 'x'}, []string{"\U0001f600", "x"}},
		"no unicode": {"<U1", []byte{0, 0, 0x11, 0, 0xff, 0xff, 0x10, 0}, []string{`\U00110000`, "\U0010ffff"}},
	} {
		got, err := Read(file("{'descr': '"+c.descr+"', 'fortran_order': False, 'shape': (2,), }", c.data))
		if err != nil || len(got) != 1 || got[0].Class != ndarray.Text || !slices.Equal(got[0].Texts, c.want) {
			t.Errorf("%s: %+v, %v; want %q", name, got, err, c.want)
		}
	}
}

// TestTypes holds what is not a plain number apart by its type.
func TestTypes(t *testing.T) {
	for descr, want := range map[string]ndarray.Array{
		"|b1":     {Class: ndarray.Bytes, Type: "bool"},
		"<M8[ns]": {Class: ndarray.Int, Type: "M8[ns]"},
		">m8[D]":  {Class: ndarray.Int, Type: "m8[D]"},
		">c8":     {Class: ndarray.Complex},
	} {
		got, err := Read(file("{'descr': '"+descr+"', 'fortran_order': True, 'shape': (1,), }", make([]byte, 8)))
		if err != nil || len(got) != 1 || got[0].Class != want.Class || got[0].Type != want.Type || !got[0].ColumnMajor {
			t.Errorf("%s: %+v, %v", descr, got, err)
		}
	}
}

// TestVersions reads headers whose length has four bytes, up to the limit.
func TestVersions(t *testing.T) {
	header := []byte("{'descr': '<i2', 'fortran_order': False, 'shape': (), }")
	of := func(version byte, size int) []byte {
		padded := append(slices.Clone(header), make([]byte, max(0, size-len(header)))...)
		for i := len(header); i < len(padded); i++ {
			padded[i] = ' '
		}
		b := binary.LittleEndian.AppendUint32(append([]byte(Magic), version, 0), uint32(size))
		return append(append(b, padded...), 7, 0)
	}
	for _, version := range []byte{2, 3} {
		got, err := Read(of(version, maxHeader))
		if err != nil || len(got) != 1 || got[0].Integer(got[0].At(0)) != "7" {
			t.Errorf("version %d: %+v, %v", version, got, err)
		}
	}
	for name, b := range map[string][]byte{"version 0": of(0, 64), "version 4": of(4, 64), "long": of(2, maxHeader+1), "cut": of(2, 256)[:100], "eleven bytes": of(2, 64)[:11], "nothing": nil} {
		if _, err := Read(b); !errors.Is(err, badfile.ErrDamaged) {
			t.Errorf("%s: %v, want damaged", name, err)
		}
	}
}
