package stream

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
)

func TestSpan(t *testing.T) {
	page, data := make([]byte, holeSize), bytes.Repeat([]byte{1}, holeSize)
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for _, tt := range []struct {
		name string
		p    []byte
		n    int
		zero bool
	}{
		{"nothing", nil, 0, false},
		{"less than a page of zeros", page[1:], holeSize - 1, false},
		{"a page", page, holeSize, true},
		{"two pages and data", join(page, page, data), 2 * holeSize, true},
		{"two pages and a part of one", join(page, page, page[1:]), 2 * holeSize, true},
		{"data and a page", join(data, page), holeSize, false},
		{"a byte at the end of a page", join(page[1:], data[:1]), holeSize, false},
	} {
		if n, zero := Span(tt.p); n != tt.n || zero != tt.zero {
			t.Errorf("%s: %d %v, want %d %v", tt.name, n, zero, tt.n, tt.zero)
		}
	}
}

func TestCopySparse(t *testing.T) {
	content := make([]byte, 3*chunk+100)
	content[0], content[chunk+holeSize], content[len(content)-50] = 1, 2, 3
	for _, b := range [][]byte{content, content[:2*chunk], content[:1], nil, make([]byte, 2*chunk+1)} {
		f, err := os.Create(filepath.Join(t.TempDir(), "f"))
		if err != nil {
			t.Fatal(err)
		}
		n, err := CopySparse(f, iotest.HalfReader(bytes.NewReader(b)))
		if got, readErr := os.ReadFile(f.Name()); err != nil || readErr != nil || n != int64(len(b)) || !bytes.Equal(got, b) {
			t.Errorf("%d bytes: %d, %v, %v; equal %v", len(b), n, err, readErr, bytes.Equal(got, b))
		}
		f.Close()
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	wrong := errors.New("wrong")
	if _, err := CopySparse(f, iotest.ErrReader(wrong)); !errors.Is(err, wrong) {
		t.Error(err)
	}
}

// TestSparse writes in pieces that begin and end anywhere.
func TestSparse(t *testing.T) {
	content := make([]byte, 8*holeSize+100)
	content[0], content[3*holeSize-1], content[5*holeSize] = 1, 2, 3
	for _, piece := range []int{1, 100, holeSize - 1, holeSize, 3*holeSize + 7, len(content)} {
		for _, b := range [][]byte{content, content[:6*holeSize], nil, make([]byte, 3*holeSize)} {
			f, err := os.Create(filepath.Join(t.TempDir(), "f"))
			if err != nil {
				t.Fatal(err)
			}
			w := NewSparse(f)
			for rest := b; len(rest) > 0; {
				n, err := w.Write(rest[:min(piece, len(rest))])
				if err != nil || n != min(piece, len(rest)) {
					t.Fatalf("%d %v", n, err)
				}
				rest = rest[n:]
			}
			if err := errors.Join(w.Close(), w.Close()); err != nil {
				t.Error(err)
			}
			if got, err := os.ReadFile(f.Name()); err != nil || !bytes.Equal(got, b) {
				t.Errorf("%d bytes in pieces of %d: %v; equal %v", len(b), piece, err, bytes.Equal(got, b))
			}
		}
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	w := NewSparse(f)
	if n, err := w.Write([]byte("ab")); n != 0 || err == nil {
		t.Errorf("into a closed file: %d, %v", n, err)
	}
	if w.Close() == nil {
		t.Error("closes a closed file")
	}
}
