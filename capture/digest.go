package capture

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"os"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"repro/capture/observe"
	"repro/format/manifest"
)

// wanted is a file whose content is asked for: its digest, and what tells
// whether it is secret or names things that matter.
type wanted struct {
	path string // of the file as the step knows it
	at   string // where that content is now
	id   observe.Identity
	copy bool // at is a copy: its identity says nothing

	// After digests:
	digest   manifest.Digest
	size     int64
	head     []byte
	words    map[string]bool // those of the search that it holds
	token    string          // what is secret in its text, if anything
	unsteady bool            // somebody else changed it meanwhile
	err      error
}

// Bounds on what is looked at besides digests.
const (
	headSize  = 1024    // bytes in which a key shows
	maxSource = 1 << 20 // bytes of a file in which names of variables are looked for
)

// search says what is looked for in the texts of files.
type search struct {
	words  *wordSearch
	inText func(*wanted) bool // of which files: words
	tokens func(*wanted) bool // and what is secret
}

// digests reads each file once, on several processors, the largest first, and
// looks for s in them, if it is not nil.
func digests(ctx context.Context, files []*wanted, s *search) error {
	order := slices.Clone(files)
	slices.SortStableFunc(order, func(a, b *wanted) int { return int(min(max(b.id.Size-a.id.Size, -1), 1)) })
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	buffers := make(chan []byte, runtime.GOMAXPROCS(0))
	for _, w := range order {
		g.Go(func() error {
			var buf []byte
			select {
			case buf = <-buffers:
			default:
				buf = make([]byte, 256<<10)
			}
			w.read(buf, s)
			buffers <- buf
			return ctx.Err()
		})
	}
	return g.Wait()
}

func (w *wanted) read(buf []byte, s *search) {
	words := s != nil && s.inText(w)
	tokens := s != nil && s.tokens(w)
	f, err := os.Open(w.at)
	if err != nil {
		w.err = err
		return
	}
	defer f.Close()
	h := sha256.New()
	var text []byte
	for {
		n, err := f.Read(buf)
		h.Write(buf[:n])
		w.size += int64(n)
		if len(w.head) < headSize {
			w.head = append(w.head, buf[:min(n, headSize-len(w.head))]...)
		}
		if (words || tokens) && w.size <= maxSource {
			text = append(text, buf[:n]...)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			w.err = err
			return
		}
	}
	w.digest = manifest.DigestSum([sha256.Size]byte(h.Sum(nil)))
	if words && w.size <= maxSource {
		w.words = s.words.in(text)
	}
	if tokens && w.size <= maxSource && !bytes.ContainsRune(text, 0) {
		w.token, _ = FindSecret(text)
	}
	if info, err := f.Stat(); err == nil && !w.copy {
		w.unsteady = info.Size() != w.id.Size || info.ModTime().UnixNano() != w.id.Modified
	}
}
