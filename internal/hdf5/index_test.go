package hdf5

import (
	"bytes"
	"compress/zlib"
	"errors"
	"slices"
	"testing"

	"repro/internal/badfile"
)

func TestStrides(t *testing.T) {
	for _, c := range []struct {
		dims  []int
		most  []uint64
		chunk []int
		want  []uint64
	}{
		{[]int{5, 6}, []uint64{5, 6}, []int{2, 2}, []uint64{3, 1}},
		{[]int{5, 6}, []uint64{5, 9}, []int{2, 2}, []uint64{5, 1}},         // what may grow counts
		{[]int{5, 6}, []uint64{undefined, 9}, []int{2, 2}, []uint64{5, 1}}, // the first axis grows
		{[]int{5, 6}, []uint64{9, undefined}, []int{2, 2}, []uint64{1, 5}}, // the last does, and counts first
		{[]int{3, 4, 5}, []uint64{3, undefined, 6}, []int{1, 2, 3}, []uint64{2, 6, 1}},
	} {
		s := &space{dims: c.dims, most: c.most}
		r := &chunkReader{d: &dataset{space: s, layout: &layout{chunk: c.chunk}}}
		if got, err := r.strides(s.growing()); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%v of at most %v in %v: %v %v, want %v", c.dims, c.most, c.chunk, got, err, c.want)
		}
	}
	s := &space{dims: []int{1, 1}, most: []uint64{1, maxIndex + 1}}
	r := &chunkReader{d: &dataset{space: s, layout: &layout{chunk: []int{1, 1}}}}
	if _, err := r.strides(-1); !errors.Is(err, badfile.ErrTooLarge) {
		t.Errorf("an index without a bound: %v", err)
	}
}

func TestGrowingAxis(t *testing.T) {
	for _, c := range []struct {
		most []uint64
		want int
	}{{[]uint64{1, 2}, -1}, {[]uint64{undefined, 2}, 0}, {[]uint64{1, undefined}, 1}, {[]uint64{undefined, undefined}, -1}, {nil, -1}} {
		if got := (&space{most: c.most}).growing(); got != c.want {
			t.Errorf("%v: %d, want %d", c.most, got, c.want)
		}
	}
}

func TestMaximumShape(t *testing.T) {
	shape := func(version, flags byte, sizes ...byte) message {
		b := []byte{version, 2, flags, 1}
		for _, n := range sizes {
			b = append(b, n, 0, 0, 0, 0, 0, 0, 0)
		}
		return message{kind: msgDataspace, data: b}
	}
	f := &File{lengths: 8, offsets: 8}
	s, err := f.dataspace(shape(2, 1, 3, 4, 3, 9))
	if err != nil || !slices.Equal(s.dims, []int{3, 4}) || !slices.Equal(s.most, []uint64{3, 9}) {
		t.Errorf("%+v %v", s, err)
	}
	s, err = f.dataspace(shape(2, 0, 3, 4))
	if err != nil || !slices.Equal(s.most, []uint64{3, 4}) {
		t.Errorf("%+v %v", s, err)
	}
	if _, err := f.dataspace(shape(2, 1, 3, 4, 3, 3)); !errors.Is(err, badfile.ErrDamaged) {
		t.Errorf("larger than it may be: %v", err)
	}
	if _, err := f.dataspace(shape(2, 1, 3, 4, 3)); !errors.Is(err, badfile.ErrDamaged) {
		t.Errorf("without its maximum: %v", err)
	}
}

// TestGrowingForms refuses forms of an index that no writer makes, before they
// are used to compute places.
func TestGrowingForms(t *testing.T) {
	good := growingArray{elementBits: 32, inIndexBlock: 4, superPointers: 4, leastElements: 16, pageBits: 10}
	blocks, err := good.superBlocks()
	if err != nil || len(blocks) != 29 {
		t.Fatalf("%d %v", len(blocks), err)
	}
	if b := blocks[3]; b != (superBlock{2, 64, 4, 112}) { // before it: 1 × 16, 1 × 32, 2 × 32
		t.Errorf("%+v", b)
	}
	for _, change := range []func(*growingArray){
		func(g *growingArray) { g.leastElements = 0 },
		func(g *growingArray) { g.leastElements = 12 },
		func(g *growingArray) { g.superPointers = 1 },
		func(g *growingArray) { g.superPointers = 6 },
		func(g *growingArray) { g.elementBits = 65 },
		func(g *growingArray) { g.elementBits = 3 },
		func(g *growingArray) { g.pageBits = 41 },
	} {
		g := good
		change(&g)
		if _, err := g.superBlocks(); !errors.Is(err, badfile.ErrDamaged) {
			t.Errorf("%+v: %v", g, err)
		}
	}
}

func TestInflate(t *testing.T) {
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	if _, err := z.Write(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	b := packed.Bytes()
	for most, want := range map[int]bool{100: true, 104: true, 99: false} {
		if out, err := inflate(b, most); (err == nil && len(out) == 100) != want {
			t.Errorf("of at most %d bytes: %d %v", most, len(out), err)
		}
	}
	for n := range len(b) { // without its checksum, too
		if out, err := inflate(b[:n], 104); !errors.Is(err, badfile.ErrDamaged) {
			t.Errorf("cut after %d of %d bytes: %d %v", n, len(b), len(out), err)
		}
	}
}
