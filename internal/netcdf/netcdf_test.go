package netcdf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"testing"

	"repro/internal/badfile"
	"repro/internal/ndarray"
	"repro/internal/witness"
)

func readAll(b []byte) ([]ndarray.Array, error) {
	f, err := Read(b)
	if err != nil {
		return nil, err
	}
	return append(f.Attributes, f.Variables...), nil
}

// TestWitness holds every value against netCDF4 and scipy.
func TestWitness(t *testing.T) {
	witness.Python(t, "testdata/witness.py", map[string]string{"netCDF4": "python3-netcdf4", "scipy.io": "python3-scipy"}, readAll)
}

func FuzzRead(f *testing.F) { witness.Fuzz(f, readAll, "../../testdata/vectors/compare/netcdf-*/*.nc") }

func TestRefuses(t *testing.T) {
	b, err := os.ReadFile("../../testdata/vectors/compare/netcdf-norm/published.nc")
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(b) {
		if _, err := Read(b[:n]); !errors.Is(err, badfile.ErrDamaged) {
			t.Fatalf("cut after %d of %d bytes: %v", n, len(b), err)
		}
	}
	streaming := append([]byte("CDF\x01\xff\xff\xff\xff"), b[8:]...)
	if _, err := Read(streaming); !errors.Is(err, badfile.ErrUnread) {
		t.Errorf("an unknown number of records: %v", err)
	}
	if _, err := Read([]byte("CDF\x03\x00\x00\x00\x00\x00\x00")); !errors.Is(err, badfile.ErrDamaged) {
		t.Errorf("a version that there is not: %v", err)
	}
}

// classic is a file of CDF-1 with one dimension that grows and one of two, and
// two variables of shorts over them.
func classic(records uint32, values ...byte) []byte {
	b := []byte("CDF\x01")
	word := func(list ...uint32) {
		for _, w := range list {
			b = binary.BigEndian.AppendUint32(b, w)
		}
	}
	word(records, 0x0a, 2, 1)
	b = append(b, "t\x00\x00\x00"...)
	word(0, 1)
	b = append(b, "x\x00\x00\x00"...)
	word(2, 0, 0, 0x0b, 2)
	for i, name := range []string{"a\x00\x00\x00", "b\x00\x00\x00"} {
		word(1)
		b = append(b, name...)
		word(2, 0, 1, 0, 0, 3, 4, uint32(160+4*i))
	}
	b = append(b, make([]byte, 160-len(b))...)
	return append(b, values...)
}

// TestRecords takes the values of two variables apart that lie record by record.
func TestRecords(t *testing.T) {
	f, err := Read(classic(2, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8))
	if err != nil || len(f.Variables) != 2 {
		t.Fatal(f, err)
	}
	for i, want := range [][]byte{{0, 1, 0, 2, 0, 5, 0, 6}, {0, 3, 0, 4, 0, 7, 0, 8}} {
		a := f.Variables[i]
		if !slices.Equal(a.Shape, []int{2, 2}) || !bytes.Equal(a.Data, want) || a.Class != ndarray.Int {
			t.Errorf("%s: %v %v, want %v", a.Name, a.Shape, a.Data, want)
		}
	}
	if f, err := Read(classic(0)); err != nil || f.Variables[0].Count() != 0 {
		t.Errorf("no records: %v %v", f, err)
	}
	if _, err := Read(classic(3, make([]byte, 16)...)); !errors.Is(err, badfile.ErrDamaged) {
		t.Errorf("a record that is not there: %v", err)
	}
}
