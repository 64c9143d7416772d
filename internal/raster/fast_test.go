package raster

import (
	"bytes"
	"image"
	"image/color"
	"math/rand/v2"
	"testing"
)

// slow hides of which type a picture is.
type slow struct{ image.Image }

// TestCanvasesReadAlike holds the quick readers of pixels to the one that asks
// for each.
func TestCanvasesReadAlike(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	size := image.Rect(0, 0, 37, 5)
	straight, premultiplied := image.NewNRGBA(size), image.NewRGBA(size)
	for i := 0; i < len(straight.Pix); i += 4 {
		c := color.NRGBA{uint8(r.Uint32()), uint8(r.Uint32()), uint8(r.Uint32()), []uint8{0, 1, 100, 254, 255, 255}[r.IntN(6)]}
		straight.SetNRGBA(i/4%37, i/4/37, c)
		premultiplied.Set(i/4%37, i/4/37, c)
	}
	for name, m := range map[string]image.Image{"straight": straight, "premultiplied": premultiplied, "a part": straight.SubImage(image.Rect(3, 1, 30, 4))} {
		quick, plain := newCanvas(m), newCanvas(slow{m})
		for y := range quick.Dy() {
			a, b := make([]uint8, 4*quick.Dx()), make([]uint8, 4*quick.Dx())
			quick.row(y, 2, quick.Dx(), a)
			plain.row(y, 2, quick.Dx(), b)
			if !bytes.Equal(a, b) {
				t.Errorf("%s, row %d:\n%v\n%v", name, y, a, b)
			}
		}
		if name == "a part" && quick.pix != nil || plain.pix != nil {
			t.Errorf("%s: its memory holds more than its rows", name)
		}
	}
}

func TestSameSamples(t *testing.T) {
	size := image.Rect(0, 0, 20, 10)
	m, n := image.NewNRGBA(size), image.NewNRGBA(size)
	a, b := newCanvas(m), newCanvas(n)
	if !a.same(b, image.Rect(-2, -2, 22, 12)) {
		t.Error("two empty pictures")
	}
	n.Pix[n.PixOffset(7, 4)+3] = 1
	for _, c := range []struct {
		r    image.Rectangle
		want bool
	}{
		{image.Rect(7, 4, 8, 5), false}, {image.Rect(0, 0, 7, 10), true}, {image.Rect(8, 0, 20, 10), true},
		{image.Rect(0, 0, 20, 4), true}, {image.Rect(0, 5, 20, 10), true}, {image.Rect(-3, -3, 9, 6), false},
	} {
		if got := a.same(b, c.r); got != c.want {
			t.Errorf("%v: %v", c.r, got)
		}
	}
	if newCanvas(image.NewRGBA(size)).same(newCanvas(image.NewNRGBA(size)), size) {
		t.Error("samples that mean something else")
	}
	if a.same(newCanvas(image.NewNRGBA(image.Rect(0, 0, 10, 20))), size) {
		t.Error("another size")
	}
}

// TestBlur holds the blur to its definition.
func TestBlur(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	s := &sheet{width: 9, height: 6, ink: make([]uint8, 54), soft: make([]uint8, 54)}
	for i := range s.ink {
		s.ink[i] = uint8(r.Uint32())
	}
	s.blur(0, s.height)
	for y := range s.height {
		for x := range s.width {
			sum := 0
			for dy := -1; dy <= 1; dy++ {
				for dx := -1; dx <= 1; dx++ {
					sum += int(s.ink[clamp(y+dy, s.height)*s.width+clamp(x+dx, s.width)]) * (2 - abs(dx)) * (2 - abs(dy))
				}
			}
			if got := s.soft[y*s.width+x]; int(got) != sum/16 {
				t.Errorf("%d,%d: %d, want %d", x, y, got, sum/16)
			}
		}
	}
}

// TestSameColours: pictures of one colour everywhere have nothing to match,
// whatever forms their samples have.
func TestSameColours(t *testing.T) {
	size := image.Rect(0, 0, 30, tile+20)
	m, n := image.NewNRGBA(size), image.NewRGBA(size)
	for i := range m.Pix {
		m.Pix[i], n.Pix[i] = 0xff, 0xff
	}
	check := func(name string, want bool) {
		t.Helper()
		for _, pair := range [][2]image.Image{{m, n}, {n, m}, {m, slow{n}}} {
			if got, err := newCanvas(pair[0]).sameColours(t.Context(), newCanvas(pair[1])); err != nil || got != want {
				t.Errorf("%s: %v, %v, want %v", name, got, err, want)
			}
		}
	}
	check("white", true)
	m.SetNRGBA(29, tile+19, color.NRGBA{0xff, 0xff, 0xfe, 0xff})
	check("the last pixel", false)
}

// TestEveryPixel: of pictures without a ground each pixel counts, also those
// that are told apart by their opacity alone.
func TestEveryPixel(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	size := image.Rect(0, 0, 130, tile+40)
	m := image.NewNRGBA(size)
	for i := range m.Pix {
		m.Pix[i] = uint8(r.Uint32())
	}
	if f := find(t, m, slow{m}); f.Pixels || f.Differing != 0 || f.Outcome() != Alike {
		t.Errorf("the same picture: %+v pixels differ, outcome %d", f.Differing, f.Outcome())
	}
	n := image.NewNRGBA(size)
	copy(n.Pix, m.Pix)
	changed := []image.Point{{0, 0}, {129, 0}, {64, tile}, {129, tile + 39}}
	for _, at := range changed {
		n.Pix[n.PixOffset(at.X, at.Y)+3] ^= 0x80
	}
	for _, other := range []image.Image{n, slow{n}} {
		f := find(t, m, other)
		if !f.Pixels || f.Differing != int64(len(changed)) || f.Outcome() != Differ {
			t.Errorf("%d pixels differ, outcome %d", f.Differing, f.Outcome())
		}
		for i, v := range f.residue {
			want := uint8(0)
			for _, at := range changed {
				if i == at.Y*130+at.X {
					want = 255
				}
			}
			if v != want {
				t.Fatalf("pixel %d: %d, want %d", i, v, want)
			}
		}
	}
}
