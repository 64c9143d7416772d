package raster

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// tile is the side of the squares that are looked at one by one, and of the
// bands of rows. What is found does not depend on it.
const tile = 96

// bands calls do for the rows from..to-1 of each band, on all processors at
// once, and waits for them.
func bands(ctx context.Context, rows int, do func(from, to int)) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for from := 0; from < rows; from += tile {
		g.Go(func() error {
			if ctx.Err() == nil {
				do(from, min(rows, from+tile))
			}
			return ctx.Err()
		})
	}
	return g.Wait()
}
