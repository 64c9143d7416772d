package mat

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"slices"
	"testing"

	"repro/internal/badfile"
	"repro/internal/ndarray"
	"repro/internal/witness"
)

// TestWitness holds every value against scipy.
func TestWitness(t *testing.T) {
	witness.Python(t, "testdata/witness.py", map[string]string{"scipy.io": "python3-scipy"}, Read)
}

func FuzzRead(f *testing.F) {
	f.Add(version4(binary.LittleEndian, 0, 1, 2, 0, 1.5, -2))
	f.Add(version4(binary.BigEndian, 1002, 1, 1, 1, 1.5, -2))
	witness.Fuzz(f, Read, "../../testdata/vectors/compare/mat-*/*.mat")
}

// version4 is a matrix "x" of doubles.
func version4(order binary.AppendByteOrder, kind, rows, columns, imaginary uint32, values ...float64) []byte {
	var b []byte
	for _, n := range []uint32{kind, rows, columns, imaginary, 2} {
		b = order.AppendUint32(b, n)
	}
	b = append(b, "x\x00"...)
	for _, v := range values {
		b = order.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

func TestVersion4(t *testing.T) {
	for kind, order := range map[uint32]binary.AppendByteOrder{0: binary.LittleEndian, 1000: binary.BigEndian} {
		got, err := Read(version4(order, kind, 1, 2, 1, 1, 2, 3, 4))
		if err != nil || len(got) != 1 || got[0].Class != ndarray.Complex {
			t.Fatal(got, err)
		}
		if v := got[0].Floats(got[0].At(1), nil); !slices.Equal(v, []float64{2, 4}) {
			t.Errorf("%v", v)
		}
	}
	for name, b := range map[string][]byte{
		"cut short":          version4(binary.LittleEndian, 0, 1, 2, 0, 1),
		"cut short, complex": version4(binary.LittleEndian, 0, 1, 2, 1, 1, 2, 3),
		"text of fractions":  version4(binary.LittleEndian, 1, 1, 1, 0, 65.5),
		"complex text":       version4(binary.LittleEndian, 1, 1, 1, 1, 65, 66),
		"too many rows":      version4(binary.LittleEndian, 0, ndarray.MaxData+1, 0, 0),
		"unknown type":       version4(binary.LittleEndian, 60, 1, 1, 0, 1),
		"unknown class":      version4(binary.LittleEndian, 3, 1, 1, 0, 1),
		"VAX":                version4(binary.LittleEndian, 2000, 1, 1, 0, 1),
	} {
		if got, err := Read(b); !errors.Is(err, badfile.ErrDamaged) {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
}

func TestRefuses(t *testing.T) {
	b, err := os.ReadFile("../../testdata/vectors/compare/mat-sparse/published.mat")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 100, 127, 130, len(b) / 2, len(b) - 1} {
		if _, err := Read(b[:n]); !errors.Is(err, badfile.ErrDamaged) {
			t.Errorf("cut after %d bytes: %v", n, err)
		}
	}
	b[124] = 2
	if _, err := Read(b); !errors.Is(err, badfile.ErrUnread) {
		t.Errorf("another version: %v", err)
	}
}
