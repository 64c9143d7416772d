package raster

import "image"

// An Outcome is what the pieces without a partner amount to.
type Outcome int

const (
	Alike   Outcome = iota // every piece of ink has its partner
	Unclear                // a person should look
	Differ                 // ink is gone, or new
)

// What a piece must be to count. SPEC.md CMP-79 has the experiment behind
// these.
const (
	leastInk   = 0.55 // pixels: below, a trace of how edges are smoothed
	goneInk    = 3    // pixels of ink that is gone or new
	nearby     = 6    // pixels within which ink has moved rather than gone
	goneOf     = 2    // one of so many of its pixels
	mostBeside = 0    // pixels that may differ on edges, away from letters
)

// Outcome judges by the largest piece. Where lines are drawn otherwise, a curve
// that is a little wrong could pass for the same; where letters are, a letter
// for another: then nothing is taken as alike.
func (f *Found) Outcome() Outcome {
	if f.Sizes || f.Pixels {
		return Differ
	}
	out := Alike
	if f.Differing > 0 && (f.Unclear || f.Scaled || f.Redrawn()) {
		out = Unclear
	}
	for _, p := range f.Pieces {
		switch {
		case p.Missing():
			return Differ
		case p.Shape || p.Ink() >= leastInk:
			out = Unclear
		}
	}
	return out
}

// Missing reports whether the piece is ink of one drawing of which the other has
// nothing near by: then they differ.
func (p Piece) Missing() bool { return p.Gone && p.Ink() >= goneInk }

// Redrawn reports whether more than letters are drawn otherwise.
func (f *Found) Redrawn() bool { return !f.Lines || f.Beside > mostBeside || f.Flat > 0 }

// Strange lists the pieces that count.
func (f *Found) Strange() (out []Piece) {
	for _, p := range f.Pieces {
		if p.Shape || p.Ink() >= leastInk {
			p.Min.X, p.Max.X = int(float64(p.Min.X)*f.scale), int(float64(p.Max.X)*f.scale)
			p.Min.Y, p.Max.Y = int(float64(p.Min.Y)*f.scale), int(float64(p.Max.Y)*f.scale)
			out = append(out, p)
		}
	}
	return out
}

// gone reports whether, for at least every second pixel of ink in a piece, the
// other sheet has no ink at all near by.
func gone(p Piece, s, t *sheet) bool {
	ink, alone := 0, 0
	for y := p.Min.Y; y < p.Max.Y; y++ {
		for x := p.Min.X; x < p.Max.X; x++ {
			a, b := s.ink[y*s.width+x] >= shapeFrom, t.ink[y*s.width+x] >= shapeFrom
			if a == b {
				continue
			}
			ink++
			other := t
			if b {
				other = s
			}
			if !other.any(image.Rect(x-nearby, y-nearby, x+nearby+1, y+nearby+1)) {
				alone++
			}
		}
	}
	return ink > 0 && alone*goneOf >= ink
}

// any reports whether there is ink in r.
func (s *sheet) any(r image.Rectangle) bool {
	r = r.Intersect(s.Rectangle)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for _, ink := range s.ink[y*s.width+r.Min.X : y*s.width+r.Max.X] {
			if ink >= inkFrom {
				return true
			}
		}
	}
	return false
}
