package hdf5_test

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"testing"

	"repro/internal/hdf5"
	"repro/internal/ndarray"
	"repro/internal/witness"
)

// TestWitness holds every value against h5py, over layouts, indexes, filters,
// types, byte orders, shapes and versions of the format.
func TestWitness(t *testing.T) {
	witness.Python(t, "testdata/witness.py", map[string]string{"h5py": "python3-h5py"}, readAll)
	if slabs < 100 {
		t.Errorf("only %d data sets were read row by row", slabs)
	}
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
		if err := sameInSlabs(&n, arrays); err != nil {
			return nil, err
		}
		out = append(out, arrays...)
	}
	return out, nil
}

// sameInSlabs holds what is read row by row against what is read at once.
func sameInSlabs(n *hdf5.Node, whole []ndarray.Array) error {
	s, err := n.Slabs(context.Background(), 0)
	if err != nil || s == nil {
		return err
	}
	if err := s.Start(); err != nil {
		return err
	}
	var all, b []byte
	for from := 0; from < s.Array.Shape[0]; from += s.Step {
		if b, err = s.Read(context.Background(), from, min(s.Array.Shape[0], from+s.Step), b); err != nil {
			return err
		}
		all = append(all, b...)
	}
	got := s.Array
	got.Data = all
	if len(whole) != 1 || !reflect.DeepEqual(got, whole[0]) {
		return fmt.Errorf("%s: row by row other values than at once", n.Name)
	}
	slabs++
	return nil
}

// slabs counts the data sets that were read row by row.
var slabs int
