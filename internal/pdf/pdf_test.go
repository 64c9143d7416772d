package pdf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/color"
	"strings"
	"testing"
	"time"
)

// file is a PDF file of so many pages of 100 × 50 points, each with the content
// given.
func file(pages int, content string) []byte {
	var b bytes.Buffer
	var kids []string
	for i := range pages {
		kids = append(kids, fmt.Sprintf("%d 0 R", 5+i))
	}
	b.WriteString("%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n")
	fmt.Fprintf(&b, "2 0 obj\n<< /Type /Pages /Kids [%s] /Count %d /MediaBox [0 0 100 50] >>\nendobj\n", strings.Join(kids, " "), pages)
	fmt.Fprintf(&b, "3 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\n", len(content)+1, content)
	b.WriteString("4 0 obj\n<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>\nendobj\n")
	for i := range pages {
		fmt.Fprintf(&b, "%d 0 obj\n<< /Type /Page /Parent 2 0 R /Contents 3 0 R /Resources << /Font << /F 4 0 R >> >> >>\nendobj\n", 5+i)
	}
	b.WriteString("trailer\n<< /Root 1 0 R >>\n%%EOF\n")
	return b.Bytes()
}

func open(t *testing.T, b []byte) *File {
	t.Helper()
	f, err := Open(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func TestTextAndPicture(t *testing.T) {
	f := open(t, file(3, "BT /F 20 Tf 5 5 Td (n = 42) Tj ET 1 0 0 rg 50 25 50 25 re f"))
	if f.Pages() != 3 {
		t.Fatalf("%d pages", f.Pages())
	}
	text, err := f.Text(2)
	if err != nil || strings.TrimSpace(text) != "n = 42" {
		t.Errorf("text %q, %v", text, err)
	}
	if known, err := f.Known(2); err != nil || !known {
		t.Errorf("known %v, %v", known, err)
	}
	m, err := f.Draw(1, 144)
	if err != nil || m.Rect.Dx() != 200 || m.Rect.Dy() != 100 {
		t.Fatalf("%v, %v", m.Rect, err)
	}
	if m.RGBAAt(150, 20) != (color.RGBA{0xff, 0, 0, 0xff}) || m.RGBAAt(50, 20) != (color.RGBA{0xff, 0xff, 0xff, 0xff}) {
		t.Errorf("drawn %v and %v", m.RGBAAt(150, 20), m.RGBAAt(50, 20))
	}
	if _, err := f.Draw(3, 72); !errors.Is(err, ErrMalformed) {
		t.Errorf("a page that is not there: %v", err)
	}
}

// TestLimits holds pages and pixels, and that what is no PDF is refused.
func TestLimits(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing": nil, "text": []byte("hello"), "a head": []byte("%PDF-1.4\n"), "too many pages": file(MaxPages+1, ""),
	} {
		if f, err := Open(context.Background(), b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
			f.Close()
		}
	}
	f := open(t, bytes.Replace(file(1, ""), []byte("[0 0 100 50]"), []byte("[0 0 9000 9000]"), 1))
	m, err := f.Draw(0, 300)
	if err != nil || m.Rect.Dx()*m.Rect.Dy() > MaxPixels || m.Rect.Dx() < 2000 {
		t.Errorf("a large page: %v, %v", m.Rect, err)
	}
}

// TestStopped holds that the end of the context ends the drawing.
func TestStopped(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	slow := strings.Repeat("q 0 0 100 50 re W n 0 0 100 50 re f Q\n", 200000)
	f, err := Open(ctx, file(1, slow))
	for err == nil {
		_, err = f.Draw(0, 300)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("stopped by %v", err)
	}
	f.Close()
}
