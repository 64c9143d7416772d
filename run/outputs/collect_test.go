//go:build linux

package outputs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"repro/format/manifest"
	"repro/report"
)

func newCollector(t *testing.T, size int64) (*Collector, string) {
	t.Helper()
	to := t.TempDir()
	c, err := NewCollector(to, size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, to
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(content), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func TestCollect(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "out/b.txt", "two")
	write(t, dir, "out/a/c.txt", "one")
	write(t, dir, "single", "")
	write(t, dir, "not declared", "x")
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	c, to := newCollector(t, 0)
	missing, err := c.Collect(t.Context(), dir, []string{"/out", "/absent", "/single", "/single/below", "/empty"})
	if err != nil || strings.Join(missing, " ") != "/absent /single/below" {
		t.Fatalf("%q %v", missing, err)
	}
	sum := func(s string) manifest.Digest { return manifest.DigestSum(sha256.Sum256([]byte(s))) }
	want := []report.OutputFile{
		{Path: "/out/a/c.txt", Size: 3, Digest: sum("one")}, {Path: "/out/b.txt", Size: 3, Digest: sum("two")},
		{Path: "/single", Digest: sum("")},
	}
	got := c.Files()
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%+v, want %+v", got[i], want[i])
		}
	}
	if b, err := os.ReadFile(filepath.Join(to, "out/a/c.txt")); err != nil || string(b) != "one" {
		t.Errorf("%q %v", b, err)
	}
	if info, err := os.Stat(filepath.Join(to, "empty")); err != nil || !info.IsDir() {
		t.Errorf("a folder without files: %v", err)
	}
	if info, err := os.Stat(filepath.Join(to, "out/b.txt")); err != nil || info.Mode() != 0o644 {
		t.Errorf("%v %v", info, err)
	}
	if _, err := os.Stat(filepath.Join(to, "not declared")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was not declared: %v", err)
	}
}

// TestCollectBounds leaves a byte too much, and goes on with what fits.
func TestCollectBounds(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "large", strings.Repeat("x", 9))
	write(t, dir, "small", "12345678")
	c, _ := newCollector(t, 8)
	_, err := c.Collect(t.Context(), dir, []string{"/large", "/small"})
	if refused := (*RefusedError)(nil); !errors.As(err, &refused) ||
		err.Error() != `output "/large": 9 bytes, more than the 8 that are left of what all outputs may have` {
		t.Error(err)
	}
	if files := c.Files(); len(files) != 1 || files[0].Path != "/small" {
		t.Errorf("%+v", files)
	}
	write(t, dir, "one more", "x")
	if _, err := c.Collect(t.Context(), dir, []string{"/one more"}); err == nil {
		t.Error("a byte more than all outputs may have")
	}
	// What an earlier run collected counts.
	c, _ = newCollector(t, 8)
	c.Add([]report.OutputFile{{Path: "/earlier", Size: 1}})
	if _, err := c.Collect(t.Context(), dir, []string{"/small"}); err == nil {
		t.Error("a byte more than is left")
	}
}

func TestCollectStops(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a", "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c, _ := newCollector(t, 0)
	if _, err := c.Collect(ctx, dir, []string{"/a"}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestCollectSparse collects a file that claims to be large.
func TestCollectSparse(t *testing.T) {
	const size = 256 << 20
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte("x"), size/2)
	if err := errors.Join(err, f.Truncate(size), f.Close()); err != nil {
		t.Fatal(err)
	}
	c, to := newCollector(t, 0)
	if _, err := c.Collect(t.Context(), dir, []string{"/sparse"}); err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	page := make([]byte, 1<<20)
	for n := 0; n < size; n += len(page) {
		b := page
		if n == size/2 {
			b = bytes.Clone(page)
			b[0] = 'x'
		}
		h.Write(b)
	}
	want := report.OutputFile{Path: "/sparse", Size: size, Digest: manifest.DigestSum([32]byte(h.Sum(nil)))}
	if files := c.Files(); len(files) != 1 || files[0] != want {
		t.Errorf("%+v, want %+v", files, want)
	}
	info, err := os.Stat(filepath.Join(to, "sparse"))
	if err != nil || info.Size() != size {
		t.Fatalf("%v %v", info, err)
	}
	if taken := info.Sys().(*syscall.Stat_t).Blocks * 512; taken > 1<<20 {
		t.Errorf("the copy takes %d bytes of disk", taken)
	}
}

func TestDigest(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a", "content")
	if err := os.Symlink("a", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	sum, size, err := Digest(t.Context(), root, "a")
	if err != nil || size != 7 || sum != manifest.DigestSum(sha256.Sum256([]byte("content"))) {
		t.Errorf("%s %d %v", sum, size, err)
	}
	for _, name := range []string{"link", ".", "absent", "../" + filepath.Base(dir) + "/a"} {
		if sum, _, err := Digest(t.Context(), root, name); err == nil || sum != "" {
			t.Errorf("%s: %s %v", name, sum, err)
		}
	}
}
