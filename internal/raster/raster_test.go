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
	frame := []image.Rectangle{image.Rect(20, 20, 180, 21), image.Rect(20, 20, 21, 140), image.Rect(20, 139, 180, 140), image.Rect(179, 20, 180, 140)}
	with := func(bars ...image.Rectangle) *image.RGBA { return drawing(append(bars, frame...)...) }
	for name, c := range map[string]struct {
		a, b *image.RGBA
		want Outcome
	}{
		"the same":                {with(), with(), Alike},
		"all of it lower":         {with(), shifted(with(), 3, 5), Alike},
		"a line one pixel lower":  {with(image.Rect(30, 50, 170, 51)), with(image.Rect(30, 51, 170, 52)), Unclear},
		"a line eight lower":      {with(image.Rect(30, 50, 170, 51)), with(image.Rect(30, 58, 170, 59)), Differ},
		"a bar gone":              {with(image.Rect(50, 60, 70, 120)), with(), Differ},
		"a bar in a new place":    {with(image.Rect(50, 60, 70, 120)), with(image.Rect(90, 60, 110, 120)), Differ},
		"a bar two pixels taller": {with(image.Rect(50, 60, 70, 120)), with(image.Rect(50, 58, 70, 120)), Unclear},
		"a point gone":            {with(image.Rect(50, 60, 54, 64), image.Rect(90, 60, 94, 64)), with(image.Rect(50, 60, 54, 64)), Differ},
		"a point three to the right": {with(image.Rect(50, 60, 54, 64), image.Rect(90, 90, 94, 94)),
			with(image.Rect(53, 60, 57, 64), image.Rect(90, 90, 94, 94)), Unclear},
	} {
		if got := find(t, c.a, c.b).Outcome(); got != c.want {
			t.Errorf("%s: outcome %d, want %d", name, got, c.want)
		}
		if got := find(t, c.b, c.a).Outcome(); got != c.want {
			t.Errorf("%s, the other way: outcome %d, want %d", name, got, c.want)
		}
	}
}

func shifted(m *image.RGBA, x, y int) *image.RGBA {
	out := drawing()
	draw.Draw(out, out.Rect, m, image.Pt(-x, -y), draw.Src)
	return out
}

// TestPieces holds place and size of what has no partner.
func TestPieces(t *testing.T) {
	bar := image.Rect(50, 60, 70, 120)
	f := find(t, drawing(bar), drawing(image.Rect(100, 10, 180, 12)))
	p := f.Pieces[0]
	if !p.Gone || p.Inset(1) != bar.Inset(1) && p.Rectangle != bar.Inset(-1) {
		t.Errorf("%+v, want %v", p, bar)
	}
	if area := float64(bar.Dx() * bar.Dy()); p.Ink() < area*0.95 || p.Ink() > area*1.1 || f.Differing != int64(area)+160 {
		t.Errorf("%.1f pixels of ink, %d differ, want about %.0f", p.Ink(), f.Differing, area)
	}
}

// TestScaled holds that a picture of another size is laid over, and that places
// are those of the published one.
func TestScaled(t *testing.T) {
	small, large := drawing(image.Rect(50, 60, 70, 120)), image.NewRGBA(image.Rect(0, 0, 400, 300))
	for i := range 400 * 300 {
		large.Set(i%400, i/400, small.At(i%400/2, i/400/2))
	}
	if f := find(t, small, large); !f.Scaled || len(f.Strange()) != 0 || f.Differing != 0 {
		t.Errorf("%d pieces, %d pixels differ", len(f.Strange()), f.Differing)
	}
	f := find(t, large, drawing(image.Rect(50, 60, 70, 120), image.Rect(120, 20, 140, 90)))
	if s := f.Strange(); len(s) == 0 || !s[0].In(image.Rect(236, 36, 284, 184)) || f.Outcome() != Differ {
		t.Errorf("%+v", s)
	}
	if f := find(t, small, drawing().SubImage(image.Rect(0, 0, 200, 80))); !f.Sizes || f.Outcome() != Differ {
		t.Error("other proportions were scaled")
	}
}

// TestPixelsCount holds that each pixel counts in what is no drawing.
func TestPixelsCount(t *testing.T) {
	for name, m := range map[string]draw.Image{
		"grey": image.NewGray(image.Rect(0, 0, 200, 150)), "deep": image.NewRGBA64(image.Rect(0, 0, 200, 150)),
		"small": image.NewRGBA(image.Rect(0, 0, 99, 99)), "no ground": noise(),
	} {
		other := image.NewRGBA64(m.Bounds())
		draw.Draw(other, m.Bounds(), m, image.Point{}, draw.Src)
		other.SetRGBA64(7, 9, color.RGBA64{1, 2, 3, 0xffff})
		if f := find(t, m, other); !f.Pixels || f.Differing != 1 || f.Outcome() != Differ {
			t.Errorf("%s: %+v", name, f.Differing)
		}
	}
}

func noise() *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, 200, 150))
	for i := range m.Pix {
		m.Pix[i] = uint8(i * i >> 3)
	}
	for i := 3; i < len(m.Pix); i += 4 {
		m.Pix[i] = 0xff
	}
	return m
}

// TestFlat holds that a little of another colour where nothing is drawn is not
// taken for smoothing.
func TestFlat(t *testing.T) {
	a, b := drawing(image.Rect(20, 20, 180, 22)), drawing(image.Rect(20, 20, 180, 22))
	b.Set(100, 100, color.Gray{254})
	if f := find(t, a, b); f.Flat != 1 || f.Outcome() != Unclear {
		t.Errorf("flat %d, outcome %d", f.Flat, f.Outcome())
	}
}

// TestWhiteOnClear holds that ink is seen which has the colour of the ground
// that the picture is laid on.
func TestWhiteOnClear(t *testing.T) {
	a, b := image.NewNRGBA(image.Rect(0, 0, 160, 140)), image.NewNRGBA(image.Rect(0, 0, 160, 140))
	draw.Draw(a, image.Rect(10, 10, 30, 20), image.White, image.Point{}, draw.Src)
	if f := find(t, a, b); f.Outcome() != Differ || f.Differing != 200 {
		t.Errorf("%d pieces, %d pixels differ", len(f.Pieces), f.Differing)
	}
}

// TestFormsOfPixels holds that every kind of picture in memory reads alike.
func TestFormsOfPixels(t *testing.T) {
	want := drawing(image.Rect(30, 30, 90, 33), image.Rect(100, 40, 130, 90))
	palette := image.NewPaletted(want.Rect, color.Palette{color.White, color.Black})
	for _, m := range []draw.Image{palette, image.NewNRGBA(want.Rect)} {
		draw.Draw(m, want.Rect, want, image.Point{}, draw.Src)
		if f := find(t, want, m); f.Differing != 0 {
			t.Errorf("%T: %d pixels differ", m, f.Differing)
		}
	}
}
