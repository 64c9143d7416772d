package hdf5

import (
	"context"
	"repro/internal/badfile"
)

// chunkReader puts the chunks of a data set together.
type chunkReader struct {
	*File
	ctx    context.Context
	d      *dataset
	out    []byte
	each   int                                  // bytes of one chunk
	found  func(where location, at []int) error // called for each chunk of an index; at changes afterwards
	packed []byte                               // of the chunk read last
}

func (f *File) chunks(ctx context.Context, d *dataset, size int) ([]byte, error) {
	p, err := f.chunkReader(ctx, d)
	if err != nil {
		return nil, err
	}
	p.out, p.found = d.filled(size), p.read
	if d.layout.address == undefined {
		return p.out, nil
	}
	return p.out, p.all()
}

func (f *File) chunkReader(ctx context.Context, d *dataset) (*chunkReader, error) {
	l := d.layout
	if len(l.chunk) != len(d.space.dims) || l.element != d.typed.size {
		return nil, badfile.Damaged("chunks of %d axes in a shape of %d", len(l.chunk), len(d.space.dims))
	}
	p := &chunkReader{File: f, ctx: ctx, d: d, each: l.element}
	for _, n := range l.chunk {
		p.each *= n
	}
	return p, nil
}

// read unpacks one chunk and puts it where it stands.
func (p *chunkReader) read(where location, at []int) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	edge := false
	for i, v := range at {
		if v >= p.d.space.dims[i] {
			return nil // beyond a shape that was made smaller
		}
		edge = edge || v+p.d.layout.chunk[i] > p.d.space.dims[i]
	}
	if where.size > 2*maxChunk {
		return badfile.TooLarge("a chunk of %d bytes", where.size)
	}
	if edge && p.d.layout.plainEdges {
		where.size, where.mask = uint64(p.each), ^uint32(0)
	}
	b, err := p.into(p.packed, where.address, int(where.size))
	if err != nil {
		return err
	}
	p.packed = b
	if p.left -= int64(p.each); p.left < 0 {
		return badfile.TooLarge("it holds more than %d bytes in chunks", int64(MaxUnpacked))
	}
	if b, err = p.unpack(b, where.mask); err != nil {
		return err
	}
	if len(b) != p.each {
		return badfile.Damaged("a chunk of %d bytes where %d should be", len(b), p.each)
	}
	p.place(b, at)
	return nil
}

// place copies a chunk row by row, as far as it lies within the shape.
func (p *chunkReader) place(b []byte, at []int) {
	dims, chunk, size := p.d.space.dims, p.d.layout.chunk, p.d.typed.size
	last := len(dims) - 1
	length := min(chunk[last], dims[last]-at[last]) * size
	row := make([]int, len(dims)) // within the chunk
	for from := 0; from < len(b); from += chunk[last] * size {
		to, inside := 0, true
		for i := range dims {
			v := at[i] + row[i]
			inside = inside && v < dims[i]
			to = to*dims[i] + v
		}
		if inside {
			copy(p.out[to*size:to*size+length], b[from:])
		}
		for axis := last - 1; axis >= 0; axis-- {
			if row[axis]++; row[axis] < chunk[axis] {
				break
			}
			row[axis] = 0
		}
	}
}
