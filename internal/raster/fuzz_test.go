package raster

import (
	"context"
	"image"
	"image/color"
	"image/draw"
	"testing"
)

// drawingOf paints rectangles on white, four bytes each and one of colour: a
// drawing as far as its ground goes.
func drawingOf(b []byte, width, height int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(m, m.Rect, image.White, image.Point{}, draw.Src)
	for ; len(b) >= 5; b = b[5:] {
		r := image.Rect(int(b[0]), int(b[1]), int(b[0])+int(b[2])%24+1, int(b[1])+int(b[3])%24+1)
		ink := color.RGBA{b[4], b[4] << 3, b[4] << 5, 0xff}
		draw.Draw(m, r, image.NewUniform(ink), image.Point{}, draw.Src)
	}
	return m
}

// FuzzCompare holds that a drawing is like itself, that what is said to differ
// lies in the picture, and that two are alike only if each piece of ink of
// either stands in the other.
func FuzzCompare(f *testing.F) {
	f.Add([]byte{20, 20, 9, 9, 0, 60, 60, 3, 20, 7}, []byte{20, 20, 9, 9, 0, 61, 60, 3, 20, 7}, uint8(0))
	f.Add([]byte{20, 20, 9, 9, 0, 60, 60, 3, 20, 7}, []byte{20, 20, 9, 9, 0}, uint8(0))
	f.Add([]byte{1, 1, 1, 1, 1}, []byte{}, uint8(1))
	f.Fuzz(func(t *testing.T, a, b []byte, grow uint8) {
		if len(a) > 200 || len(b) > 200 {
			return
		}
		pub, new := drawingOf(a, 128, 112), drawingOf(b, 128+int(grow)%8, 112)
		self, err := Compare(context.Background(), pub, pub)
		if err != nil || self.Differing != 0 || self.Outcome() == Differ {
			t.Fatalf("a drawing beside itself: %d differ, %v", self.Differing, err)
		}
		found, err := Compare(context.Background(), pub, new)
		if err != nil {
			t.Fatal(err)
		}
		if found.Sizes {
			return
		}
		back, err := Compare(context.Background(), new, pub)
		if err != nil || (back.Outcome() == Alike) != (found.Outcome() == Alike) && !found.Scaled {
			t.Errorf("alike one way only: %d and %d, %v", found.Outcome(), back.Outcome(), err)
		}
		for _, p := range found.Strange() {
			if p.Empty() || !p.In(image.Rect(-8, -8, 144, 128)) {
				t.Errorf("a piece at %v", p.Rectangle)
			}
		}
		if found.Outcome() == Alike && colours(pub) != colours(new) {
			t.Errorf("alike with other colours: %v and %v", colours(pub), colours(new))
		}
		if _, err := found.Draw(); err != nil {
			t.Error(err)
		}
	})
}

// colours counts the pixels that are not white.
func colours(m *image.RGBA) (n int) {
	for i := 0; i < len(m.Pix); i += 4 {
		if m.Pix[i] != 0xff || m.Pix[i+1] != 0xff || m.Pix[i+2] != 0xff {
			n++
		}
	}
	return n
}
