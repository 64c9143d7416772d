package raster

import "context"

// A drawing is ink on a ground: one colour that most of the picture has.
const (
	leastGround = 20 // percent of the pixels, below which a picture is no drawing
	inkFrom     = 48 // of 255, from which a pixel is ink
)

// sheet is a picture taken apart into ground and ink, row by row.
type sheet struct {
	*canvas
	width, height int
	ink           []uint8 // how far a pixel is from the ground
	soft          []uint8 // the same, blurred
	coloured      []uint8 // how far from grey, and from the ground's colour
	ground        [4]uint8
	share         int // percent of pixels that are ground
}

// newSheet is a sheet of which nothing is known yet.
func newSheet(c *canvas) *sheet { return &sheet{canvas: c, width: c.Dx(), height: c.Dy()} }

// findInk finds what is drawn on the ground.
func (s *sheet) findInk(ctx context.Context) error {
	size := s.width * s.height
	s.ink, s.soft, s.coloured = make([]uint8, size), make([]uint8, size), make([]uint8, size)
	err := bands(ctx, s.height, func(from, to int) {
		line := make([]uint8, 4*s.width)
		for y := from; y < to; y++ {
			s.row(y, 0, s.width, line)
			at, last := y*s.width, [4]uint8(line[:4])
			ink, colour := s.far(line[:4])
			for x := range s.width {
				if p := [4]uint8(line[4*x : 4*x+4]); p != last { // most pixels are like the one before
					last = p
					ink, colour = s.far(p[:])
				}
				s.ink[at+x], s.coloured[at+x] = ink, colour
			}
		}
	})
	if err != nil {
		return err
	}
	return bands(ctx, s.height, s.blur)
}

// findGround takes the most frequent colour of the pixels, by their upper five
// bits, and of these the first that is seen.
func (s *sheet) findGround() {
	count := make([]int32, 1<<15)
	first := map[int][4]uint8{}
	line := make([]uint8, 4*s.width)
	for y := range s.height {
		s.row(y, 0, s.width, line)
		for i := 0; i < len(line); i += 4 {
			k := int(line[i])>>3<<10 | int(line[i+1])>>3<<5 | int(line[i+2])>>3
			if count[k]++; count[k] == 1 {
				first[k] = [4]uint8(line[i : i+4])
			}
		}
	}
	most := 0
	for k, n := range count {
		if n > count[most] {
			most = k
		}
	}
	s.ground, s.share = first[most], int(int64(count[most])*100/int64(s.width*s.height))
}

// far is how far a pixel is from the ground, in brightness, colour or opacity,
// and how much of that is colour.
func (s *sheet) far(p []uint8) (ink, colour uint8) {
	a, b := apart(p), apart(s.ground[:])
	across, up := abs(a[1]-b[1])/2, abs(a[2]-b[2])
	return uint8(min(255, max(abs(a[0]-b[0]), across, up, abs(a[3]-b[3])))), uint8(min(255, max(across, up)))
}

// apart takes the channels of a pixel apart.
func apart(p []uint8) [channels]int {
	red, green, blue := int(p[0]), int(p[1]), int(p[2])
	return [channels]int{(2*red + 5*green + blue) / 8, red - blue, green - (red+blue)/2, int(p[3])}
}

func abs(v int) int { return max(v, -v) }

// blur weighs ink 1 2 1 in both directions.
func (s *sheet) blur(from, to int) {
	for y := from; y < to; y++ {
		up, here, down := s.inkOf(max(0, y-1)), s.inkOf(y), s.inkOf(min(s.height-1, y+1))
		column := func(x int) int { return int(up[x]) + 2*int(here[x]) + int(down[x]) }
		before, at := column(0), column(0)
		for x, out := 0, s.soft[y*s.width:]; x < s.width; x++ {
			after := column(min(s.width-1, x+1))
			out[x] = uint8((before + 2*at + after) / blurWeight)
			before, at = at, after
		}
	}
}

func (s *sheet) inkOf(y int) []uint8 { return s.ink[y*s.width : (y+1)*s.width] }

// softAt is the blurred ink at a place in steps of half a pixel.
func (s *sheet) softAt(x2, y2 int) int {
	x, y := x2>>1, y2>>1
	at := func(x, y int) int {
		if x < 0 || y < 0 || x >= s.width || y >= s.height {
			return 0
		}
		return int(s.soft[y*s.width+x])
	}
	switch {
	case x2&1 == 0 && y2&1 == 0:
		return at(x, y)
	case y2&1 == 0:
		return (at(x, y) + at(x+1, y)) / 2
	case x2&1 == 0:
		return (at(x, y) + at(x, y+1)) / 2
	}
	return (at(x, y) + at(x+1, y) + at(x, y+1) + at(x+1, y+1)) / 4
}
