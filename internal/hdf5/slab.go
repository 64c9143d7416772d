package hdf5

import (
	"context"
	"fmt"
	"slices"

	"repro/internal/ndarray"
)

// maxListed is how many chunks' places are held of one data set.
const maxListed = 1 << 20

// Slabs reads a data set of plain numbers a few rows at a time: all that has
// one index, or several that follow each other, along the first axis. Two of
// one file may not be read at the same time.
type Slabs struct {
	Array ndarray.Array // all of it, but for Data
	Step  int           // Read takes multiples of so many rows, and the last ones
	Row   int           // bytes of one

	name   string
	d      *dataset
	reader *chunkReader // nil: the rows lie one after the other
	chunks []placed     // in order of their rows
}

// placed is a chunk and where it stands in the shape.
type placed struct {
	location
	at []int
}

// Slabs returns a reader of parts; nil where the values can only be read at
// once, or have fewer bytes than least.
func (n *Node) Slabs(ctx context.Context, least int) (*Slabs, error) {
	d := n.data
	if d == nil || d.space.null || len(d.space.dims) == 0 || d.space.dims[0] < 2 || d.layout.inline != nil || d.layout.address == undefined {
		return nil, nil
	}
	if d.space.count() < least/d.typed.size || d.space.count() == 0 || d.space.count() > MaxData/d.typed.size {
		return nil, nil
	}
	v := &valueReader{f: n.file, ctx: ctx}
	switch c := d.typed.class; {
	case c == classInteger || c == classEnum || c == classFloat || c == classCompound && d.typed.isComplex():
		if err := v.flatten(n.Name, d.typed, d.space.dims, nil, 0); err != nil {
			return nil, fmt.Errorf("%q: %w", n.Name, err)
		}
	default:
		return nil, nil
	}
	s := &Slabs{Array: v.out[0], Step: 1, name: n.Name, d: d}
	s.Row = d.space.count() / d.space.dims[0] * d.typed.size
	if d.layout.chunk == nil {
		if d.layout.size < uint64(s.Row*d.space.dims[0]) || d.layout.address == 0 {
			return nil, nil
		}
		s.reader = &chunkReader{File: n.file}
		return s, nil
	}
	if err := s.list(ctx, n.file); err != nil {
		return nil, fmt.Errorf("%q: %w", n.Name, err)
	}
	if len(s.chunks) > maxListed {
		return nil, nil
	}
	return s, nil
}

// list finds where the chunks lie, or more than maxListed of them.
func (s *Slabs) list(ctx context.Context, f *File) (err error) {
	if s.reader, err = f.chunkReader(ctx, s.d); err != nil {
		return err
	}
	s.Step = s.d.layout.chunk[0]
	s.reader.found = func(where location, at []int) error {
		if len(s.chunks) <= maxListed {
			s.chunks = append(s.chunks, placed{where, slices.Clone(at)})
		}
		return ctx.Err()
	}
	if err := s.reader.all(); err != nil {
		return err
	}
	slices.SortStableFunc(s.chunks, func(a, b placed) int { return a.at[0] - b.at[0] })
	return nil
}

// Start says that all rows are about to be read, which counts against what the
// file may hold.
func (s *Slabs) Start() error {
	if _, err := s.reader.sizeOf(s.d); err != nil {
		return fmt.Errorf("%q: %w", s.name, err)
	}
	return nil
}

// Read returns the bytes of the rows from..to-1, in the memory of b where that
// is enough. Slabs are read in order, each once.
func (s *Slabs) Read(ctx context.Context, from, to int, b []byte) ([]byte, error) {
	out, err := s.read(ctx, from, to, b)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", s.name, err)
	}
	return out, nil
}

func (s *Slabs) read(ctx context.Context, from, to int, b []byte) ([]byte, error) {
	p := s.reader
	if s.d.layout.chunk == nil {
		return p.into(b, s.d.layout.address+uint64(from*s.Row), (to-from)*s.Row)
	}
	whole := *s.d.space
	part := *s.d
	part.space = &whole
	whole.dims = slices.Clone(whole.dims)
	whole.dims[0] = to - from
	p.ctx, p.d, p.out = ctx, &part, part.filledInto(b, (to-from)*s.Row)
	for len(s.chunks) > 0 && s.chunks[0].at[0] < to {
		c := s.chunks[0]
		s.chunks = s.chunks[1:]
		c.at[0] -= from
		if err := p.read(c.location, c.at); err != nil {
			return nil, err
		}
	}
	return p.out, nil
}

// filledInto is what was never written, in the memory of b where that is
// enough.
func (d *dataset) filledInto(b []byte, size int) []byte {
	if cap(b) < size {
		return d.filled(size)
	}
	b = b[:size]
	if len(d.fill) != d.typed.size {
		clear(b)
		return b
	}
	for at := range size / len(d.fill) {
		copy(b[at*len(d.fill):], d.fill)
	}
	return b
}
