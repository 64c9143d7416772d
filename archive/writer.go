package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"repro/archive/bagit"
	"repro/archive/container"
	"repro/archive/deposit"
	"repro/format"
	"repro/report"
	"repro/verify"
)

// writer writes a deposit: first what the documents speak of, then the documents,
// then what makes a bag of both.
type writer struct {
	*deposit.Deposit
	options Options
	im      *format.Image
	to      container.Writer
	notes   []string

	mu    sync.Mutex      // of Entries and names
	names map[string]bool // of the files
}

// payload returns where an entry goes: a crate alone has no data/.
func (w *writer) payload(e *deposit.Entry) string {
	if w.Alone {
		return e.Path
	}
	return path.Join(bagit.Payload, e.Path)
}

// write writes everything. Names are the words that may not stand in it.
func (w *writer) write(ctx context.Context, entries []*deposit.Entry, names []string) error {
	if err := w.fill(ctx, entries); err != nil {
		return err
	}
	if err := w.describe(ctx); err != nil {
		return err
	}
	if w.Anonymous {
		if err := w.searchNames(names); err != nil {
			return err
		}
		w.notes = append(w.notes, unsearched(w.Deposit)...)
	}
	return w.seal()
}

// fill stores the image and the files: side by side where each has a place of
// its own. What is wrong with the image is said before anything else, for it
// may be why its files cannot be read.
func (w *writer) fill(ctx context.Context, entries []*deposit.Entry) error {
	if !w.to.Parallel() {
		if err := w.image(ctx); err != nil {
			return err
		}
		for _, e := range entries {
			if err := w.store(ctx, e); err != nil {
				return err
			}
		}
		return nil
	}
	beside, cancel := context.WithCancel(ctx)
	defer cancel()
	files, beside := errgroup.WithContext(beside)
	files.SetLimit(cmp.Or(w.options.Workers, runtime.GOMAXPROCS(0)))
	filled := make(chan error)
	go func() {
		for _, e := range entries {
			files.Go(func() error { return w.store(beside, e) })
		}
		filled <- files.Wait()
	}()
	imageErr := w.image(ctx)
	if imageErr != nil {
		cancel()
	}
	filesErr := <-filled
	return cmp.Or(imageErr, filesErr)
}

// image copies the image into the deposit and verifies it from the same
// reading.
func (w *writer) image(ctx context.Context) error {
	o := w.options
	e := &deposit.Entry{Path: w.ImageName, Size: w.ImageSize, Mode: 0o644, Kind: "image"}
	var hashing *container.Hashing
	vo := verify.Options{Workers: o.Workers, Progress: o.Progress}
	for _, f := range o.Signatures {
		vo.Detached = append(vo.Detached, f.Content)
	}
	if !o.NoImage {
		vo.Check = func(ctx context.Context) ([]report.ObjectStatus, error) {
			out, err := w.place(e)
			if err != nil {
				return nil, err
			}
			hashing = container.NewHashing(out)
			defer hashing.Stop()
			statuses, err := w.im.CheckCopy(ctx, hashing, o.Progress)
			return statuses, errors.Join(err, out.Close())
		}
	}
	var err error
	w.Verified, err = verify.Image(ctx, w.im, o.Trust, vo)
	if err != nil && !(o.Unsigned && errors.Is(err, verify.ErrNotSigned)) {
		return err
	}
	if w.Verified != nil {
		w.Verified.Image = w.ImageName
	}
	if hashing == nil {
		return nil
	}
	e.Digests = hashing.Sums()
	return w.add(e)
}

// place starts the image's file in the deposit. Where the deposit can share
// the blocks of the image, nothing is left to write.
func (w *writer) place(e *deposit.Entry) (io.WriteCloser, error) {
	if !w.Anonymous && container.Adopt(w.to, w.payload(e), w.im.Name(), w.options.Link) {
		return nothing{io.Discard}, nil
	}
	return w.to.Create(w.payload(e), e.Size, e.Mode)
}

type nothing struct{ io.Writer }

func (nothing) Close() error { return nil }

// reserve keeps two files from having one name.
func (w *writer) reserve(name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.names[name] {
		return fmt.Errorf("%s: two files of this name", name)
	}
	w.names[name] = true
	return nil
}

// add lists a file that is in the deposit.
func (w *writer) add(e *deposit.Entry) error {
	if e.Kind == "image" { // others have been reserved before they were written
		if err := w.reserve(e.Path); err != nil {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Entries = append(w.Entries, e)
	return nil
}

// store copies one file into the deposit and hashes it.
func (w *writer) store(ctx context.Context, e *deposit.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := w.reserve(e.Path); err != nil {
		return err
	}
	r, err := e.Open()
	if err != nil {
		return about(e.Path, err)
	}
	defer r.Close()
	out, err := w.to.Create(w.payload(e), e.Size, e.Mode)
	if err != nil {
		return err
	}
	defer out.Close()
	h := container.NewHashing(out)
	defer h.Stop()
	h.Blob(e.Size)
	n, err := h.Copy(ctx, r, e.Size)
	if err != nil {
		return about(e.Path, err)
	}
	if n != e.Size {
		return fmt.Errorf("%s: %d bytes where %d were expected: it changed while it was read", e.Path, n, e.Size)
	}
	e.Digests = h.Sums()
	if e.Kind == "input" && !w.Anonymous {
		e.Open = nil // nobody reads it again: its layer and what that keeps in memory can go
	}
	if err := w.add(e); err != nil {
		return err
	}
	return out.Close()
}
