package dbase

import (
	"encoding/binary"
	"math"

	"repro/internal/badfile"
	"repro/internal/ndarray"
)

// The types of shapes. Those with measures are 20 more than those of two
// dimensions, those with heights and measures 10 more.
const (
	shapeNone      = 0
	shapePoint     = 1
	shapeLines     = 3
	shapePolygon   = 5
	shapePoints    = 8
	shapeSurface   = 31
	shapesHeadSize = 100
	noMeasure      = -1e38 // and less
)

// ReadShapes reads the geometry of a shapefile: "types" of the shapes, how many
// "parts" and "points" each has, where the parts begin, and the coordinates of
// all points, "x y", "z" and "m".
func ReadShapes(b []byte) ([]ndarray.Array, error) {
	if len(b) < shapesHeadSize || binary.BigEndian.Uint32(b) != 9994 {
		return nil, badfile.Damaged("it does not begin as one")
	}
	s := &shapes{}
	for _, c := range []struct {
		name string
		to   **ndarray.Column
	}{{"types", &s.types}, {"parts", &s.parts}, {"starts", &s.starts}, {"points", &s.points}} {
		*c.to = ndarray.NewColumn(c.name, ndarray.Int, 4, "")
	}
	s.xy, s.z = ndarray.NewColumn("x y", ndarray.Float, 8, ""), ndarray.NewColumn("z", ndarray.Float, 8, "")
	s.m = ndarray.NewColumn("m", ndarray.Float, 8, "")
	for b = b[shapesHeadSize:]; len(b) > 0; {
		if len(b) < 12 {
			return nil, badfile.Damaged("a shape ends too early")
		}
		size := 2 * uint64(binary.BigEndian.Uint32(b[4:]))
		if size < 4 || size > uint64(len(b)-8) {
			return nil, badfile.Damaged("a shape ends too early")
		}
		if err := s.shape(b[8 : 8+size]); err != nil {
			return nil, err
		}
		b = b[8+size:]
	}
	var out []ndarray.Array
	for _, c := range []*ndarray.Column{s.types, s.parts, s.starts, s.points, s.xy, s.z, s.m} {
		if err := c.Full(); err != nil {
			return nil, err
		}
		if c.Len() > 0 {
			out = append(out, c.Arrays()...)
		}
	}
	return out, nil
}

type shapes struct{ types, parts, starts, points, xy, z, m *ndarray.Column }

// numbers takes 64-bit floats off the start.
func numbers(b []byte, n int, each func(float64)) []byte {
	for range n {
		each(math.Float64frombits(binary.LittleEndian.Uint64(b)))
		b = b[8:]
	}
	return b
}

// shape adds one shape.
func (s *shapes) shape(b []byte) error {
	kind := int(binary.LittleEndian.Uint32(b))
	b = b[4:]
	s.types.Int(int64(kind))
	base, hasZ, hasM := kind%10, kind > 10 && kind < 20, kind > 20 && kind < 30
	if kind == shapeSurface || kind > 30 {
		return badfile.Unread("a shape of type %d", kind)
	}
	parts, points := 0, 1
	switch base {
	case shapeNone:
		return nil
	case shapePoint:
	case shapeLines, shapePolygon, shapePoints:
		head := 32 + 4 // the box around it, and counts
		if base != shapePoints {
			head += 4
		}
		if len(b) < head {
			return badfile.Damaged("a shape ends too early")
		}
		b = b[32:]
		if base != shapePoints {
			parts = int(binary.LittleEndian.Uint32(b))
			b = b[4:]
		}
		points = int(binary.LittleEndian.Uint32(b))
		b = b[4:]
	default:
		return badfile.Unread("a shape of type %d", kind)
	}
	if parts > len(b)/4 || points > len(b)/16 || 4*parts+16*points > len(b) {
		return badfile.Damaged("a shape ends too early")
	}
	s.parts.Int(int64(parts))
	s.points.Int(int64(points))
	for range parts {
		s.starts.Int(int64(binary.LittleEndian.Uint32(b)))
		b = b[4:]
	}
	b = numbers(b, 2*points, s.xy.Float)
	box := 16 // the least and the largest of what follows
	if base == shapePoint {
		box = 0
	}
	if hasZ {
		if len(b) < box+8*points {
			return badfile.Damaged("a shape ends too early")
		}
		b = numbers(b[box:], points, s.z.Float)
	}
	if (hasZ || hasM) && len(b) >= box+8*points { // measures may be left out
		numbers(b[box:], points, func(v float64) {
			if v < noMeasure {
				s.m.Missing('N')
			} else {
				s.m.Float(v)
			}
		})
	}
	return s.xy.Full()
}
