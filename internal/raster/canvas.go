package raster

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"sync/atomic"
)

// channels of a pixel: brightness, two of colour, opacity. Brightness and
// colour are those of the pixel laid on white; opacity is a channel of its own,
// so that white ink on a clear ground is seen. Grey has no colour, whatever
// its brightness: between black and white lie only greys.
const channels = 4

// canvas reads a picture row by row, 8 bits a channel.
type canvas struct {
	image.Rectangle
	pix   []uint8                            // four bytes a pixel, row by row, which say what colour it is; nil: not known
	model color.Model                        // of pix
	row   func(y, from, to int, out []uint8) // red, green, blue, alpha; laid on white
}

func newCanvas(m image.Image) *canvas {
	c := &canvas{Rectangle: image.Rect(0, 0, m.Bounds().Dx(), m.Bounds().Dy())}
	min := m.Bounds().Min
	switch m := m.(type) {
	case *image.RGBA:
		c.keep(m.Pix, m.Stride, m.PixOffset(min.X, min.Y), color.RGBAModel)
		c.row = func(y, from, to int, out []uint8) {
			at := m.PixOffset(min.X+from, min.Y+y)
			for i, line := 0, m.Pix[at:at+4*(to-from)]; i < len(line); i += 4 {
				clear := 0xff - line[i+3]
				out[i], out[i+1], out[i+2], out[i+3] = line[i]+clear, line[i+1]+clear, line[i+2]+clear, line[i+3]
			}
		}
	case *image.NRGBA:
		c.keep(m.Pix, m.Stride, m.PixOffset(min.X, min.Y), color.NRGBAModel)
		c.row = func(y, from, to int, out []uint8) {
			at := m.PixOffset(min.X+from, min.Y+y)
			for i, line := 0, m.Pix[at:at+4*(to-from)]; i < len(line); i += 4 {
				if line[i+3] == 0xff {
					copy(out[i:i+4], line[i:i+4])
					continue
				}
				p := lay(m.RGBA64At(min.X+from+i/4, min.Y+y))
				copy(out[i:i+4], p[:])
			}
		}
	case *image.Paletted:
		var palette [256][4]uint8
		for i, p := range m.Palette {
			palette[i] = onWhite(p)
		}
		c.row = func(y, from, to int, out []uint8) {
			at := m.PixOffset(min.X+from, min.Y+y)
			for i, p := range m.Pix[at : at+to-from] {
				copy(out[4*i:], palette[p][:])
			}
		}
	default:
		quick, _ := m.(image.RGBA64Image)
		c.row = func(y, from, to int, out []uint8) {
			for x := from; x < to; x++ {
				var p [4]uint8
				if quick != nil {
					p = lay(quick.RGBA64At(min.X+x, min.Y+y))
				} else {
					p = onWhite(m.At(min.X+x, min.Y+y))
				}
				copy(out[4*(x-from):], p[:])
			}
		}
	}
	return c
}

// keep notes the samples of a picture that fills its memory.
func (c *canvas) keep(pix []uint8, stride, from int, model color.Model) {
	if stride == 4*c.Dx() && from == 0 {
		c.pix, c.model = pix, model
	}
}

// same reports whether all samples of r, as far as it lies on both canvases, are
// the same bytes. Where it says no, colours may still be the same.
func (c *canvas) same(other *canvas, r image.Rectangle) bool {
	if c.pix == nil || other.pix == nil || c.model != other.model || c.Rectangle != other.Rectangle {
		return false
	}
	r = r.Intersect(c.Rectangle)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		from, to := 4*(y*c.Dx()+r.Min.X), 4*(y*c.Dx()+r.Max.X)
		if !bytes.Equal(c.pix[from:to], other.pix[from:to]) {
			return false
		}
	}
	return true
}

// sameColours reports whether two canvases of one size have the same colours
// throughout.
func (c *canvas) sameColours(ctx context.Context, other *canvas) (bool, error) {
	var differ atomic.Bool
	err := bands(ctx, c.Dy(), func(from, to int) {
		if differ.Load() || c.same(other, image.Rect(0, from, c.Dx(), to)) {
			return
		}
		a, b := make([]uint8, 4*c.Dx()), make([]uint8, 4*c.Dx())
		for y := from; y < to && !differ.Load(); y++ {
			c.row(y, 0, c.Dx(), a)
			other.row(y, 0, c.Dx(), b)
			if !bytes.Equal(a, b) {
				differ.Store(true)
			}
		}
	})
	return !differ.Load(), err
}

func onWhite(c color.Color) [4]uint8 {
	r, g, b, a := c.RGBA()
	return lay(color.RGBA64{R: uint16(r), G: uint16(g), B: uint16(b), A: uint16(a)})
}

func lay(c color.RGBA64) [4]uint8 {
	clear := 0xffff - c.A
	return [4]uint8{uint8((c.R + clear) >> 8), uint8((c.G + clear) >> 8), uint8((c.B + clear) >> 8), uint8(c.A >> 8)}
}

// window is a part of a canvas, its channels apart, each -255 to 255. What lies
// beyond the canvas has the colour of the nearest pixel on it.
type window struct {
	image.Rectangle
	v [channels][]int16
}

func (w *window) resize(r image.Rectangle) {
	w.Rectangle = r
	for c := range w.v {
		if cap(w.v[c]) < r.Dx()*r.Dy() {
			w.v[c] = make([]int16, r.Dx()*r.Dy())
		}
		w.v[c] = w.v[c][:r.Dx()*r.Dy()]
	}
}

// load reads the part r of the canvas, whose pixels lie by the offset away from
// where r says.
func (w *window) load(c *canvas, r image.Rectangle, offset image.Point, line []uint8) {
	w.resize(r)
	from, to := clamp(r.Min.X+offset.X, c.Dx()), clamp(r.Max.X-1+offset.X, c.Dx())+1
	for y := range r.Dy() {
		c.row(clamp(r.Min.Y+y+offset.Y, c.Dy()), from, to, line)
		at := y * r.Dx()
		for x := range r.Dx() {
			i := 4 * (clamp(r.Min.X+x+offset.X, c.Dx()) - from)
			red, green, blue := int16(line[i]), int16(line[i+1]), int16(line[i+2])
			w.v[0][at+x] = (2*red + 5*green + blue) / 8
			w.v[1][at+x] = red - blue
			w.v[2][at+x] = green - (red+blue)/2
			w.v[3][at+x] = int16(line[i+3])
		}
	}
}

func clamp(at, size int) int { return max(0, min(at, size-1)) }
