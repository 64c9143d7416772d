package container

import (
	"context"
	"crypto/sha1" // of SWHIDs, which are git's
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"
	"sync/atomic"
)

// Digests are the hashes of one file.
type Digests struct {
	SHA256 [sha256.Size]byte
	SHA512 [sha512.Size]byte
	Git    [sha1.Size]byte // as a git blob, if that was asked for
}

// Hashing is a writer that hashes what it passes on. Long writes are hashed by
// one goroutine for each hash, so that none waits for SHA-512, the slowest.
// Whoever makes one calls Stop.
type Hashing struct {
	w      io.Writer
	hashes []hash.Hash
	git    hash.Hash
	lanes  []chan *chunk
	ended  sync.WaitGroup
}

const (
	chunkSize = 1 << 20
	laneDepth = 4
	shortest  = 64 << 10 // bytes of a write that is worth lanes
)

// chunk is what each lane reads, in no order; the last one puts it back.
type chunk struct {
	b       []byte
	readers atomic.Int32
}

var chunks = sync.Pool{New: func() any { return &chunk{b: make([]byte, 0, chunkSize)} }}

// NewHashing returns a Hashing that passes on to w and takes the hashes that
// [Hashing.Sums] returns.
func NewHashing(w io.Writer) *Hashing { return HashWith(w, sha512.New(), sha256.New()) }

// HashWith returns a Hashing that passes on to w and writes all to each of the
// hashes. They have it all after Stop.
func HashWith(w io.Writer, hashes ...hash.Hash) *Hashing { return &Hashing{w: w, hashes: hashes} }

// Blob also takes the hash that git gives a file of so many bytes.
func (h *Hashing) Blob(size int64) {
	h.git = sha1.New()
	fmt.Fprintf(h.git, "blob %d\x00", size)
	h.hashes = append(h.hashes, h.git)
}

// Write implements [io.Writer].
func (h *Hashing) Write(p []byte) (int, error) {
	if h.lanes == nil && len(p) < shortest {
		for _, sum := range h.hashes {
			sum.Write(p)
		}
		return h.w.Write(p)
	}
	h.start()
	for rest := p; len(rest) > 0; {
		x := chunks.Get().(*chunk)
		x.b = append(x.b[:0], rest[:min(len(rest), chunkSize)]...)
		x.readers.Store(int32(len(h.lanes)))
		rest = rest[len(x.b):]
		for _, lane := range h.lanes {
			lane <- x
		}
	}
	return h.w.Write(p)
}

func (h *Hashing) start() {
	if h.lanes != nil {
		return
	}
	for _, sum := range h.hashes {
		lane := make(chan *chunk, laneDepth)
		h.lanes = append(h.lanes, lane)
		h.ended.Go(func() {
			for x := range lane {
				sum.Write(x.b)
				if x.readers.Add(-1) == 0 {
					chunks.Put(x)
				}
			}
		})
	}
}

// Stop ends the lanes when they have hashed what was written.
func (h *Hashing) Stop() {
	for _, lane := range h.lanes {
		close(lane)
	}
	h.lanes = nil
	h.ended.Wait()
}

// Copy puts all of r through, size bytes if it has not changed, until ctx ends.
func (h *Hashing) Copy(ctx context.Context, r io.Reader, size int64) (int64, error) {
	b := make([]byte, min(chunkSize, size+1))
	for done := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		n, err := io.ReadFull(r, b)
		if n > 0 {
			if _, err := h.Write(b[:n]); err != nil {
				return done, err
			}
			done += int64(n)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return done, nil
		}
		if err != nil {
			return done, err
		}
	}
}

// Sums ends the lanes and returns the hashes of what was written.
func (h *Hashing) Sums() Digests {
	h.Stop()
	var d Digests
	h.hashes[0].Sum(d.SHA512[:0])
	h.hashes[1].Sum(d.SHA256[:0])
	if h.git != nil {
		h.git.Sum(d.Git[:0])
	}
	return d
}
