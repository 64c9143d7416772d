package archive

import (
	"bytes"
	"context"
	"crypto/sha1" // of SWHIDs, which are git's
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// payloadDir is where the payload of a bag lies.
const payloadDir = "data"

// entry is one file of the payload.
type entry struct {
	path string // slash-separated, from the root of the crate
	size int64
	mode fs.FileMode
	kind string // what it is, for the crate: see kinds
	note string // for a person
	open func() (io.ReadCloser, error)
	digests
}

// digests are the hashes of one file.
type digests struct {
	sha256 [sha256.Size]byte
	sha512 [sha512.Size]byte
	git    [sha1.Size]byte // as a git blob; not of the image
}

// payload returns where the entry goes: crates that stand alone have no data/.
func (e *entry) payload(f Form) string {
	if f == Zip {
		return e.path
	}
	return path.Join(payloadDir, e.path)
}

// add notes a file that is in the deposit.
func (d *deposit) add(e *entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries = append(d.entries, e)
}

// reserve keeps two files from having one name.
func (d *deposit) reserve(e *entry) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byPath[e.path] != nil {
		return fmt.Errorf("%s: two files of this name", e.path)
	}
	d.byPath[e.path] = e
	return nil
}

// later has the file stored when the image is.
func (d *deposit) later(e *entry) { d.pending = append(d.pending, e) }

// text stores a document.
func (d *deposit) text(name, kind string, content []byte) error {
	return d.store(context.Background(), &entry{
		path: name, kind: kind, mode: 0o644, size: int64(len(content)),
		open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
	})
}

// store copies one file into the deposit and hashes it.
func (d *deposit) store(ctx context.Context, e *entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := d.reserve(e); err != nil {
		return err
	}
	r, err := e.open()
	if err != nil {
		return about(e.path, err)
	}
	defer r.Close()
	out, err := d.sink.create(e.payload(d.options.Form), e.size, e.mode)
	if err != nil {
		return err
	}
	defer out.Close()
	h := newHashing(out)
	defer h.stop()
	h.blob(e.size)
	n, err := h.copy(ctx, r, e.size)
	if err != nil {
		return about(e.path, err)
	}
	if n != e.size {
		return fmt.Errorf("%s: %d bytes where %d were expected: it changed while it was read", e.path, n, e.size)
	}
	e.digests = h.sums()
	d.add(e)
	return out.Close()
}

// bytes is the size of the payload.
func (d *deposit) bytes() (n int64) {
	for _, e := range d.entries {
		n += e.size
	}
	return n
}

// sorted returns the entries in byte order of their paths.
func (d *deposit) sorted() []*entry {
	return slices.SortedFunc(slices.Values(d.entries), func(a, b *entry) int { return strings.Compare(a.path, b.path) })
}
