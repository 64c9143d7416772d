package pieces

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func put(t *testing.T, dir, name string, content []byte, cuts ...int64) {
	t.Helper()
	if err := Write(t.Context(), dir, name, bytes.NewReader(content), int64(len(content)), cuts); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, name string) (*File, error) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return Open(f)
}

func stored(t *testing.T, dir string) (names []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, ".pieces/*/*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestPieces(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "published")
	content := make([]byte, 100_000)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range content {
		content[i] = byte(random.Uint32())
	}
	put(t, dir, "a", content, 70_000, 0, 1_000, 1_000, 200_000, 100_000, -3)
	if got := stored(t, dir); len(got) != 3 {
		t.Errorf("pieces: %q", got)
	}
	other := append(bytes.Clone(content[:70_000]), "another end"...)
	put(t, dir, "b", other, 1_000, 70_000)
	if got := stored(t, dir); len(got) != 4 {
		t.Errorf("two files with two pieces in common have %q", got)
	}
	if _, err := os.Stat(filepath.Join(dir, ".cvmfscatalog")); err != nil {
		t.Error(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(filepath.Join(dir, "a"), link); err != nil {
		t.Fatal(err)
	}
	f, err := get(t, link)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if all, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size())); err != nil || !bytes.Equal(all, content) {
		t.Errorf("%d bytes, %v", len(all), err)
	}
	for range 300 {
		off, n := random.IntN(100_100), random.IntN(40_000)
		p := make([]byte, n)
		got, err := f.ReadAt(p, int64(off))
		want := content[min(off, len(content)):min(off+n, len(content))]
		if !bytes.Equal(p[:got], want) || (err != nil) != (got < n) || err != nil && !errors.Is(err, io.EOF) {
			t.Fatalf("%d bytes at %d: %d, %v", n, off, got, err)
		}
	}
	if _, err := f.ReadAt(make([]byte, 1), -1); err == nil {
		t.Error("a byte before the first was read")
	}
}

func TestDamaged(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a", []byte("one and two"), 3)
	for _, name := range stored(t, dir) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, b[:len(b)-1], 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := get(t, filepath.Join(dir, "a")); !errors.Is(err, ErrMalformed) {
			t.Errorf("a piece that was cut: %v", err)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		if _, err := get(t, filepath.Join(dir, "a")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a piece that is not there: %v", err)
		}
		put(t, dir, "a", []byte("one and two"), 3) // mends it
	}
	if f, err := get(t, filepath.Join(dir, "a")); err != nil {
		t.Error(err)
	} else {
		f.Close()
	}
	if err := Write(t.Context(), dir, "../a", bytes.NewReader(nil), 0, nil); err == nil {
		t.Error("written outside")
	}
	var many []int64
	for i := range maxPieces + 1 {
		many = append(many, int64(i))
	}
	if err := Write(t.Context(), dir, "many", bytes.NewReader(make([]byte, 10_000)), 10_000, many); err == nil {
		t.Error("more pieces than there may be")
	}
}

func TestParse(t *testing.T) {
	digest := strings.Repeat("ab", 32)
	for text, ok := range map[string]bool{
		Magic + digest + " 7\n":                   true,
		Magic + digest + " 0\n" + digest + " 9\n": true,
		Magic:                                                       false,
		Magic + digest + " 7":                                       false,
		Magic + digest + " 07\n":                                    false,
		Magic + digest + " -7\n":                                    false,
		Magic + digest[1:] + " 7\n":                                 false,
		Magic + strings.ToUpper(digest) + " 7\n":                    false,
		Magic + "../../../../etc/passwd" + " 7\n":                   false,
		Magic + digest + " 7\n\n":                                   false,
		"repro-pieces 2\n" + digest + " 7\n":                        false,
		Magic + digest + " 9223372036854775807\n":                   true,
		Magic + digest + " 9223372036854775808\n":                   false,
		Magic + strings.Repeat(digest+" 0\n", maxPieces):            true,
		Magic + digest + " 1\n" + digest + " 9223372036854775807\n": false,
		Magic + strings.Repeat(digest+" 0\n", maxPieces+1):          false,
	} {
		if _, err := parse([]byte(text)); (err == nil) != ok || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%.100q: %v", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(Magic + strings.Repeat("0f", 32) + " 12\n"))
	f.Add([]byte(Magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := parse(b)
		if err != nil {
			return
		}
		total := int64(0)
		for _, p := range list {
			total += p.size
			if p.size < 0 || total < 0 || filepath.Dir(filepath.Dir(p.file("d"))) != filepath.Join("d", dirName) {
				t.Errorf("%+v", p)
			}
		}
	})
}
