package raster

import (
	"image"
	"image/color"
	"image/draw"
	"sync"
)

// How far pictures may lie apart as a whole.
const (
	cropPercent  = 3   // by which sizes may differ at one scale: margins cut closer
	sameScale    = 5   // thousandths by which width and height may be scaled differently
	farthestCrop = 24  // pixels, at least, that the whole may be moved
	mostScale    = 4.1 // and how many times as large one may be
)

// fit is two pictures brought to one size and place.
type fit struct {
	a, b  image.Image
	scale float64 // pixels of the published picture for one of a
}

// register brings two pictures to one size, the smaller one: by scaling where
// both sides are larger by the same factor, else by moving, where only the
// margins are cut otherwise.
func register(pub, new image.Image) (fit, bool) {
	w, h := pub.Bounds().Dx(), pub.Bounds().Dy()
	u, v := new.Bounds().Dx(), new.Bounds().Dy()
	if w == u && h == v {
		return fit{pub, new, 1}, true
	}
	if abs(w-u)*100 <= w*cropPercent && abs(h-v)*100 <= h*cropPercent {
		at := shiftOf(pub, new)
		return fit{pub, moveTo(new, at, pub.Bounds()), 1}, true
	}
	across, down := float64(u)/float64(w), float64(v)/float64(h)
	off := across/down - 1
	if limit := sameScale/1000.0 + 1.5/float64(min(w, h, u, v)); off > limit || off < -limit || across > mostScale || across < 1/mostScale {
		return fit{}, false
	}
	if across > 1 {
		return fit{pub, shrink(new, w, h), 1}, true
	}
	return fit{shrink(pub, u, v), new, 1 / across}, true
}

// shiftOf is by how much the ink of new lies further right and down than that
// of pub, where the sums of ink over columns and rows agree best.
func shiftOf(pub, new image.Image) image.Point {
	var a, b [2][]int
	var both sync.WaitGroup
	both.Go(func() { a = profile(pub) })
	both.Go(func() { b = profile(new) })
	both.Wait()
	return image.Pt(agree(a[0], b[0]), agree(a[1], b[1]))
}

// profile sums over columns and over rows how far pixels are from the ground.
func profile(m image.Image) [2][]int {
	s := newSheet(newCanvas(m))
	s.findGround()
	out := [2][]int{make([]int, s.width), make([]int, s.height)}
	line := make([]uint8, 4*s.width)
	for y := range s.height {
		s.row(y, 0, s.width, line)
		last, ink := s.ground, 0
		for x := range s.width {
			if p := [4]uint8(line[4*x : 4*x+4]); p != last { // most pixels are like the one before
				last = p
				far, _ := s.far(p[:])
				ink = int(far)
			}
			if ink > 0 {
				out[0][x] += ink
				out[1][y] += ink
			}
		}
	}
	return out
}

// agree finds the shift of b against a with the least difference, the least
// shift of those.
func agree(a, b []int) int {
	reach := max(farthestCrop, abs(len(a)-len(b))+2)
	best, least := 0, -1
	for i := range 2*reach + 1 {
		shift := (i + 1) / 2 // 0, 1, -1, 2, -2, …
		if i%2 == 0 {
			shift = -shift
		}
		sum := 0
		for k := range max(len(a), len(b)) + 2*reach {
			x := k - reach
			sum += abs(at(a, x) - at(b, x+shift))
		}
		if least < 0 || sum < least {
			best, least = shift, sum
		}
	}
	return best
}

func at(v []int, i int) int {
	if i < 0 || i >= len(v) {
		return 0
	}
	return v[i]
}

// moveTo lays a picture, moved back by the shift, on its ground in a picture of
// the size of r.
func moveTo(m image.Image, shift image.Point, r image.Rectangle) image.Image {
	s := newSheet(newCanvas(m))
	s.findGround()
	out := image.NewRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
	draw.Draw(out, out.Rect, image.NewUniform(color.RGBA{s.ground[0], s.ground[1], s.ground[2], 0xff}), image.Point{}, draw.Src)
	draw.Draw(out, out.Rect, m, m.Bounds().Min.Add(shift), draw.Over)
	return out
}

// shrink averages over the part of the picture that each pixel stands for.
func shrink(m image.Image, width, height int) image.Image {
	c := newCanvas(m)
	out := image.NewRGBA(image.Rect(0, 0, width, height))
	sums, line := make([]int64, 4*width), make([]uint8, 4*c.Dx())
	columns := parts(c.Dx(), width)
	for y, rows := range parts(c.Dy(), height) {
		clear(sums)
		for _, row := range rows {
			c.row(row.at, 0, c.Dx(), line)
			for x, across := range columns {
				for _, p := range across {
					weight := p.weight * row.weight
					for k := range 4 {
						sums[4*x+k] += weight * int64(line[4*p.at+k])
					}
				}
			}
		}
		area := int64(c.Dx()) * int64(c.Dy())
		for x := range width {
			o := out.Pix[out.PixOffset(x, y):]
			alpha := uint8((sums[4*x+3] + area/2) / area)
			for k := range 3 {
				v := uint8((sums[4*x+k] + area/2) / area)
				o[k] = v - min(v, 0xff-alpha) // a canvas is laid on white, a picture not
			}
			o[3] = alpha
		}
	}
	return out
}

// part is a pixel, and how much of it counts.
type part struct {
	at     int
	weight int64
}

// parts lists, for each of to pixels, those of from that it stands for; the
// weights of each add up to from.
func parts(from, to int) [][]part {
	out := make([][]part, to)
	for i := range to {
		start, end := i*from, (i+1)*from // in 1/to pixels
		for k := start / to; k*to < end; k++ {
			w := min(end, (k+1)*to) - max(start, k*to)
			out[i] = append(out[i], part{k, int64(w)})
		}
	}
	return out
}
