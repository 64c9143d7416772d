package hdf5

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"
	"repro/internal/badfile"
)

// filter is one step in which chunks were packed.
type filter struct {
	id     int
	values []uint32
}

// The filters that are read.
const (
	filterDeflate  = 1
	filterShuffle  = 2
	filterFletcher = 3
	filterLZF      = 32000
)

func pipeline(c *cursor) ([]filter, error) {
	version, count := c.byte(), int(c.byte())
	if version == 1 {
		c.take(6)
	}
	if version != 1 && version != 2 || count > 32 {
		return nil, badfile.Unread("filters of version %d", version)
	}
	var out []filter
	for range count {
		fl := filter{id: int(c.u16())}
		name := 0
		if version == 1 || fl.id >= 256 {
			name = int(c.u16())
		}
		c.take(2)
		values := int(c.u16())
		if version == 1 {
			name = (name + 7) &^ 7
		}
		c.take(name)
		for range values {
			fl.values = append(fl.values, c.u32())
			if c.bad {
				return nil, badfile.Damaged("filters end too early")
			}
		}
		if version == 1 && values%2 == 1 {
			c.take(4)
		}
		out = append(out, fl)
	}
	if c.bad {
		return nil, badfile.Damaged("filters end too early")
	}
	return out, nil
}

func (p *chunkReader) unpack(b []byte, mask uint32) (_ []byte, err error) {
	for i := len(p.d.filters) - 1; i >= 0; i-- {
		if mask>>i&1 == 1 {
			continue // passed over for this chunk
		}
		fl := p.d.filters[i]
		switch fl.id {
		case filterDeflate:
			b, err = inflate(b, p.each+4)
		case filterShuffle:
			if len(fl.values) != 1 || fl.values[0] == 0 || fl.values[0] > maxMessage {
				return nil, badfile.Damaged("a filter without its value")
			}
			b = unshuffle(b, int(fl.values[0]))
		case filterFletcher:
			if len(b) < 4 {
				return nil, badfile.Damaged("a chunk without its checksum")
			}
			b = b[:len(b)-4]
		case filterLZF:
			b, err = unpackLZF(b, p.each+4)
		default:
			return nil, badfile.Unread("chunks packed by filter %d", fl.id)
		}
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}

func inflate(b []byte, most int) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, badfile.Damaged("a chunk: %v", err)
	}
	out := make([]byte, most+1)
	for n := 0; n <= most; {
		m, err := r.Read(out[n:])
		if n += m; n <= most && errors.Is(err, io.EOF) {
			return out[:n], nil
		}
		if err != nil {
			break
		}
	}
	return nil, badfile.Damaged("a chunk can't be unpacked")
}

// unshuffle puts the bytes of each value together again. Bytes that make no
// whole value stand at the end as they are.
func unshuffle(b []byte, size int) []byte {
	count := len(b) / size
	if size == 1 || count < 2 {
		return b
	}
	out := make([]byte, len(b))
	for k := range size {
		for i := range count {
			out[i*size+k] = b[k*count+i]
		}
	}
	copy(out[count*size:], b[count*size:])
	return out
}

// unpackLZF undoes h5py's filter (LibLZF by Marc Lehmann).
func unpackLZF(b []byte, most int) ([]byte, error) {
	out := make([]byte, 0, min(most, 1<<20))
	c := &cursor{b: b}
	for len(c.b) > 0 {
		head := int(c.byte())
		if head < 32 {
			out = append(out, c.take(head+1)...)
		} else {
			length := head >> 5
			if length == 7 {
				length += int(c.byte())
			}
			from := len(out) - (head&31<<8 | int(c.byte())) - 1
			if from < 0 {
				return nil, badfile.Damaged("a chunk can't be unpacked")
			}
			for range length + 2 {
				out = append(out, out[from])
				from++
			}
		}
		if c.bad || len(out) > most {
			return nil, badfile.Damaged("a chunk can't be unpacked")
		}
	}
	return out, nil
}
