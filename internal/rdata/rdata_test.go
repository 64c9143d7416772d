package rdata

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"repro/internal/badfile"
	"repro/internal/ndarray"
	"repro/internal/witness"
)

func read(b []byte) ([]ndarray.Array, error) { return Read(bytes.NewReader(b)) }

// TestWitness holds every value against R.
func TestWitness(t *testing.T) { witness.R(t, "testdata/witness.R", read) }

func FuzzRead(f *testing.F) {
	witness.Fuzz(f, read, "../../testdata/vectors/compare/rdata-*/published.*", "../../testdata/vectors/compare/rdata-*/new.*")
}

// xdr is an object of version 3 in XDR, with these words behind its head.
func xdr(words ...uint32) []byte {
	b := []byte("X\n")
	for _, w := range append([]uint32{2, 0x40200, 0x20300}, words...) {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	return b
}

func TestVectors(t *testing.T) {
	got, err := read(xdr(rInteger, 3, 7, 0x80000000, 0xffffffff))
	if err != nil || len(got) != 2 || got[0].Name != "value missing" || string(got[0].Data) != "-N-" {
		t.Fatal(got, err)
	}
	if a := got[1]; a.Class != ndarray.Int || a.Integer(a.At(0)) != "7" || a.Integer(a.At(2)) != "-1" {
		t.Errorf("%+v", a)
	}
	const notAvailable, notANumber = 1954, 0
	got, err = read(xdr(rReal, 2, 0x7ff00000, notAvailable, 0x7ff80000, notANumber))
	if err != nil || len(got) != 2 || string(got[0].Data) != "N-" {
		t.Errorf("NA and NaN: %v %v", got, err)
	}
	got, err = read(xdr(rStrings, 2, rChars, 0xffffffff, rChars|4<<12, 4, 0xe961e962))
	if err != nil || len(got) != 1 || !slices.Equal(got[0].Texts, []string{noText, "éaéb"}) {
		t.Errorf("%v %v", got, err)
	}
}

func TestRefuses(t *testing.T) {
	deep := make([]uint32, 0, 2*maxDepth+2)
	for range maxDepth + 1 {
		deep = append(deep, rList, 1)
	}
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"nothing":                {nil, badfile.ErrDamaged},
		"another file":           {[]byte("something else entirely"), badfile.ErrDamaged},
		"the form in ASCII":      {[]byte("A\n2\n197888\n131840\n13\n1\n1\n"), badfile.ErrUnread},
		"a later version":        {append([]byte("X\n"), 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254), badfile.ErrUnread},
		"cut short":              {xdr(rInteger, 3, 7), badfile.ErrDamaged},
		"a length that lies":     {xdr(rReal, 0x7fffffff), badfile.ErrDamaged},
		"a long length":          {xdr(rReal, 0xffffffff, 0x7fffffff, 0xffffffff), badfile.ErrDamaged},
		"more after its end":     {xdr(rNilValue, 1), badfile.ErrDamaged},
		"a reference to nothing": {xdr(5<<8 | rRef), badfile.ErrDamaged},
		"a function":             {xdr(rClosure), badfile.ErrUnread},
		"lists without end":      {xdr(deep...), badfile.ErrTooLarge},
		"attributes of nothing":  {xdr(rInteger|0x200, 0, rInteger), badfile.ErrDamaged},
	} {
		if got, err := read(c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v %v, want %v", name, got, err, c.want)
		}
	}
}

// TestShapes takes an attribute dim only where it fits.
func TestShapes(t *testing.T) {
	for _, c := range []struct {
		dim  []int32
		n    int
		want []int
	}{{nil, 6, []int{6}}, {[]int32{2, 3}, 6, []int{2, 3}}, {[]int32{2, 2}, 6, []int{6}}, {[]int32{-2, -3}, 6, []int{6}}, {[]int32{0, 5}, 0, []int{0, 5}},
		{[]int32{1 << 30, 1 << 30}, 6, []int{6}}} {
		if got := shapeOf(c.dim, c.n); !slices.Equal(got, c.want) {
			t.Errorf("%v of %d: %v, want %v", c.dim, c.n, got, c.want)
		}
	}
}
