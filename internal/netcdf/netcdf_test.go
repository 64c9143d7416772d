package netcdf

import (
	"errors"
	"os"
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
