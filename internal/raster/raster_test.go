package raster

import (
	"context"
	"image"
	"image/color"
	"image/draw"
	"testing"
)

// drawing is a white ground with black bars.
func drawing(bars ...image.Rectangle) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, 200, 150))
	draw.Draw(m, m.Rect, image.White, image.Point{}, draw.Src)
	for _, r := range bars {
		draw.Draw(m, r, image.Black, image.Point{}, draw.Src)
	}
	return m
}

func find(t *testing.T, a, b image.Image) *Found {
	t.Helper()
	f, err := Compare(context.Background(), a, b)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestInkHasPartners(t *testing.T) {
	frame := image.Rect(20, 20, 180, 21)
	for name, c := range map[string]struct {
		a, b   *image.RGBA
		pieces int
	}{
		"the same":               {drawing(frame), drawing(frame), 0},
		"a line one pixel lower": {drawing(frame), drawing(frame.Add(image.Pt(0, 1))), 0},
		"a line eight lower":     {drawing(frame), drawing(frame.Add(image.Pt(0, 8))), 2},
		"a bar gone":             {drawing(frame, image.Rect(50, 60, 70, 120)), drawing(frame), 1},
		"a bar in a new place":   {drawing(frame, image.Rect(50, 60, 70, 120)), drawing(frame, image.Rect(90, 60, 110, 120)), 2},
	} {
		f := find(t, c.a, c.b)
		if len(f.Pieces) != c.pieces {
			t.Errorf("%s: %d pieces %v, want %d", name, len(f.Pieces), f.Pieces, c.pieces)
		}
	}
}

// TestPieces holds place and size of what has no partner.
func TestPieces(t *testing.T) {
	bar := image.Rect(50, 60, 70, 120)
	f := find(t, drawing(bar), drawing())
	p := f.Pieces[0]
	if p.Rectangle != bar.Inset(-1) && p.Rectangle != bar {
		t.Errorf("%+v, want %v", p, bar)
	}
	if area := float64(bar.Dx() * bar.Dy()); p.Ink() < area*0.95 || p.Ink() > area*1.1 || f.Differing != int64(area) {
		t.Errorf("%.1f pixels of ink, %d differ, want about %.0f", p.Ink(), f.Differing, area)
	}
}

// TestWhiteOnClear holds that ink is seen which has the colour of the ground
// that the picture is laid on.
func TestWhiteOnClear(t *testing.T) {
	a, b := image.NewNRGBA(image.Rect(0, 0, 60, 40)), image.NewNRGBA(image.Rect(0, 0, 60, 40))
	draw.Draw(a, image.Rect(10, 10, 30, 20), image.White, image.Point{}, draw.Src)
	if f := find(t, a, b); len(f.Pieces) != 1 || f.Differing != 200 {
		t.Errorf("%d pieces, %d pixels differ", len(f.Pieces), f.Differing)
	}
}

// TestFormsOfPixels holds that every kind of picture in memory reads alike.
func TestFormsOfPixels(t *testing.T) {
	want := drawing(image.Rect(30, 30, 90, 33), image.Rect(100, 40, 130, 90))
	palette := image.NewPaletted(want.Rect, color.Palette{color.White, color.Black})
	for _, m := range []draw.Image{palette, image.NewNRGBA(want.Rect), image.NewGray(want.Rect), image.NewRGBA64(want.Rect)} {
		draw.Draw(m, want.Rect, want, image.Point{}, draw.Src)
		if f := find(t, want, m); f.Differing != 0 {
			t.Errorf("%T: %d pixels differ", m, f.Differing)
		}
	}
}
