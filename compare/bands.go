package compare

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// bandRows is how many rows of a picture one goroutine looks at together. What
// is found does not depend on it.
const bandRows = 128

// bands calls do for the rows from..to-1 of each band of a picture, on all
// processors at once, and waits for them.
func bands(ctx context.Context, rows int, do func(band, from, to int)) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for from := 0; from < rows; from += bandRows {
		g.Go(func() error {
			if ctx.Err() == nil {
				do(from/bandRows, from, min(rows, from+bandRows))
			}
			return ctx.Err()
		})
	}
	return g.Wait()
}

// sameRow reports for rows of two pictures of one size and form whether their
// samples are the same bytes. Where it says no, colours may still be the same.
func sameRow(a, b *picture) func(y int) bool {
	p, n := rowOf(a.Image), rowOf(b.Image)
	if p == nil || n == nil || a.ColorModel() != b.ColorModel() || a.Bounds() != b.Bounds() {
		return func(int) bool { return false }
	}
	return func(y int) bool { return bytes.Equal(p(y), n(y)) }
}

// rowOf returns the samples of a row; nil where they say nothing by themselves.
func rowOf(m image.Image) func(y int) []uint8 {
	r := m.Bounds()
	switch m := m.(type) {
	case *image.NRGBA:
		return func(y int) []uint8 { at := m.PixOffset(r.Min.X, y); return m.Pix[at : at+4*r.Dx()] }
	case *image.RGBA:
		return func(y int) []uint8 { at := m.PixOffset(r.Min.X, y); return m.Pix[at : at+4*r.Dx()] }
	case *image.Gray:
		return func(y int) []uint8 { at := m.PixOffset(r.Min.X, y); return m.Pix[at : at+r.Dx()] }
	}
	return nil
}

// colourAt reads the pixels of m, their colours multiplied by alpha, without
// an allocation for each where m can.
func colourAt(m image.Image) func(x, y int) color.RGBA64 {
	if p, ok := m.(*picture); ok {
		m = p.Image
	}
	if quick, ok := m.(image.RGBA64Image); ok {
		return quick.RGBA64At
	}
	return func(x, y int) color.RGBA64 {
		r, g, b, a := m.At(x, y).RGBA()
		return color.RGBA64{R: uint16(r), G: uint16(g), B: uint16(b), A: uint16(a)}
	}
}
