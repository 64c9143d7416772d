package capture

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"repro/capture/observe"
	"repro/format/manifest"
	"repro/internal/atomicfile"
)

// knownDigests remembers digests from one capture to the next: most files that
// a run reads are libraries, which do not change. A file is known by its device,
// inode, size and times of change. Should that ever be wrong, an image is not:
// build reads each file and compares.
//
// The entries lie in the order of their identities, so that those of one capture
// are found and put in by reading along: to hold all of them costs more.
type knownDigests struct {
	file   string // where they are kept; empty: nowhere
	learnt []knownDigest
}

type knownDigest struct {
	id  observe.Identity
	sum [32]byte
}

// What is kept is a magic number and entries of one size.
const (
	knownMagic = "repro capture digests 2\n"
	knownEntry = 5*8 + 32
	maxKnown   = 100_000
)

// settled is how old a change must be before it is remembered: a file can be
// changed twice within what a filesystem's clock tells apart.
const settled = 2 * time.Second

func openKnown() *knownDigests {
	dir, err := os.UserCacheDir()
	if err != nil {
		return &knownDigests{}
	}
	return &knownDigests{file: filepath.Join(dir, "repro", "capture-digests")}
}

func compareIdentities(a, b observe.Identity) int {
	return cmp.Or(cmp.Compare(a.Device, b.Device), cmp.Compare(a.Inode, b.Inode), cmp.Compare(a.Size, b.Size), cmp.Compare(a.Modified, b.Modified), cmp.Compare(a.Changed, b.Changed))
}

// each yields the kept digests in their order until it is told to stop.
func (k *knownDigests) each(yield func(knownDigest) bool) {
	f, err := os.Open(k.file)
	if err != nil {
		return
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<16)
	magic, _ := r.Peek(len(knownMagic))
	if _, err := r.Discard(len(magic)); err != nil || string(magic) != knownMagic {
		return
	}
	for range maxKnown {
		b, err := r.Peek(knownEntry)
		if err != nil {
			return
		}
		at := func(i int) uint64 { return binary.LittleEndian.Uint64(b[i*8:]) }
		d := knownDigest{observe.Identity{Device: at(0), Inode: at(1), Size: int64(at(2)), Modified: int64(at(3)), Changed: int64(at(4))}, [32]byte(b[5*8:])}
		if !yield(d) {
			return
		}
		_, _ = r.Discard(knownEntry)
	}
}

// fill gives files their digests that are known, and returns the others.
func (k *knownDigests) fill(files []*wanted, may func(*wanted) bool) (others []*wanted) {
	var asked []*wanted
	for _, w := range files {
		if w.copy || !may(w) {
			others = append(others, w)
			continue
		}
		asked = append(asked, w)
	}
	slices.SortFunc(asked, func(a, b *wanted) int { return compareIdentities(a.id, b.id) })
	k.each(func(d knownDigest) bool {
		for len(asked) > 0 {
			order := compareIdentities(asked[0].id, d.id)
			if order > 0 {
				break
			}
			if order == 0 {
				asked[0].digest, asked[0].size = manifest.DigestSum(d.sum), d.id.Size
			} else {
				others = append(others, asked[0])
			}
			asked = asked[1:]
		}
		return len(asked) > 0
	})
	return append(others, asked...)
}

// learn remembers the digests of files that hold nothing secret and may be known.
func (k *knownDigests) learn(files []*wanted, may func(*wanted) bool, now time.Time) {
	for _, w := range files {
		old := now.UnixNano()-max(w.id.Modified, w.id.Changed) > int64(settled)
		if w.err != nil || w.copy || w.unsteady || !old || !may(w) || w.token != "" || secretStart(w.head) != "" {
			continue
		}
		if sum, err := w.digest.Sum(); err == nil {
			k.learnt = append(k.learnt, knownDigest{w.id, sum})
		}
	}
	slices.SortFunc(k.learnt, func(a, b knownDigest) int { return compareIdentities(a.id, b.id) })
}

// save keeps what was learnt, in the place of what was known of the same files
// before. That it cannot be kept only costs time.
func (k *knownDigests) save() {
	if len(k.learnt) == 0 || k.file == "" || os.MkdirAll(filepath.Dir(k.file), 0o700) != nil {
		return
	}
	f, err := atomicfile.Create(k.file, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	_, _ = w.WriteString(knownMagic) // an error stays with w
	learnt, kept := k.learnt, 0
	k.each(func(d knownDigest) bool {
		for len(learnt) > 0 && compareIdentities(learnt[0].id, d.id) < 0 {
			learnt[0].write(w)
			learnt, kept = learnt[1:], kept+1
		}
		if !k.replaces(d.id) {
			d.write(w)
			kept++
		}
		return kept < maxKnown
	})
	for _, d := range learnt[:max(0, min(len(learnt), maxKnown-kept))] {
		d.write(w)
	}
	if w.Flush() == nil {
		_ = f.Commit()
	}
}

// replaces reports whether something newer was learnt of the same file.
func (k *knownDigests) replaces(id observe.Identity) bool {
	_, found := slices.BinarySearchFunc(k.learnt, id, func(d knownDigest, id observe.Identity) int {
		return cmp.Or(cmp.Compare(d.id.Device, id.Device), cmp.Compare(d.id.Inode, id.Inode))
	})
	return found
}

func (d knownDigest) write(w io.Writer) {
	var b [knownEntry]byte
	for i, n := range []uint64{d.id.Device, d.id.Inode, uint64(d.id.Size), uint64(d.id.Modified), uint64(d.id.Changed)} {
		binary.LittleEndian.PutUint64(b[i*8:], n)
	}
	copy(b[5*8:], d.sum[:])
	_, _ = w.Write(b[:])
}
