package capture

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"time"

	"repro/capture/observe"
	"repro/format/manifest"
	"repro/internal/atomicfile"
)

// knownDigests remembers digests from one capture to the next: most files that
// a run reads are libraries, which do not change. A file is known by its device,
// inode, size and times of change. Should that ever be wrong, an image is not:
// build reads each file and compares.
type knownDigests struct {
	file    string // where they are kept; empty: nowhere
	digests map[observe.Identity][32]byte
	fresh   int
}

// What is kept is a magic number and entries of one size.
const (
	knownMagic = "repro capture digests 1\n"
	knownEntry = 5*8 + 32
	maxKnown   = 100_000
)

// settled is how old a change must be before it is remembered: a file can be
// changed twice within what a filesystem's clock tells apart.
const settled = 2 * time.Second

func openKnown() *knownDigests {
	k := &knownDigests{digests: map[observe.Identity][32]byte{}}
	dir, err := os.UserCacheDir()
	if err != nil {
		return k
	}
	k.file = filepath.Join(dir, "repro", "capture-digests")
	b, ok := bytes.CutPrefix(readSome(k.file, int64(len(knownMagic)+maxKnown*knownEntry)), []byte(knownMagic))
	for ok && len(b) >= knownEntry {
		var n [5]uint64
		for i := range n {
			n[i] = binary.LittleEndian.Uint64(b[i*8:])
		}
		id := observe.Identity{Device: n[0], Inode: n[1], Size: int64(n[2]), Modified: int64(n[3]), Changed: int64(n[4])}
		k.digests[id] = [32]byte(b[5*8 : knownEntry])
		b = b[knownEntry:]
	}
	return k
}

// fill gives files their digests that are known, and returns the others.
func (k *knownDigests) fill(files []*wanted, may func(*wanted) bool) (others []*wanted) {
	for _, w := range files {
		if d, ok := k.digests[w.id]; ok && !w.copy && may(w) {
			w.digest, w.size = manifest.DigestSum(d), w.id.Size
			continue
		}
		others = append(others, w)
	}
	return others
}

// learn remembers the digests of files that hold nothing secret.
func (k *knownDigests) learn(files []*wanted, now time.Time) {
	for _, w := range files {
		old := now.UnixNano()-max(w.id.Modified, w.id.Changed) > int64(settled)
		if w.err != nil || w.copy || w.unsteady || !old || w.token != "" || secretStart(w.head) != "" {
			continue
		}
		if sum, err := w.digest.Sum(); err == nil {
			k.digests[w.id] = sum
			k.fresh++
		}
	}
}

// save keeps what was learnt. That it cannot be kept only costs time.
func (k *knownDigests) save() {
	if k.fresh == 0 || k.file == "" || len(k.digests) > maxKnown {
		return
	}
	b := []byte(knownMagic)
	for id, sum := range k.digests {
		for _, n := range []uint64{id.Device, id.Inode, uint64(id.Size), uint64(id.Modified), uint64(id.Changed)} {
			b = binary.LittleEndian.AppendUint64(b, n)
		}
		b = append(b, sum[:]...)
	}
	if os.MkdirAll(filepath.Dir(k.file), 0o700) == nil {
		_ = atomicfile.Write(k.file, b, 0o600)
	}
}
