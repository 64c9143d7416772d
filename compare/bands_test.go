package compare

import (
	"image"
	"image/color"
	"testing"
)

func TestSameRow(t *testing.T) {
	size := image.Rect(0, 0, 4, 3)
	a, b := image.NewNRGBA(size), image.NewNRGBA(size)
	b.SetNRGBA(3, 1, color.NRGBA{A: 1})
	same := sameRow(&picture{Image: a}, &picture{Image: b})
	if !same(0) || same(1) || !same(2) {
		t.Errorf("rows %v %v %v", same(0), same(1), same(2))
	}
	if sameRow(&picture{Image: image.NewRGBA(size)}, &picture{Image: a})(0) {
		t.Error("samples that mean something else")
	}
	if sameRow(&picture{Image: image.NewPaletted(size, color.Palette{color.Black})}, &picture{Image: image.NewPaletted(size, color.Palette{color.White})})(0) {
		t.Error("another palette")
	}
	grey, other := image.NewGray(size), image.NewGray(size)
	other.SetGray(0, 2, color.Gray{1})
	if same := sameRow(&picture{Image: grey}, &picture{Image: other}); !same(1) || same(2) {
		t.Error("rows of grey")
	}
}
