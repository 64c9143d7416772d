package raster

import "image"

// How far a shape may lie from its partner, in half pixels.
const (
	besideAt = 3  // anything
	moved0   = 16 // text, in small pictures
	movedOf  = 30 // and this part of the longer side in large ones
)

// reach is how far text may have moved, in half pixels: half as far up and down.
func (s *sheet) reach() image.Point {
	far := max(moved0, max(s.width, s.height)/movedOf)
	return image.Pt(far, max(10, far/2))
}

// placed is where in the other picture a shape fits best, and how well.
type placed struct {
	image.Point      // shift in half pixels
	unlike      int  // 1000 times one less the squared cosine of the two inks
	peak        int  // 0 to 255: the most by which a pixel lies outside what is within half a pixel there
	tiny        bool // so small that only the peak counts
	same        bool // the same pixels, shifted by whole ones
}

// place finds the best fit of a shape of s in other, within reach of the shift
// from. Of places that fit about as well the nearest is taken.
func (s *sheet) place(of *shape, other *sheet, from, reach image.Point) placed {
	at := s.around(of)
	best := placed{unlike: 1000, peak: 255}
	least := 2000
	try := func(by image.Point) {
		if abs(by.X) > reach.X || abs(by.Y) > reach.Y {
			return
		}
		u := s.unlike(at, other, from.Add(by))
		if u+abs(by.X)+abs(by.Y) < least {
			best.Point, best.unlike, least = from.Add(by), u, u+abs(by.X)+abs(by.Y)
		}
	}
	try(image.Point{})
	for d := 2; d <= max(reach.X, reach.Y)+1 && best.unlike > 0; d += 2 { // rings of whole pixels
		for i := -d; i <= d; i += 2 {
			try(image.Pt(i, -d))
			try(image.Pt(i, d))
			if i > -d && i < d {
				try(image.Pt(-d, i))
				try(image.Pt(d, i))
			}
		}
	}
	if around := best.Sub(from); best.unlike > 0 {
		for i := range 9 {
			try(around.Add(image.Pt(i%3-1, i/3-1)))
		}
	}
	best.tiny = len(of.pixels) < dot
	best.peak, best.same = s.peak(at, other, best.Point)
	return best
}

// unlike compares the inks of two places, whatever their strength.
func (s *sheet) unlike(at []image.Point, other *sheet, shift image.Point) int {
	var aa, bb, ab int64
	for _, p := range at {
		a, b := int64(s.softAt(2*p.X, 2*p.Y)), int64(other.softAt(2*p.X+shift.X, 2*p.Y+shift.Y))
		aa, bb, ab = aa+a*a, bb+b*b, ab+a*b
	}
	if aa == 0 || bb == 0 {
		return 1000
	}
	return int(1000 - int64(1000*(float64(ab)/float64(aa))*(float64(ab)/float64(bb))))
}

// peak is the most by which a pixel lies outside what the other sheet has
// within half a pixel of its place.
func (s *sheet) peak(at []image.Point, other *sheet, shift image.Point) (peak int, same bool) {
	same = shift.X&1 == 0 && shift.Y&1 == 0
	for _, p := range at {
		v := s.softAt(2*p.X, 2*p.Y)
		low, high := 255, 0
		for i := range 9 {
			o := other.softAt(2*p.X+shift.X+i%3-1, 2*p.Y+shift.Y+i/3-1)
			low, high = min(low, o), max(high, o)
			if i == 4 && o != v {
				same = false
			}
		}
		peak = max(peak, low-v, v-high)
	}
	return peak, same
}
