package verity_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"repro/format/verity"
)

// sizes are those at which something in the tree changes.
var sizes = []int64{
	0, 1, 96, 4096, verity.BlockSize - 1, verity.BlockSize, verity.BlockSize + 1,
	3*verity.BlockSize + 5, 16 * verity.BlockSize, 33*verity.BlockSize + 1,
	2048 * verity.BlockSize, 2048*verity.BlockSize + 1,
}

// content returns size bytes that differ from block to block.
func content(size int64) []byte {
	b := make([]byte, size)
	for i := int64(0); i < size; i += 4096 {
		copy(b[i:], fmt.Sprint("block ", i))
	}
	return b
}

func treeOf(t testing.TB, b []byte) ([]byte, [32]byte) {
	t.Helper()
	w := verity.NewWriter()
	w.Write(b)
	tree, digest, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return tree, digest
}

func TestAgreesWithFsverity(t *testing.T) {
	program, err := exec.LookPath("fsverity")
	if err != nil {
		t.Skip("needs fsverity (Debian package fsverity)")
	}
	dir := t.TempDir()
	for _, size := range sizes {
		if size > 1<<24 && testing.Short() {
			continue
		}
		b := content(size)
		file, stored := filepath.Join(dir, "file"), filepath.Join(dir, "tree")
		if err := os.WriteFile(file, b, 0o666); err != nil {
			t.Fatal(err)
		}
		descriptor := filepath.Join(dir, "descriptor")
		out, err := exec.Command(program, "digest", "--compact", "--hash-alg=sha256", "--block-size=65536",
			"--out-merkle-tree="+stored, "--out-descriptor="+descriptor, file).CombinedOutput()
		if err != nil {
			t.Fatalf("fsverity: %v: %s", err, out)
		}
		tree, digest := treeOf(t, b)
		if got, want := hex.EncodeToString(digest[:]), strings.TrimSpace(string(out)); got != want {
			t.Errorf("%d bytes: digest %s, fsverity says %s", size, got, want)
		}
		want, err := os.ReadFile(stored)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(tree, want) {
			t.Errorf("%d bytes: tree differs from fsverity's (%d and %d bytes)", size, len(tree), len(want))
		}
		if int64(len(tree)) != verity.TreeSize(size) {
			t.Errorf("%d bytes: TreeSize %d, tree has %d", size, verity.TreeSize(size), len(tree))
		}
		d, err := os.ReadFile(descriptor)
		if err != nil {
			t.Fatal(err)
		}
		if sha256.Sum256(d) != digest {
			t.Errorf("%d bytes: digest is not that of fsverity's descriptor", size)
		}
	}
}

func TestWriterTakesAnyPiecesAndThePatchedHead(t *testing.T) {
	want := content(5*verity.BlockSize + 17)
	tree, digest := treeOf(t, want)
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		w := verity.NewWriter()
		rest := bytes.Clone(want)
		clear(rest[:96])
		for len(rest) > 0 {
			n := min(len(rest), 1+r.IntN(3*verity.BlockSize))
			w.Write(rest[:n])
			rest = rest[n:]
		}
		if _, err := w.WriteAt(want[:96], 0); err != nil {
			t.Fatal(err)
		}
		tree2, digest2, err := w.Finish()
		if err != nil || digest2 != digest || !bytes.Equal(tree, tree2) {
			t.Fatalf("pieces give another tree (%v)", err)
		}
		if _, _, err := w.Finish(); err == nil {
			t.Fatal("second Finish succeeded")
		}
	}
	w := verity.NewWriter()
	w.Write(want)
	if _, err := w.WriteAt(want[:10], verity.BlockSize-5); err == nil {
		t.Error("WriteAt beyond the first block succeeded")
	}
}

