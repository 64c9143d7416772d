// Package upload takes images into a gateway: in pieces, so that what was cut
// off goes on, and verified when whole, before anybody else sees them. Nothing
// of an image is unpacked or executed.
//
// SPEC.md, part GTW, states the interface for programs.
package upload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"repro/format"
	"repro/gateway/access"
	"repro/gateway/store"
	"repro/internal/atomicfile"
	"repro/report"
	"repro/verify"
)

const (
	keepTime     = 7 * 24 * time.Hour // how long an upload may take
	verifyAtOnce = 2                  // each uses all cores
)

// Uploads are the uploads and images of a gateway. In its folder, uploads/ID is
// what has come of an upload, images/CONTENT/ID.sif a submission.
type Uploads struct {
	store  *store.Store
	verify chan struct{} // as many as may verify at once

	mu   sync.Mutex
	busy map[string]bool // uploads that a request is working on
}

// New opens the uploads of a gateway, and removes what is left of those that
// nobody has finished in a week.
func New(ctx context.Context, s *store.Store) (*Uploads, error) {
	u := &Uploads{store: s, verify: make(chan struct{}, verifyAtOnce), busy: map[string]bool{}}
	for _, dir := range []string{u.dir("uploads"), u.dir("images")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	return u, u.sweep(ctx, time.Now())
}

func (u *Uploads) dir(name string) string { return filepath.Join(u.store.Dir(), name) }
func (u *Uploads) part(id string) string  { return filepath.Join(u.dir("uploads"), id) }

// sweep forgets uploads that are too old, and removes files of none: a
// gateway that was killed leaves some.
func (u *Uploads) sweep(ctx context.Context, now time.Time) error {
	open, err := u.store.Uploads(ctx, 0)
	if err != nil {
		return err
	}
	keep := map[string]bool{}
	for _, up := range open {
		if now.Sub(up.Created) <= keepTime {
			keep[up.ID] = true
		} else if err := u.store.EndUpload(ctx, 0, up, "upload took too long"); err != nil {
			return err
		}
	}
	files, err := os.ReadDir(u.dir("uploads"))
	if err != nil {
		return err
	}
	for _, f := range files {
		if !keep[f.Name()] {
			if err := os.Remove(u.part(f.Name())); err != nil {
				return err
			}
		}
	}
	return u.sweepImages(ctx)
}

// sweepImages removes images that did not become submissions and will not.
func (u *Uploads) sweepImages(ctx context.Context) error {
	images, err := filepath.Glob(filepath.Join(u.dir("images"), "*", "*.sif"))
	if err != nil {
		return err
	}
	for _, name := range images {
		_, _, err := u.store.Owner(ctx, strings.TrimSuffix(filepath.Base(name), ".sif"))
		if errors.Is(err, store.ErrNotFound) {
			err = os.Remove(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Open opens the image of a submission. The caller must call Close of the file.
// It is read under the name that its owner gave it, so that messages tell
// nothing of this machine, and never as a list of pieces, which would name
// files of it.
func (u *Uploads) Open(sub store.Submission) (*os.File, *format.Image, error) {
	f, err := os.Open(u.store.ImagePath(sub))
	if err != nil {
		return nil, nil, err
	}
	im, err := format.New(f, sub.Size, sub.Name)
	if err != nil {
		f.Close()
	}
	return f, im, err
}

// removePart removes what has come of an upload.
func (u *Uploads) removePart(up store.Upload) error {
	err := os.Remove(u.part(up.ID))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// hold keeps other requests from an upload until release is called.
func (u *Uploads) hold(id string) (release func(), err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.busy[id] {
		return nil, access.Refuse(409, "another request is working on this upload")
	}
	u.busy[id] = true
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.busy, id)
	}, nil
}

// offset is how much of an upload has come.
func (u *Uploads) offset(id string) (int64, error) {
	info, err := os.Stat(u.part(id))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// write appends what r holds at offset and returns the new one, on the disk:
// also where r ends in an error.
func (u *Uploads) write(up store.Upload, offset int64, r io.Reader) (int64, error) {
	f, err := os.OpenFile(u.part(up.ID), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return offset, err
	}
	defer f.Close()
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return offset, err
	}
	n, err := io.Copy(f, io.LimitReader(r, up.Size-offset))
	if err == nil && n == up.Size-offset {
		if more, _ := io.CopyN(io.Discard, r, 1); more > 0 {
			err = access.Refuse(413, "this is more than the %d bytes that were announced", up.Size)
		}
	}
	return offset + n, errors.Join(err, f.Sync())
}

// finish verifies an upload that is whole and makes a submission of it. One
// that the verifier refuses is removed, and its words are the answer.
func (u *Uploads) finish(ctx context.Context, up store.Upload) (sub store.Submission, rep *report.Verify, err error) {
	select {
	case u.verify <- struct{}{}:
		defer func() { <-u.verify }()
	case <-ctx.Done():
		return sub, nil, ctx.Err()
	}
	sub, rep, err = u.inspect(ctx, up)
	var refused *access.Error
	if errors.As(err, &refused) {
		ended := u.store.EndUpload(ctx, up.Person, up, "refuse upload")
		return sub, rep, errors.Join(err, ended, os.Remove(u.part(up.ID)))
	}
	if err != nil {
		return sub, nil, err
	}
	// A second name first, then the row, then the old name: killed between
	// them, the upload is there still and can be finished again.
	name := u.store.ImagePath(sub)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return sub, nil, err
	}
	if err := os.Link(u.part(up.ID), name); err != nil && !errors.Is(err, fs.ErrExist) {
		return sub, nil, err
	}
	if err := atomicfile.FlushTree(filepath.Dir(name)); err != nil {
		return sub, nil, err
	}
	if err := u.store.AddSubmission(ctx, sub); err != nil {
		return sub, nil, err
	}
	return sub, rep, os.Remove(u.part(up.ID))
}

// inspect reads all of an upload. What the verifier says against it is an
// *access.Error; that nobody was asked for is not against it.
func (u *Uploads) inspect(ctx context.Context, up store.Upload) (sub store.Submission, rep *report.Verify, err error) {
	f, err := os.Open(u.part(up.ID))
	if err != nil {
		return sub, nil, err
	}
	defer f.Close()
	im, err := format.New(f, up.Size, up.Name)
	if err != nil {
		return sub, nil, judged(err)
	}
	rep, err = verify.Image(ctx, im, verify.Trust{}, verify.Options{})
	if err != nil && !errors.Is(err, verify.ErrNotSigned) {
		return sub, rep, judged(err)
	}
	m, err := im.Manifest()
	if err != nil {
		return sub, rep, judged(err)
	}
	if !rep.Canonical || !rep.Intact || rep.ContentID == "" {
		return sub, rep, access.Refuse(422, "%s: %s", up.Name, rep.Reason)
	}
	sub = store.Submission{Upload: up, Title: m.Paper.Title}
	sub.Content = rep.ContentID
	sub.Report, err = json.Marshal(rep)
	return sub, rep, err
}

// judged tells what is wrong with an image from what kept it from being read.
func judged(err error) error {
	if errors.Is(err, format.ErrMalformed) || errors.Is(err, format.ErrAltered) || errors.Is(err, format.ErrForeign) {
		return access.Refuse(422, "%v", err)
	}
	return fmt.Errorf("verify: %w", err)
}
