package verity

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"reflect"
	"sync"
	"testing"

	"repro/internal/progress"
)

// TestLevels holds where each level of a tree lies, at the sizes at which
// something changes.
func TestLevels(t *testing.T) {
	const b, p = BlockSize, perBlock
	for _, c := range []struct {
		size   int64
		tree   int64
		levels []level
	}{
		{0, 0, nil},
		{1, 0, nil},
		{b, 0, nil},
		{b + 1, b, []level{{0, 2}}},
		{p * b, b, []level{{0, p}}},
		{p*b + 1, 3 * b, []level{{b, p + 1}, {0, 2}}},
		{p * p * b, (p + 1) * b, []level{{b, p * p}, {0, p}}},
		{p*p*b + 1, (p + 1 + 2 + 1) * b, []level{{3 * b, p*p + 1}, {b, p + 1}, {0, 2}}},
	} {
		ls, tree := levels(c.size)
		if tree != c.tree || !reflect.DeepEqual(ls, c.levels) {
			t.Errorf("%d bytes: tree of %d, levels %v; want %d, %v", c.size, tree, ls, c.tree, c.levels)
		}
	}
	for size, want := range map[int64]int64{
		math.MaxInt64 - b - 1: 1<<47 - 1, math.MaxInt64 - b: 1<<47 - 1, math.MaxInt64 - b + 1: 1<<47 - 1, math.MaxInt64: 1<<47 - 1,
		1<<62 - 1: 1 << 46, 1 << 62: 1 << 46, 1<<62 + 1: 1<<46 + 1,
	} {
		if got := blocks(size); got != want {
			t.Errorf("%d bytes: %d blocks, want %d", size, got, want)
		}
	}
}

// counted is a file that counts how often each block is read, and fails where
// it is told to.
type counted struct {
	b     []byte
	mu    sync.Mutex
	reads map[int64]int
	fail  error
}

func (c *counted) ReadAt(p []byte, off int64) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads[off/BlockSize]++
	if c.fail != nil {
		return 0, c.fail
	}
	return bytes.NewReader(c.b).ReadAt(p, off)
}

func checkedFile(t *testing.T, blocks int) (*counted, *reader) {
	t.Helper()
	b := make([]byte, blocks*BlockSize)
	for i := range blocks {
		b[i*BlockSize], b[i*BlockSize+5] = byte(i), byte(i+1)
	}
	w := NewWriter()
	w.Write(b)
	stored, digest, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	tree, err := NewTree(bytes.NewReader(stored), int64(len(b)), digest)
	if err != nil {
		t.Fatal(err)
	}
	file := &counted{b: b, reads: map[int64]int{}}
	return file, tree.Reader(file).(*reader)
}

// TestReaderKeeps: small reads in a block are read and hashed once, of the
// blocks used last; a whole block goes past the store.
func TestReaderKeeps(t *testing.T) {
	file, r := checkedFile(t, 40)
	small := func(i int64) {
		t.Helper()
		p := make([]byte, 3)
		if n, err := r.ReadAt(p, i*BlockSize+5); n != 3 || err != nil || p[0] != byte(i+1) {
			t.Fatalf("block %d: %v, %d, %v", i, p, n, err)
		}
	}
	for i := range int64(32) {
		small(i)
		small(i)
	}
	small(0) // now the one used last
	if len(r.kept) != 32 || len(r.order) != 32 || r.order[31].nr != 0 || r.order[0].nr != 1 {
		t.Errorf("%d kept, %d in order, first %d, last %d", len(r.kept), len(r.order), r.order[0].nr, r.order[31].nr)
	}
	small(32) // drops 1
	small(0)
	small(1) // drops 2
	small(3)
	for i, want := range map[int64]int{0: 1, 1: 2, 2: 1, 3: 1, 31: 1, 32: 1} {
		if file.reads[i] != want {
			t.Errorf("block %d was read %d times, want %d", i, file.reads[i], want)
		}
	}
	if len(r.kept) != 32 || len(r.spare) != 0 {
		t.Errorf("%d kept, %d spare", len(r.kept), len(r.spare))
	}
	// From within block 33 to within block 36: two ends that are kept, two
	// whole blocks that are not.
	p := make([]byte, 3*BlockSize)
	if n, err := r.ReadAt(p, 33*BlockSize+5); n != len(p) || err != nil || !bytes.Equal(p, file.b[33*BlockSize+5:][:len(p)]) {
		t.Errorf("%d, %v", n, err)
	}
	for i, want := range map[int64]bool{33: true, 34: false, 35: false, 36: true} {
		if (r.kept[i] != nil) != want || file.reads[i] != 1 {
			t.Errorf("block %d: kept: %v, read %d times", i, !want, file.reads[i])
		}
	}
	// Up to the end, and beyond it.
	if n, err := r.ReadAt(p, 38*BlockSize); n != 2*BlockSize || err != io.EOF {
		t.Errorf("%d, %v", n, err)
	}
}