func TestReader(t *testing.T) {
	for _, size := range sizes[:10] {
		b := content(size)
		stored, digest := treeOf(t, b)
		tree, err := verity.NewTree(bytes.NewReader(stored), size, digest)
		if err != nil {
			t.Fatal(size, err)
		}
		r := tree.Reader(bytes.NewReader(b))
		if err := iotest.TestReader(io.NewSectionReader(r, 0, size), b); err != nil {
			t.Error(size, err)
		}
		if n, err := r.ReadAt(make([]byte, 10), size); n != 0 || err != io.EOF {
			t.Error(size, "read at the end:", n, err)
		}
		if _, err := r.ReadAt(make([]byte, 1), -1); err == nil {
			t.Error(size, "negative offset accepted")
		}
	}
}

// TestEveryDamageIsFound damages every block of file and tree in turn.
func TestEveryDamageIsFound(t *testing.T) {
	ctx := context.Background()
	for _, size := range []int64{1, 5000, verity.BlockSize, 5*verity.BlockSize + 9, 2050 * verity.BlockSize} {
		if size > 1<<24 && testing.Short() {
			continue
		}
		b := content(size)
		stored, digest := treeOf(t, b)
		check := func() error {
			tree, err := verity.NewTree(bytes.NewReader(stored), size, digest)
			if err != nil {
				return err
			}
			return verity.VerifyAll(ctx, bytes.NewReader(b), tree, 3, nil)
		}
		if err := check(); err != nil {
			t.Fatal(size, err)
		}
		step := max(verity.BlockSize, size/8&^(verity.BlockSize-1))
		for at := int64(0); at < size; at += step {
			off := min(at+77, size-1)
			b[off] ^= 1
			var bad *verity.CorruptError
			if err := check(); !errors.As(err, &bad) || bad.Tree || bad.Offset != at {
				t.Errorf("%d bytes, damage at %d: %v", size, off, err)
			}
			tree, err := verity.NewTree(bytes.NewReader(stored), size, digest)
			if err != nil {
				t.Fatal(err)
			}
			p := make([]byte, 1)
			if _, err := tree.Reader(bytes.NewReader(b)).ReadAt(p, at); !errors.As(err, &bad) {
				t.Errorf("%d bytes, damage at %d: reader gave %v", size, off, err)
			}
			b[off] ^= 1
		}
		for at := 0; at < len(stored); at += verity.BlockSize {
			for _, off := range []int{at, at + verity.BlockSize - 1} {
				stored[off] ^= 0x80
				var bad *verity.CorruptError
				if err := check(); !errors.As(err, &bad) || !bad.Tree {
					t.Errorf("%d bytes, tree damaged at %d: %v", size, off, err)
				}
				stored[off] ^= 0x80
			}
		}
	}
}

func TestFirstBadBlockIsNamed(t *testing.T) {
	b := content(200 * verity.BlockSize)
	stored, digest := treeOf(t, b)
	for i := 60; i < 200; i += 7 {
		b[i*verity.BlockSize+i] ^= 4
	}
	for workers := range 9 {
		tree, err := verity.NewTree(bytes.NewReader(stored), int64(len(b)), digest)
		if err != nil {
			t.Fatal(err)
		}
		var bad *verity.CorruptError
		err = verity.VerifyAll(context.Background(), bytes.NewReader(b), tree, workers, nil)
		if !errors.As(err, &bad) || bad.Offset != 60*verity.BlockSize {
			t.Errorf("%d workers: %v", workers, err)
		}
		h := sha256.New()
		err = verity.VerifyCopy(context.Background(), h, bytes.NewReader(b), tree, workers, nil)
		if !errors.As(err, &bad) || bad.Offset != 60*verity.BlockSize {
			t.Errorf("%d workers, copying: %v", workers, err)
		}
		if sha256.Sum256(b) != [32]byte(h.Sum(nil)) {
			t.Errorf("%d workers: bytes were handed on in another order", workers)
		}
	}
}

