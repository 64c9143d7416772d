package mount_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"repro/format/squashfs"
	"repro/format/tree"
	"repro/internal/mount"
)

// hostileTime is how long a program may take to look at all of a hostile layer:
// far longer than it does, so that only what hangs is met.
const hostileTime = 2 * time.Minute

// TestHostileLayers mounts each of the malformed layers that there are vectors
// of, and such as have random bytes changed, and has the kernel look at
// everything in them. Whatever the reader of layers refuses is an input/output
// error, of which the server's owner is told; nothing hangs, and nothing that a
// program gets differs from what the reader releases.
func TestHostileLayers(t *testing.T) {
	vectors, err := filepath.Glob("../../testdata/vectors/squashfs/*.squashfs")
	if err != nil || len(vectors) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	readable := readableVectors(t)
	ctx, cancel := context.WithTimeout(t.Context(), hostileTime)
	defer cancel()
	for _, name := range vectors {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		refused := lookAtAll(ctx, t, filepath.Base(name), b)
		if valid := readable[filepath.Base(name)]; valid != (refused == nil) {
			t.Errorf("%s: looking at all of it through the kernel: %v", filepath.Base(name), refused)
		}
	}
	var m memory
	if _, err := squashfs.Write(ctx, &m, small(), squashfs.Options{Codec: "none", BlockSize: 4096}); err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 1))
		b := bytes.Clone(m.b)
		for range 1 + r.IntN(4) {
			b[r.IntN(len(b))] = byte(r.IntN(256))
		}
		_ = lookAtAll(ctx, t, fmt.Sprintf("seed %d", seed), b)
	}
	if ctx.Err() != nil {
		t.Fatal("something hung")
	}
}

// readableVectors are those that whoever only reads files may accept.
func readableVectors(t *testing.T) map[string]bool {
	t.Helper()
	list, err := os.ReadFile("../../testdata/vectors/squashfs/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name         string
		Verification bool
	}
	if err := json.Unmarshal(list, &vectors); err != nil {
		t.Fatal(err)
	}
	readable := map[string]bool{"valid.squashfs": true, "valid-index.squashfs": true}
	for _, v := range vectors {
		readable[v.Name+".squashfs"] = v.Verification
	}
	return readable
}

// memory is a file.
type memory struct{ b []byte }

func (m *memory) Write(p []byte) (int, error) {
	m.b = append(m.b, p...)
	return len(p), nil
}

func (m *memory) WriteAt(p []byte, off int64) (int, error) {
	if end := off + int64(len(p)); end > int64(len(m.b)) {
		m.b = append(m.b, make([]byte, end-int64(len(m.b)))...)
	}
	return copy(m.b[off:], p), nil
}

func small() *tree.Node {
	root := tree.NewDir()
	for i := range 20 {
		dir, _ := root.MkdirAll(fmt.Sprintf("d%d/e", i%5)) // names are good
		dir.Entries[fmt.Sprint("file", i)] = tree.NewFile(0o644, noise(uint64(i), 3000*i))
		dir.Entries[fmt.Sprint("link", i)] = tree.NewSymlink("file")
	}
	return root
}

// lookAtAll mounts a layer and returns the first error that a program meets
// that lists, describes and reads all there is.
func lookAtAll(ctx context.Context, t *testing.T, name string, b []byte) error {
	t.Helper()
	layer, err := squashfs.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return err
	}
	v, err := tree.NewView(tree.Look{}, layer)
	if err != nil {
		return err
	}
	told := make(chan error, 1)
	dir, s := serveHostile(ctx, t, v, mount.Options{Failed: func(_ string, err error) {
		select {
		case told <- err:
		default:
		}
	}})
	defer s.Close()
	first := walkAll(ctx, dir, v)
	if errors.Is(first, errDiffers) {
		t.Errorf("%s: %v", name, first)
		return first
	}
	select {
	case err := <-told:
		if first == nil || !errors.Is(err, squashfs.ErrMalformed) {
			t.Errorf("%s: the server failed with %v, the program met %v", name, err, first)
		}
	default:
		if first != nil && !errors.Is(first, syscall.ELOOP) && !errors.Is(first, syscall.ENAMETOOLONG) {
			t.Errorf("%s: the program met %v, and nobody was told", name, first)
		}
	}
	return first
}

func serveHostile(ctx context.Context, t *testing.T, v *tree.View, o mount.Options) (string, *mount.Server) {
	t.Helper()
	dir := t.TempDir()
	s, err := mount.Serve(ctx, v, dir, o)
	if errors.Is(err, mount.ErrUnavailable) {
		t.Skipf("needs FUSE: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, s
}

// hostileBytes bounds what is read of one file: holes are cheap to claim.
const hostileBytes = 1 << 20

// walkAll returns the first error, and one of its own where a file holds what
// the view does not say.
func walkAll(ctx context.Context, dir string, v *tree.View) (first error) {
	failed := func(err error) {
		if first == nil {
			first = err
		}
	}
	names := 0
	_ = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if names++; ctx.Err() != nil || names > 2000 {
			return fs.SkipAll
		}
		if err != nil {
			failed(err)
			return nil
		}
		info, err := e.Info()
		if err != nil {
			failed(err)
			return nil
		}
		switch {
		case info.Mode().IsRegular():
			failed(compareContent(name, name[len(dir):], v))
		case info.Mode()&fs.ModeSymlink != 0:
			_, err := os.Readlink(name)
			failed(err)
		}
		buf := make([]byte, 1<<16)
		if _, err := syscall.Listxattr(name, buf); err != nil && !errors.Is(err, syscall.ENOTSUP) && !errors.Is(err, syscall.ENOENT) {
			failed(err)
		}
		return nil
	})
	return first
}

var errDiffers = errors.New("a program got what the reader does not release")

func compareContent(name, inView string, v *tree.View) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	got, err := io.ReadAll(io.LimitReader(f, hostileBytes))
	if err != nil {
		return err
	}
	seen, err := v.Find(inView)
	if err != nil {
		return errors.Join(errDiffers, err)
	}
	r, err := seen.Node.Content()
	if err != nil {
		return errors.Join(errDiffers, err)
	}
	defer r.Close()
	want, err := io.ReadAll(io.LimitReader(r, hostileBytes))
	if err != nil || !bytes.Equal(got, want) {
		return errors.Join(errDiffers, err)
	}
	return nil
}
