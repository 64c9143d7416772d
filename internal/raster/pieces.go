package raster

import (
	"cmp"
	"image"
	"slices"
)

// link is how far apart two pixels of one piece may lie, in rows and columns.
const link = 2

// A Piece is ink of one picture that has no partner in the other, in one place.
type Piece struct {
	image.Rectangle       // in pixels of the published picture
	Pixels          int   // how many have no partner
	Mass            int64 // how far these are outside, summed over them, in 1/255
	Gone            bool  // nothing like it stands anywhere near
	Shape           bool  // a letter, marker or dash that is another one, or none
	Unlike, Peak    int   // of a shape
}

// Ink is the mass in whole pixels of the strongest contrast.
func (p Piece) Ink() float64 { return float64(p.Mass) / 255 }

// pieces finds what hangs together, the one with the largest mass first.
func pieces(of []uint8, width int) []Piece {
	var all []Piece
	seen := make([]bool, len(of))
	var stack []int
	height := len(of) / width
	for start := range of {
		if seen[start] || of[start] == 0 {
			continue
		}
		p := Piece{Rectangle: image.Rect(start%width, start/width, start%width+1, start/width+1)}
		seen[start] = true
		for stack = append(stack[:0], start); len(stack) > 0; {
			i := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			x, y := i%width, i/width
			p.Rectangle = p.Union(image.Rect(x, y, x+1, y+1))
			p.Pixels++
			p.Mass += int64(of[i])
			for v := max(0, y-link); v <= min(height-1, y+link); v++ {
				for u := max(0, x-link); u <= min(width-1, x+link); u++ {
					if at := v*width + u; !seen[at] && of[at] != 0 {
						seen[at] = true
						stack = append(stack, at)
					}
				}
			}
		}
		all = append(all, p)
	}
	sortPieces(all)
	return all
}

func sortPieces(all []Piece) {
	slices.SortStableFunc(all, func(a, b Piece) int { return cmp.Compare(b.Mass, a.Mass) })
}

// stranger is a shape that has no partner, as a piece.
func (s *sheet) stranger(of *shape, other *sheet) Piece {
	p := Piece{Rectangle: of.Rectangle, Shape: true, Unlike: of.best.unlike, Peak: of.best.peak}
	for _, at := range s.around(of) {
		if by := abs(s.softAt(2*at.X, 2*at.Y) - other.softAt(2*at.X+of.best.X, 2*at.Y+of.best.Y)); by > slackFlat {
			p.Pixels++
			p.Mass += int64(by)
		}
	}
	return p
}
