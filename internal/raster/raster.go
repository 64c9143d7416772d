// Package raster finds the ink that two drawings do not have in common.
package raster

import (
	"context"
	"image"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Found is what two pictures do not have in common.
type Found struct {
	Differing int64 // pixels of another colour
	Pieces    []Piece
	residue   []uint8 // of each pixel: how far it lies outside what the other picture has there
	width     int
}

func matchAll(ctx context.Context, a, b *canvas, offset image.Point) (*Found, error) {
	size := a.Dx() * a.Dy()
	f := &Found{residue: make([]uint8, size), width: a.Dx()}
	var differing atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for y := 0; y < a.Dy(); y += tile {
		g.Go(func() error {
			var m matcher
			for x := 0; x < a.Dx() && ctx.Err() == nil; x += tile {
				r := image.Rect(x, y, x+tile, y+tile).Intersect(a.Rectangle)
				differing.Add(m.tile(a, b, r, offset, f.residue, f.width))
			}
			return ctx.Err()
		})
	}
	err := g.Wait()
	f.Differing = differing.Load()
	return f, err
}

// Compare matches the ink of two pictures.
func Compare(ctx context.Context, pub, new image.Image) (*Found, error) {
	f, err := matchAll(ctx, newCanvas(pub), newCanvas(new), image.Point{})
	if err != nil {
		return nil, err
	}
	f.Pieces = pieces(f.residue, f.width)
	return f, nil
}