func TestTruncatedTreeAndFile(t *testing.T) {
	b := content(9 * verity.BlockSize)
	stored, digest := treeOf(t, b)
	if _, err := verity.NewTree(bytes.NewReader(stored[:100]), int64(len(b)), digest); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("short tree:", err)
	}
	if _, err := verity.NewTree(bytes.NewReader(stored), int64(len(b))+1, digest); err == nil {
		t.Error("another size accepted")
	}
	if _, err := verity.NewTree(bytes.NewReader(stored), -1, digest); err == nil {
		t.Error("negative size accepted")
	}
	tree, err := verity.NewTree(bytes.NewReader(stored), int64(len(b)), digest)
	if err != nil {
		t.Fatal(err)
	}
	short := bytes.NewReader(b[:len(b)-1])
	if err := verity.VerifyAll(context.Background(), short, tree, 2, nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("short file:", err)
	}
	if err := verity.VerifyCopy(context.Background(), io.Discard, short, tree, 2, nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("short file, copying:", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := verity.VerifyAll(ctx, bytes.NewReader(b), tree, 2, nil); !errors.Is(err, context.Canceled) {
		t.Error("cancelled:", err)
	}
}

// TestHugeSizes checks the arithmetic where a hostile manifest would break it.
func TestHugeSizes(t *testing.T) {
	for _, size := range []int64{1 << 50, 1 << 62, 1<<63 - 1} {
		n := verity.TreeSize(size)
		if n <= 0 || n > size/2000 {
			t.Errorf("TreeSize(%d) = %d", size, n)
		}
		if _, err := verity.NewTree(bytes.NewReader(nil), size, [32]byte{}); err == nil {
			t.Errorf("empty tree accepted for %d bytes", size)
		}
	}
}

func FuzzTree(f *testing.F) {
	b := content(3 * verity.BlockSize)
	stored, digest := treeOf(f, b)
	f.Add(stored, b[:100], int64(len(b)), digest[:])
	f.Add([]byte{}, []byte("x"), int64(1), digest[:])
	f.Fuzz(func(t *testing.T, stored, b []byte, size int64, digest []byte) {
		tree, err := verity.NewTree(bytes.NewReader(stored), size, [32]byte(append(digest, make([]byte, 32)...)))
		if err != nil {
			return
		}
		p := make([]byte, 100)
		n, _ := tree.Reader(bytes.NewReader(b)).ReadAt(p, 0)
		if n > 0 && !bytes.Equal(p[:n], b[:n]) {
			t.Fatal("reader gave other bytes than the file has")
		}
	})
}

// TestCheck holds blocks against a tree that come from elsewhere.
func TestCheck(t *testing.T) {
	b := content(3*verity.BlockSize + 100)
	stored, digest := treeOf(t, b)
	tr, err := verity.NewTree(bytes.NewReader(stored), int64(len(b)), digest)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from, to int
		ok       bool
	}{
		{0, len(b), true}, {0, verity.BlockSize, true}, {verity.BlockSize, 3 * verity.BlockSize, true}, {3 * verity.BlockSize, len(b), true}, {2 * verity.BlockSize, len(b), true},
		{len(b), len(b), false}, {1, verity.BlockSize, false}, {0, verity.BlockSize + 1, false}, {0, 10, false}, {3 * verity.BlockSize, len(b) - 1, false},
	} {
		if err := tr.Check(int64(c.from), b[c.from:c.to]); (err == nil) != c.ok {
			t.Errorf("bytes %d to %d: %v", c.from, c.to, err)
		}
	}
	if err := tr.Check(-verity.BlockSize, b[:verity.BlockSize]); err == nil {
		t.Error("before the start")
	}
	if err := tr.Check(3*verity.BlockSize, make([]byte, 2*verity.BlockSize)); err == nil {
		t.Error("over the end")
	}
	b[2*verity.BlockSize+5] ^= 1
	var bad *verity.CorruptError
	if err := tr.Check(verity.BlockSize, b[verity.BlockSize:]); !errors.As(err, &bad) || bad.Offset != 2*verity.BlockSize || bad.Tree {
		t.Errorf("err = %v", err)
	}
}
