// Package raster finds the ink that two drawings do not have in common.
//
// A drawing is ink on a ground. Small pieces of ink, letters and markers, are
// laid over the other drawing as a whole, at the shift where they fit best; a
// word may lie a few pixels elsewhere if all of its letters do. Curves, frames
// and areas are compared pixel by pixel: each must lie within what the other
// drawing has around the same place. What is left without a partner is
// returned piece by piece, the largest first. SPEC.md, CMP-78 and CMP-79, has
// the rule and the experiment behind its numbers.
package raster

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Found is what two pictures do not have in common.
type Found struct {
	Differing int64   // pixels of another colour, once both have one size and place
	Pieces    []Piece // without a partner, the largest first
	Pixels    bool    // at least one is no drawing: each pixel counts, and there are no Pieces
	Sizes     bool    // the sizes differ so that neither scaling nor moving brings one over the other
	Scaled    bool    // one picture was shrunk to the size of the other
	Unclear   bool    // letters are so small, and drawn so differently, that one could pass for another
	Lines     bool    // both draw lines and edges the same way, nearly everywhere to the pixel
	Beside    int     // pixels that differ, if little, away from letters that have a partner
	Flat      int     // of these, pixels that lie on no edge
	Moved     int     // letters that stand elsewhere, with their whole word

	residue []uint8 // of each pixel: how far it lies outside what the other picture has there
	width   int
	scale   float64
	shown   image.Image // the published picture, in the size in which both were compared
}

// Compare matches the ink of two pictures.
func Compare(ctx context.Context, pub, new image.Image) (*Found, error) {
	both, ok := register(pub, new)
	if !ok {
		return &Found{Sizes: true}, nil
	}
	f, err := compare(ctx, both.a, both.b)
	if err != nil {
		return nil, err
	}
	f.Scaled = pub.Bounds().Size() != both.a.Bounds().Size() || new.Bounds().Size() != both.b.Bounds().Size()
	if f.Outcome() != Alike && !f.Pixels && !f.Scaled && !f.Lines { // lines in place leave nothing to move
		if shift := shiftOf(both.a, both.b); shift != (image.Point{}) {
			g, err := compare(ctx, both.a, moveTo(both.b, shift, both.a.Bounds()))
			if err != nil {
				return nil, err
			}
			if g.Outcome() == Alike {
				f = g
			}
		}
	}
	f.scale, f.shown = both.scale, both.a
	return f, nil
}

func compare(ctx context.Context, pub, new image.Image) (*Found, error) {
	a, b := newCanvas(pub), newCanvas(new)
	f := &Found{residue: make([]uint8, a.Dx()*a.Dy()), width: a.Dx(), Pixels: deep(pub) || deep(new)}
	if f.Pixels {
		return f, f.everyPixel(ctx, pub, new)
	}
	if same, err := a.sameColours(ctx, b); err != nil || same {
		return f, err
	}
	s, t, err := sheets(ctx, a, b)
	if err != nil {
		return nil, err
	}
	if f.Pixels = !s.drawing() || !t.drawing(); f.Pixels {
		return f, f.everyPixel(ctx, pub, new)
	}
	if err := f.match(ctx, a, b); err != nil {
		return nil, err
	}
	for _, side := range []*sheet{s, t} {
		if err := side.findInk(ctx); err != nil {
			return nil, err
		}
	}
	return f, f.shapes(ctx, s, t)
}

// sheets finds the ground of two pictures.
func sheets(ctx context.Context, a, b *canvas) (s, t *sheet, err error) {
	s, t = newSheet(a), newSheet(b)
	err = each(ctx, 2, func(i int) { []*sheet{s, t}[i].findGround() })
	return s, t, err
}

