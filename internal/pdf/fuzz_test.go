package pdf

import (
	"context"
	"errors"
	"image"
	"strings"
	"testing"
	"time"
)

// FuzzOpen holds that no file brings PDFium to more than an error, and that what
// it reads keeps its bounds.
func FuzzOpen(f *testing.F) {
	f.Add(file(1, "BT /F 20 Tf 5 5 Td (n = 42) Tj ET"))
	f.Add(file(2, "1 0 0 rg 50 25 50 25 re f"))
	f.Add([]byte("%PDF-1.4\n"))
	f.Add([]byte(strings.Repeat("%PDF-1.7 1 0 obj <<", 9)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 4<<10 {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		d, err := Open(ctx, b)
		if err != nil {
			if ctx.Err() == nil && !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		defer d.Close()
		if d.Pages() < 0 {
			t.Fatalf("%d pages", d.Pages())
		}
		for page := range min(d.Pages(), 2) {
			if _, err := d.Text(page); err != nil && ctx.Err() == nil && !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			m, err := d.Draw(page, 36)
			if err == nil && m.Rect.Min != (image.Point{}) {
				t.Errorf("drawn at %v", m.Rect)
			}
		}
	})
}
