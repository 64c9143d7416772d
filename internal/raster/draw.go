package raster

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
)

// mostMarked is how many pieces get a frame of their own.
const mostMarked = 20

// Draw shows the published picture pale and grey, what has no partner in red,
// and a frame around the largest pieces, as PNG.
func (f *Found) Draw() ([]byte, error) {
	c := newCanvas(f.shown)
	out := image.NewPaletted(c.Rectangle, pale)
	line := make([]uint8, 4*c.Dx())
	red := uint8(len(pale) - 1)
	for y := range c.Dy() {
		c.row(y, 0, c.Dx(), line)
		for x := range c.Dx() {
			i := y*c.Dx() + x
			if out.Pix[i] = uint8(apart(line[4*x : 4*x+4])[0] >> 2); f.residue[i] > 0 {
				out.Pix[i] = red
			}
		}
	}
	for _, p := range f.Pieces[:min(len(f.Pieces), mostMarked)] {
		if p.Shape || p.Ink() >= leastInk {
			frame(out, p.Inset(-4), red)
			frame(out, p.Inset(-5), red)
		}
	}
	var b bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, out)
	return b.Bytes(), err
}

func frame(m *image.Paletted, r image.Rectangle, colour uint8) {
	set := func(x, y int) {
		if image.Pt(x, y).In(m.Rect) {
			m.SetColorIndex(x, y, colour)
		}
	}
	for x := r.Min.X; x < r.Max.X; x++ {
		set(x, r.Min.Y)
		set(x, r.Max.Y-1)
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		set(r.Min.X, y)
		set(r.Max.X-1, y)
	}
}

// pale greys, and a red that stands out for readers who see no red as well.
var pale = func() color.Palette {
	var p color.Palette
	for i := range 64 {
		p = append(p, color.Gray{Y: uint8(192 + i)})
	}
	return append(p, color.RGBA{0xc4, 0x00, 0x2b, 0xff})
}()
