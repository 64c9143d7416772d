package rdata

import (
	"bytes"
	"testing"

	"repro/internal/ndarray"
	"repro/internal/witness"
)

func read(b []byte) ([]ndarray.Array, error) { return Read(bytes.NewReader(b)) }

// TestWitness holds every value against R.
func TestWitness(t *testing.T) { witness.R(t, "testdata/witness.R", read) }

func FuzzRead(f *testing.F) {
	witness.Fuzz(f, read, "../../testdata/vectors/compare/rdata-*/published.*", "../../testdata/vectors/compare/rdata-*/new.*")
}
