package ndarray

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"

	"repro/internal/badfile"
)

func TestCount(t *testing.T) {
	for _, c := range []struct {
		shape []int
		want  int
	}{
		{nil, 1}, {[]int{0}, 0}, {[]int{2, 3}, 6}, {[]int{-1}, -1},
		{[]int{MaxData}, MaxData}, {[]int{MaxData, 2}, -1}, {[]int{1 << 62, 1 << 62}, -1},
	} {
		if got := (&Array{Shape: c.shape}).Count(); got != c.want {
			t.Errorf("%v: %d, want %d", c.shape, got, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	a := Array{Size: 2, Shape: []int{2}, Data: []byte{1, 2, 3, 4, 5}}
	if err := a.Check(); err != nil || !slices.Equal(a.Data, []byte{1, 2, 3, 4}) {
		t.Errorf("%v: %v", a.Data, err)
	}
	for _, bad := range []Array{
		{Size: 2, Shape: []int{3}, Data: make([]byte, 5)},
		{Size: 0, Shape: []int{1}, Data: make([]byte, 5)},
		{Size: 1, Shape: []int{-1}},
		{Size: 1, Shape: slices.Repeat([]int{1}, MaxAxes+1), Data: make([]byte, 5)},
	} {
		if err := bad.Check(); !errors.Is(err, badfile.ErrDamaged) {
			t.Errorf("%v: %v", bad.Shape, err)
		}
	}
}

func TestAt(t *testing.T) {
	rows := Array{Size: 1, Shape: []int{2, 3}, Data: []byte{0, 1, 2, 3, 4, 5}}
	columns := Array{Size: 1, Shape: []int{2, 3}, Data: []byte{0, 3, 1, 4, 2, 5}, ColumnMajor: true}
	for i := range 6 {
		if rows.At(i)[0] != byte(i) || columns.At(i)[0] != byte(i) {
			t.Errorf("element %d: %v, %v", i, rows.At(i), columns.At(i))
		}
	}
	if got := rows.Index(4); got != "[1,1]" {
		t.Error(got)
	}
	if got := (&Array{}).Index(0); got != "[]" {
		t.Error(got)
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		class Class
		order binary.ByteOrder
		b     []byte
		want  string
	}{
		{Int, binary.LittleEndian, []byte{0xff}, "-1"},
		{Uint, binary.LittleEndian, []byte{0xff}, "255"},
		{Int, binary.BigEndian, []byte{0xff, 0xfe}, "-2"},
		{Uint, binary.BigEndian, []byte{1, 2, 3}, "66051"},
		{Uint, binary.LittleEndian, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, "18446744073709551615"},
	} {
		a := Array{Class: c.class, Size: len(c.b), Order: c.order}
		if got := a.Integer(c.b); got != c.want {
			t.Errorf("%v %v: %s, want %s", c.class, c.b, got, c.want)
		}
	}
	halves := Array{Size: 2, Order: binary.BigEndian}
	for b, want := range map[[2]byte]float64{
		{0x3c, 0}: 1, {0xc0, 0}: -2, {0, 1}: 0x1p-24, {0x7b, 0xff}: 65504, {0x7c, 0}: math.Inf(1), {0xfc, 0}: math.Inf(-1),
	} {
		if got := halves.Floats(b[:], nil); got[0] != want {
			t.Errorf("%x: %v, want %v", b, got, want)
		}
	}
	if got := halves.Floats([]byte{0x7c, 1}, nil); !math.IsNaN(got[0]) {
		t.Error(got)
	}
	b := binary.LittleEndian.AppendUint32(nil, math.Float32bits(0.1))
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(-3))
	z := Array{Class: Complex, Size: 8, Order: binary.LittleEndian}
	got := z.Floats(b, nil)
	if len(got) != 2 || z.Shortest(got[0]) != "0.1" || z.Shortest(got[1]) != "-3" || z.FloatBits() != 32 {
		t.Error(got)
	}
	if got := (&Array{Size: 8}).Shortest(float64(float32(0.1))); got != "0.10000000149011612" {
		t.Error(got)
	}
	if got := (&Array{Class: Complex, Size: 16, Shape: []int{2}}).Describe(); got != "complex128 [2]" {
		t.Error(got)
	}
	if got := (&Array{Class: Text, Shape: []int{2}}).Describe(); got != "text [2]" {
		t.Error(got)
	}
}
