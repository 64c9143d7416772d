package hdf5_test

import (
	"bytes"
	"context"
	"testing"

	"repro/internal/hdf5"
	"repro/internal/ndarray"
	"repro/internal/witness"
)

// TestWitness holds every value against h5py, over layouts, indexes, filters,
// types, byte orders, shapes and versions of the format.
func TestWitness(t *testing.T) {
	witness.Python(t, "testdata/witness.py", map[string]string{"h5py": "python3-h5py"}, readAll)
}

func readAll(b []byte) ([]ndarray.Array, error) {
	f, err := hdf5.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	nodes, err := f.Nodes(context.Background())
	if err != nil {
		return nil, err
	}
	var out []ndarray.Array
	for _, n := range nodes {
		arrays, err := n.Read(context.Background())
		if err != nil {
			return nil, err
		}
		out = append(out, arrays...)
	}
	return out, nil
}