// everyPixel marks each pixel that differs at all.
func (f *Found) everyPixel(ctx context.Context, pub, new image.Image) error {
	p, n := pub.Bounds().Min, new.Bounds().Min
	ours, theirs := colourAt(pub), colourAt(new)
	var differing atomic.Int64
	err := bands(ctx, pub.Bounds().Dy(), func(from, to int) {
		count := int64(0)
		for y := from; y < to; y++ {
			for x, row := 0, f.residue[y*f.width:][:f.width]; x < f.width; x++ {
				row[x] = 0
				if ours(p.X+x, p.Y+y) != theirs(n.X+x, n.Y+y) {
					row[x] = 255
					count++
				}
			}
		}
		differing.Add(count)
	})
	f.Differing = differing.Load()
	return err
}

// colourAt reads the pixels of m, their colours multiplied by alpha, without an
// allocation for each where m can.
func colourAt(m image.Image) func(x, y int) color.RGBA64 {
	if quick, ok := m.(image.RGBA64Image); ok {
		return quick.RGBA64At
	}
	return func(x, y int) color.RGBA64 { return color.RGBA64Model.Convert(m.At(x, y)).(color.RGBA64) }
}

// leastSide is the least width and height of a drawing, in pixels.
const leastSide = 100

// deep reports samples that are grey or have more than 8 bits: such a picture
// holds data.
func deep(m image.Image) bool {
	return slices.Contains([]color.Model{color.GrayModel, color.Gray16Model, color.RGBA64Model, color.NRGBA64Model}, m.ColorModel())
}

// drawing reports whether a picture is ink on a ground. A small one holds data,
// and so does one without a ground.
func (s *sheet) drawing() bool {
	return s.share >= leastGround && min(s.width, s.height) >= leastSide
}

// match fills in what lies outside, pixel by pixel.
func (f *Found) match(ctx context.Context, a, b *canvas) error {
	var differing atomic.Int64
	err := bands(ctx, a.Dy(), func(from, to int) {
		var m matcher
		for x := 0; x < a.Dx(); x += tile {
			r := image.Rect(x, from, min(x+tile, a.Dx()), to)
			differing.Add(m.tile(a, b, r, image.Point{}, f.residue, f.width))
		}
	})
	f.Differing = differing.Load()
	return err
}

// shapes judges small pieces of ink as a whole, and leaves the rest to what
// lies outside.
func (f *Found) shapes(ctx context.Context, s, t *sheet) error {
	ours, theirs := s.shapes(), t.shapes()
	f.Unclear = len(ours) == maxShapes || len(theirs) == maxShapes
	near := [2][][]int{neighbours(ours), neighbours(theirs)}
	if err := s.findPlaces(ctx, ours, near[0], t); err != nil {
		return err
	}
	if err := t.findPlaces(ctx, theirs, near[1], s); err != nil {
		return err
	}
	f.Unclear = f.Unclear || unclear(ours, theirs)
	cover := [2]cover{newCover(s, ours), newCover(t, theirs)}
	f.Lines = f.linesAlike(s, t, cover)
	strange := [2][]bool{strangers(ours, near[0], f.Lines), strangers(theirs, near[1], f.Lines)}
	for i, side := range [2]*sheet{s, t} {
		for k, of := range [2][]shape{ours, theirs}[i] {
			if !strange[i][k] && (of.grey || of.best.same) {
				cover[i].explain(side, &of)
			}
			if !strange[i][k] && of.best.Point != (image.Point{}) && (abs(of.best.X) > besideAt || abs(of.best.Y) > besideAt) {
				f.Moved++
			}
		}
	}
	f.explain(s, t, cover)
	f.Beside, f.Flat = f.beside(s, t, cover)
	f.Pieces = pieces(f.residue, f.width)
	if f.Lines {
		f.displaced(s, t, cover)
	}
	for i := range f.Pieces {
		f.Pieces[i].Gone = gone(f.Pieces[i], s, t)
	}
	for k, of := range ours {
		if strange[0][k] {
			f.Pieces = append(f.Pieces, s.stranger(&of, t))
		}
	}
	for k, of := range theirs {
		if strange[1][k] {
			f.Pieces = append(f.Pieces, t.stranger(&of, s))
		}
	}
	sortPieces(f.Pieces)
	return nil
}

