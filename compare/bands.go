package compare

import (
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
