package npy

import (
	"testing"

	"repro/internal/witness"
)

// TestWitness holds every value against numpy.
func TestWitness(t *testing.T) {
	witness.Python(t, "testdata/witness.py", map[string]string{"numpy": "python3-numpy"}, Read)
}