// TestReaderTriesAgain: a block that could not be read is not kept, and none
// of its bytes come out.
func TestReaderTriesAgain(t *testing.T) {
	file, r := checkedFile(t, 3)
	file.fail = errors.New("no disk")
	p := []byte("secret")
	for range 2 {
		if n, err := r.ReadAt(p, BlockSize+5); n != 0 || err != file.fail || string(p) != "secret" {
			t.Errorf("%d, %v, %q", n, err, p)
		}
	}
	if file.reads[1] != 2 || len(r.kept) != 0 || len(r.order) != 0 || len(r.spare) != 1 {
		t.Errorf("read %d times, %d kept, %d in order, %d spare", file.reads[1], len(r.kept), len(r.order), len(r.spare))
	}
	file.fail = nil
	file.b[2*BlockSize+9] ^= 1
	whole := bytes.Repeat([]byte("x"), 2*BlockSize)
	var bad *CorruptError
	if n, err := r.ReadAt(whole, BlockSize); n != BlockSize || !errors.As(err, &bad) || bad.Offset != 2*BlockSize || bad.Tree {
		t.Errorf("%d, %v", n, err)
	}
	if !bytes.Equal(whole[:BlockSize], file.b[BlockSize:2*BlockSize]) || bytes.IndexFunc(whole[BlockSize:], func(r rune) bool { return r != 0 }) >= 0 {
		t.Error("a block that does not match left bytes behind")
	}
	if n, err := r.ReadAt(p, BlockSize+5); n != len(p) || err != nil || p[0] != 2 {
		t.Errorf("%d, %v, %q", n, err, p)
	}
}

// TestReaderShares: more goroutines than blocks are kept read at once, and
// what they held beyond that is let go.
func TestReaderShares(t *testing.T) {
	file, r := checkedFile(t, 50)
	var all []*block
	for i := range int64(50) {
		all = append(all, r.take(i))
	}
	if len(r.kept) != 50 || len(r.order) != 50 {
		t.Errorf("%d kept while all are held", len(r.kept))
	}
	again := r.take(49)
	if again != all[49] || again.refs != 2 {
		t.Errorf("block 49 has %d readers", again.refs)
	}
	for _, k := range all {
		r.give(k)
	}
	if len(r.kept) != keptBlocks || len(r.order) != keptBlocks || r.kept[49] == nil || again.refs != 1 || len(r.spare) != 18 {
		t.Errorf("%d kept, %d in order, %d spare, block 49 with %d readers", len(r.kept), len(r.order), len(r.spare), again.refs)
	}
	r.give(again)
	if r.kept[49] == nil || len(r.kept) != keptBlocks {
		t.Error("block 49 was dropped")
	}
	if len(file.reads) != 0 {
		t.Error("taking a block reads it")
	}
}

// hugeTree is the tree of a file of zeros with more blocks of hashes than are
// kept.
type hugeTree struct{ leaf, inner [32]byte }

func (h hugeTree) ReadAt(p []byte, off int64) (int, error) {
	for i := range len(p) / hashSize {
		if off == 0 && i >= maxCached+5 {
			break
		}
		if off == 0 {
			copy(p[i*hashSize:], h.inner[:])
		} else {
			copy(p[i*hashSize:], h.leaf[:])
		}
	}
	return len(p), nil
}

// TestTreeKeeps: of the checked blocks of a tree at most maxCached are held,
// and the highest always.
func TestTreeKeeps(t *testing.T) {
	const size = (maxCached + 5) * perBlock * BlockSize
	h := hugeTree{leaf: hashBlock(nil)}
	b := make([]byte, BlockSize)
	h.ReadAt(b, BlockSize)
	h.inner = hashBlock(b)
	clear(b)
	h.ReadAt(b, 0)
	tree, err := NewTree(h, size, Digest(size, hashBlock(b)))
	if err != nil || tree.Size() != size {
		t.Fatal(err)
	}
	for i := range int64(maxCached + 5) {
		for _, nr := range []int64{i * perBlock, (i+1)*perBlock - 1} {
			if err := tree.check(nr, nil); err != nil {
				t.Fatal(err)
			}
		}
		if want := int(min(i+2, maxCached)); len(tree.blocks) != want || tree.blocks[0] == nil || tree.blocks[(i+1)*BlockSize] == nil {
			t.Fatalf("%d blocks are held after %d, want %d", len(tree.blocks), i+1, want)
		}
	}
	var bad *CorruptError
	if err := tree.check(perBlock+1, []byte{1}); !errors.As(err, &bad) || bad.Tree || bad.Offset != (perBlock+1)*BlockSize {
		t.Errorf("%v", err)
	}
}

