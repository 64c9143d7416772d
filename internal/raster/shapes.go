package raster

import "image"

// Limits on shapes: what is larger is a curve, a frame or an area.
const (
	leastShape = 3  // pixels
	dot        = 10 // pixels of ink, below which only the peak tells shapes apart
	shapeFrom  = 96 // of 255, the ink that holds a shape together
	smallShape = 40 // pixels wide or high, in small pictures
	shapesOf   = 10 // and this part of the shorter side in large ones
	grey       = 24 // of colour, below which a shape is grey on the average
	maxShapes  = 1 << 15
)

// shape is a small piece of ink that hangs together: a letter or two, a
// marker, a dash.
type shape struct {
	image.Rectangle
	pixels []int // of the sheet; those of its ink
	grey   bool
	word   int // of grey shapes that stand together, from 1
	best   placed
}

// shapes finds the small pieces of ink, in order of rows.
func (s *sheet) shapes() []shape {
	most := max(smallShape, min(s.width, s.height)/shapesOf)
	seen := make([]bool, len(s.ink))
	var all []shape
	var stack, found []int
	for start, ink := range s.ink {
		if ink < shapeFrom || seen[start] {
			continue
		}
		found = found[:0]
		r := image.Rectangle{}
		seen[start] = true
		for stack = append(stack[:0], start); len(stack) > 0; {
			i := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			x, y := i%s.width, i/s.width
			r = r.Union(image.Rect(x, y, x+1, y+1))
			if len(found) <= most*most {
				found = append(found, i)
			}
			for v := max(0, y-1); v <= min(s.height-1, y+1); v++ {
				for u := max(0, x-1); u <= min(s.width-1, x+1); u++ {
					if at := v*s.width + u; !seen[at] && s.ink[at] >= shapeFrom {
						seen[at] = true
						stack = append(stack, at)
					}
				}
			}
		}
		if r.Dx() > most || r.Dy() > most || len(found) < leastShape || len(all) == maxShapes {
			continue
		}
		all = append(all, s.shape(r, found))
	}
	return all
}

func (s *sheet) shape(r image.Rectangle, pixels []int) shape {
	colour := 0
	for _, i := range pixels {
		colour += int(s.coloured[i])
	}
	return shape{Rectangle: r, pixels: append([]int(nil), pixels...), grey: colour < grey*len(pixels)}
}

// around lists the pixels of a shape and those next to it, as places.
func (s *sheet) around(of *shape) []image.Point {
	wide := of.Inset(-1)
	in := make([]bool, wide.Dx()*wide.Dy())
	for _, i := range of.pixels {
		x, y := i%s.width-wide.Min.X, i/s.width-wide.Min.Y
		for v := y - 1; v <= y+1; v++ {
			for u := x - 1; u <= x+1; u++ {
				in[v*wide.Dx()+u] = true
			}
		}
	}
	var out []image.Point
	for i, yes := range in {
		if yes {
			out = append(out, image.Pt(wide.Min.X+i%wide.Dx(), wide.Min.Y+i/wide.Dx()))
		}
	}
	return out
}
