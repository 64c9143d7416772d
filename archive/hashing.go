package archive

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

// hashing hands on what goes through it and hashes it. What is long is hashed
// in lanes, one a hash, each with a queue: SHA-512, the slowest, is never kept
// waiting by the rest. Whoever makes one calls stop.
type hashing struct {
	w      io.Writer
	hashes []hash.Hash
	git    hash.Hash
	lanes  []chan *piece
	ended  sync.WaitGroup
}

const (
	pieceSize = 1 << 20
	laneDepth = 4
	shortest  = 64 << 10 // bytes of a write that is worth lanes
)

// piece is what one lane after the other reads, in no order.
type piece struct {
	b       []byte
	readers atomic.Int32
}

var pieces = sync.Pool{New: func() any { return &piece{b: make([]byte, 0, pieceSize)} }}

func newHashing(w io.Writer) *hashing {
	return &hashing{w: w, hashes: []hash.Hash{sha512.New(), sha256.New()}}
}

// blob also takes the hash that git gives a file of so many bytes.
func (h *hashing) blob(size int64) {
	h.git = sha1.New()
	fmt.Fprintf(h.git, "blob %d\x00", size)
	h.hashes = append(h.hashes, h.git)
}

func (h *hashing) Write(p []byte) (int, error) {
	if h.lanes == nil && len(p) < shortest {
		for _, sum := range h.hashes {
			sum.Write(p)
		}
		return h.w.Write(p)
	}
	h.start()
	for rest := p; len(rest) > 0; {
		x := pieces.Get().(*piece)
		x.b = append(x.b[:0], rest[:min(len(rest), pieceSize)]...)
		x.readers.Store(int32(len(h.lanes)))
		rest = rest[len(x.b):]
		for _, lane := range h.lanes {
			lane <- x
		}
	}
	return h.w.Write(p)
}

func (h *hashing) start() {
	if h.lanes != nil {
		return
	}
	for _, sum := range h.hashes {
		lane := make(chan *piece, laneDepth)
		h.lanes = append(h.lanes, lane)
		h.ended.Go(func() {
			for x := range lane {
				sum.Write(x.b)
				if x.readers.Add(-1) == 0 {
					pieces.Put(x)
				}
			}
		})
	}
}

// stop ends the lanes when they have hashed what was written.
func (h *hashing) stop() {
	for _, lane := range h.lanes {
		close(lane)
	}
	h.lanes = nil
	h.ended.Wait()
}

// copy puts all of r through, size bytes if it has not changed, until ctx ends.
func (h *hashing) copy(ctx context.Context, r io.Reader, size int64) (int64, error) {
	b := make([]byte, min(pieceSize, size+1))
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

// sums ends the lanes and returns the hashes of what was written.
func (h *hashing) sums() digests {
	h.stop()
	var d digests
	h.hashes[0].Sum(d.sha512[:0])
	h.hashes[1].Sum(d.sha256[:0])
	if h.git != nil {
		h.git.Sum(d.git[:0])
	}
	return d
}