// TestFound: a fault of the tree weighs more than one of the file, then the
// first counts.
func TestFound(t *testing.T) {
	file := func(off int64) *CorruptError { return &CorruptError{Offset: off} }
	tree := func(off int64) *CorruptError { return &CorruptError{Offset: off, Tree: true} }
	for _, c := range []struct {
		found []*CorruptError
		want  *CorruptError
	}{
		{[]*CorruptError{file(5), file(3), file(4)}, file(3)},
		{[]*CorruptError{file(0), tree(9)}, tree(9)},
		{[]*CorruptError{tree(9), file(0)}, tree(9)},
		{[]*CorruptError{tree(9), tree(8), tree(10)}, tree(8)},
	} {
		var v verifier
		for _, bad := range c.found {
			v.found(bad)
		}
		if *v.bad != *c.want || v.verdict() != error(v.bad) {
			t.Errorf("%v: %v, want %v", c.found, v.bad, c.want)
		}
	}
}

// TestCorruptError holds the words.
func TestCorruptError(t *testing.T) {
	for e, want := range map[CorruptError]string{
		{Offset: 65536}:         "block at byte 65536 differs from its hash",
		{Offset: 7, Tree: true}: "hash tree: block at byte 7 differs from what the digest binds",
	} {
		if got := e.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestProgress: the bytes that are done add up to the file.
func TestProgress(t *testing.T) {
	for _, blocks := range []int{0, 1, 16, 17, 33} {
		file, r := checkedFile(t, blocks)
		for _, w := range []io.Writer{nil, io.Discard} {
			var mu sync.Mutex
			var most int64
			n := 0
			err := VerifyCopy(context.Background(), w, file, r.t, 2, func(e progress.Event) {
				mu.Lock()
				defer mu.Unlock()
				n++
				most = max(most, e.Done)
				if e.Task != "verify" || e.Total != int64(len(file.b)) || !e.Bytes || e.Done <= 0 || e.Done > e.Total {
					t.Errorf("%+v", e)
				}
			})
			if err != nil || most != int64(len(file.b)) || n != (blocks+15)/16 {
				t.Errorf("%d blocks: %d events, up to byte %d; %v", blocks, n, most, err)
			}
		}
		for i := range int64(blocks) {
			if file.reads[i] > 2 {
				t.Errorf("block %d was read %d times in two passes", i, file.reads[i])
			}
		}
	}
}

// TestWriterFails: an error of the writer ends the pass.
func TestWriterFails(t *testing.T) {
	file, r := checkedFile(t, 40)
	full := errors.New("disk full")
	pr, pw := io.Pipe()
	pr.CloseWithError(full)
	if err := VerifyCopy(context.Background(), pw, file, r.t, 2, nil); err != full {
		t.Errorf("%v", err)
	}
	file.fail = full
	if err := VerifyAll(context.Background(), file, r.t, 2, nil); err != full {
		t.Errorf("%v", err)
	}
}

// TestWriteAt: bytes may be replaced within what was written of the first block.
func TestWriteAt(t *testing.T) {
	for _, c := range []struct {
		written int
		n       int
		off     int64
		want    string
	}{
		{10, 10, 0, ""}, {10, 0, 10, ""}, {10, 1, 9, ""},
		{10, 2, 9, "hash tree: bytes 9 to 11 are not held back"},
		{10, 0, 11, "hash tree: bytes 11 to 11 are not held back"},
		{10, 1, -1, "hash tree: bytes -1 to 0 are not held back"},
		{2 * BlockSize, BlockSize, 0, ""},
		{2 * BlockSize, 1, BlockSize, "hash tree: bytes 65536 to 65537 are not held back"},
	} {
		w := NewWriter()
		w.Write(make([]byte, c.written))
		n, err := w.WriteAt(bytes.Repeat([]byte("x"), c.n), c.off)
		if c.want == "" && (err != nil || n != c.n) || c.want != "" && (err == nil || err.Error() != c.want || n != 0) {
			t.Errorf("%d bytes at %d of %d: %d, %v", c.n, c.off, c.written, n, err)
		}
		if w.Size() != int64(c.written) || bytes.Count(w.head, []byte("x")) != n {
			t.Errorf("%d bytes at %d of %d: size %d, %d replaced", c.n, c.off, c.written, w.Size(), bytes.Count(w.head, []byte("x")))
		}
	}
}