// explain takes away what lies outside where the ink of both sides belongs to
// shapes that have a partner.
func (f *Found) explain(s, t *sheet, of [2]cover) {
	for i, r := range f.residue {
		if r == 0 {
			continue
		}
		a, b := of[0][i]&explained != 0, of[1][i]&explained != 0
		if (a || b) && (a || s.ink[i] < inkFrom) && (b || t.ink[i] < inkFrom) {
			f.residue[i] = 0
		}
	}
}

// beside counts the pixels that differ at all and lie nowhere near a letter that
// has its partner, and those of them where nothing is drawn.
func (f *Found) beside(s, t *sheet, of [2]cover) (n, flat int) {
	w := s.width
	a, b := make([]uint8, 4*w), make([]uint8, 4*w)
	for y := range s.height {
		s.row(y, 0, w, a)
		t.row(y, 0, w, b)
		if bytes.Equal(a, b) {
			continue
		}
		for x := range w {
			if [4]uint8(a[4*x:]) != [4]uint8(b[4*x:]) && !of[0].near(x, y, w) && !of[1].near(x, y, w) {
				n++
				if s.flat(y*w+x) && t.flat(y*w+x) {
					flat++
				}
			}
		}
	}
	return n, flat
}

// flat reports whether a pixel lies on no edge.
func (s *sheet) flat(i int) bool { return abs(int(s.ink[i])-int(s.soft[i])) < flatBy }

const flatBy = 4

func (c cover) near(x, y, w int) bool {
	h := len(c) / w
	for v := max(0, y-2); v <= min(h-1, y+2); v++ {
		for u := max(0, x-2); u <= min(w-1, x+2); u++ {
			if c[v*w+u]&explained != 0 {
				return true
			}
		}
	}
	return false
}

// linesAlike reports whether both pictures draw lines and edges the same way:
// most pixels of these are the same.
func (f *Found) linesAlike(s, t *sheet, of [2]cover) bool {
	same, all := 0, 0
	for i := range s.ink {
		if of[0][i]|of[1][i] != 0 || s.ink[i] == s.soft[i] && t.ink[i] == t.soft[i] {
			continue
		}
		all++
		if s.ink[i] == t.ink[i] && s.coloured[i] == t.coloured[i] {
			same++
		}
	}
	return all < fewEdges || same*100 >= all*alike
}

const (
	alike    = 80  // percent of edge pixels that must be the same
	fewEdges = 100 // pixels, below which there are no lines to speak of
)

// displaced finds lines that lie elsewhere by less than a pixel, where all
// others are drawn the same to the pixel.
func (f *Found) displaced(s, t *sheet, of [2]cover) {
	differ := make([]uint8, len(s.ink))
	for i := range differ {
		if of[0][i]|of[1][i] == 0 {
			if by := max(abs(int(s.ink[i])-int(t.ink[i])), abs(int(s.coloured[i])-int(t.coloured[i]))); by >= inkFrom {
				differ[i] = uint8(by)
			}
		}
	}
	for _, p := range pieces(differ, f.width) {
		if p.Mass >= 255*leastDisplaced {
			f.Pieces = append(f.Pieces, p)
		}
	}
}

// leastDisplaced is how much ink must lie elsewhere, in pixels.
const leastDisplaced = 12

// cover says of each pixel whether it belongs to a shape, and to one that has a
// partner.
type cover []uint8

const (
	ofShape   = 1
	explained = 2
)

func newCover(s *sheet, shapes []shape) cover {
	c := make(cover, len(s.ink))
	for i := range shapes {
		c.mark(s, &shapes[i], ofShape)
	}
	return c
}

func (c cover) explain(s *sheet, of *shape) { c.mark(s, of, explained) }

func (c cover) mark(s *sheet, of *shape, bit uint8) {
	for _, p := range s.around(of) {
		if p.In(s.Rectangle) {
			c[p.Y*s.width+p.X] |= bit
		}
	}
}

// each calls do for 0 to n-1 on all processors.
func each(ctx context.Context, n int, do func(i int)) error {
	g, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range runtime.GOMAXPROCS(0) {
		g.Go(func() error {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				do(i)
			}
			return ctx.Err()
		})
	}
	return g.Wait()
}
