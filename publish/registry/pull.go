package registry

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"repro/format"
	"repro/format/manifest"
	"repro/internal/atomicfile"
	"repro/internal/progress"
)

// Check is what must be said of an image before it gets its name. Attached is what
// the registry holds beside it.
type Check func(ctx context.Context, im *format.Image, attached []Attachment) error

// Pulled says what a pull brought.
type Pulled struct {
	Version   int             `json:"version"`
	Reference string          `json:"reference"` // pinned to the digest
	Digest    manifest.Digest `json:"digest"`    // of the manifest
	ContentID manifest.Digest `json:"contentId"`
	File      manifest.Digest `json:"file"` // of the image's file
	Size      int64           `json:"size"`
	Name      string          `json:"name"`     // where the image is now
	Received  int64           `json:"received"` // bytes of the image's file; less than size if there was a start
	Attached  []string        `json:"attached"` // files beside it: signatures, attestations and time records
}

// Pull brings an image to the file called name, whole and unaltered, or not at
// all. What has come of one that was cut off stays in a hidden file beside name,
// and the next Pull of the same image goes on there. Unsaid, check is
// [format.Image.Check]. A file that is there already and is another is an error.
func (r *Repository) Pull(ctx context.Context, name string, check Check) (*Pulled, error) {
	if _, err := os.Lstat(name); err == nil {
		return nil, fmt.Errorf("%s: %w", name, os.ErrExist)
	}
	s, err := r.manifest(ctx)
	if err != nil {
		return nil, err
	}
	f, err := atomicfile.Resume(name, s.file.Digest.Short(), 0o666)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p := &pull{r: r, s: s, f: f}
	if err := p.download(ctx); err != nil {
		return nil, err
	}
	im, err := p.finish(name)
	if p.received.Load() < s.file.Size && errors.Is(err, format.ErrAltered) { // the start that was here is not what it was
		if err := errors.Join(f.Truncate(0), p.download(ctx)); err != nil {
			return nil, err
		}
		im, err = p.finish(name)
	}
	if err != nil {
		return nil, errors.Join(err, f.Discard())
	}
	out := &Pulled{
		Version: 1, Reference: r.named.Pinned(string(s.digest)).String(), Digest: s.digest, Name: name,
		File: s.file.Digest, Size: s.file.Size, Received: p.received.Load(),
	}
	if out.ContentID, err = im.ContentID(); err != nil {
		return nil, errors.Join(err, f.Discard())
	}
	attached, err := r.attachments(ctx, s)
	if err != nil {
		return nil, err
	}
	if check == nil {
		check = whole(r.o.Progress)
	}
	err = p.settle(func() error { return check(ctx, im, attached) })
	if err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, errors.Join(err, f.Discard())
	}
	if out.Attached, err = writeBeside(name, attached); err != nil {
		return nil, err
	}
	r.remember(s.parts...)
	return out, f.Commit()
}

// settle has the disk take what was written while the image is checked.
func (p *pull) settle(check func() error) error {
	var g errgroup.Group
	g.Go(p.f.Sync)
	return errors.Join(check(), g.Wait())
}

// writeBeside writes what is attached to an image to files beside it, whose names
// say what they hold and which it is.
func writeBeside(name string, attached []Attachment) ([]string, error) {
	files := []string{}
	for _, a := range attached {
		file := name + "." + manifest.DigestOf(a.Data).Short() + endings[a.Type]
		if err := atomicfile.Write(file, a.Data, 0o666); err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

func whole(p progress.Func) Check {
	return func(ctx context.Context, im *format.Image, _ []Attachment) error {
		_, err := im.Check(ctx, format.CheckOptions{Progress: p})
		return err
	}
}

// pull is one image's file on its way here.
type pull struct {
	r     *Repository
	s     *stored
	f     *atomicfile.File
	spans []span

	remote *ranges // what is wanted of the file before it has come: hash trees

	sum      hash.Hash    // of all before have
	have     int64        // bytes of the file that are here and checked, as far as they can be
	written  atomic.Int64 // bytes that are in the file
	received atomic.Int64

	spare chan []byte // buffers of segments that were written
}

// download brings the file, from wherever it stands.
func (p *pull) download(ctx context.Context) error {
	p.sum, p.have = sha256.New(), 0
	begun, err := p.f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if begun > p.s.file.Size {
		begun = 0
	}
	if err := p.look(ctx, begun); err != nil {
		return err
	}
	if err := p.adopt(begun); err != nil {
		return err
	}
	return p.segments(ctx)
}

// look reads of the image what says where its layers lie: from the start that is
// here, or from the registry if there is none or it makes no sense.
func (p *pull) look(ctx context.Context, begun int64) (err error) {
	p.remote = newRanges(ctx, p.r, p.s, lookChunk)
	for {
		p.written.Store(begun)
		p.spans, err = imageSpans(arriving{p}, p.s, p.r.ref.String())
		if err == nil || p.remote.failed() != nil || begun == 0 {
			return cmp.Or(p.remote.failed(), err)
		}
		begun = 0
	}
}

// adopt takes what is here of an earlier pull, up to the first block that is not what
// it should be: it comes again, and what follows it. SPEC.md, REG-6.
func (p *pull) adopt(begun int64) error {
	in := bufio.NewReaderSize(io.NewSectionReader(p.f, 0, begun), 1<<20)
	b := make([]byte, spanSize)
	for p.have < begun {
		s := spanAt(p.spans, p.have)
		if s.end > begun {
			break // what is there of a block comes again
		}
		part := b[:s.end-p.have]
		if _, err := io.ReadFull(in, part); err != nil {
			return unexpected(err)
		}
		if err := s.check(part); errors.Is(err, format.ErrAltered) {
			break
		} else if err != nil {
			return cmp.Or(p.remote.failed(), err)
		}
		p.sum.Write(part)
		p.have = s.end
	}
	p.written.Store(p.have)
	return nil
}

// keep takes the next bytes of the file, which are checked.
func (p *pull) keep(b []byte) error {
	if _, err := p.f.WriteAt(b, p.have); err != nil {
		return &localError{err}
	}
	p.sum.Write(b)
	p.have += int64(len(b))
	p.written.Store(p.have)
	p.r.o.Progress.Report(progress.Event{Task: "pull " + p.r.ref.identifier(), Done: p.have, Total: p.s.file.Size, Bytes: true})
	return nil
}

// finish opens the image that has come. SPEC.md, REG-7.
func (p *pull) finish(name string) (*format.Image, error) {
	if err := p.f.Truncate(p.s.file.Size); err != nil {
		return nil, err
	}
	if got := manifest.DigestSum([sha256.Size]byte(p.sum.Sum(nil))); got != p.s.file.Digest {
		return nil, p.r.failure("blob "+p.s.file.Digest.Short(), fmt.Errorf("%w: what the registry sends has digest %s", format.ErrAltered, got))
	}
	im, err := format.New(p.f, p.s.file.Size, name)
	if err != nil {
		return nil, err
	}
	return im, sameContent(im, p.s, p.r)
}

// sameContent holds an image against the content id that its manifest in the
// registry names.
func sameContent(im *format.Image, s *stored, r *Repository) error {
	id, err := im.ContentID()
	if err != nil || s.contentID == "" || s.contentID == string(id) {
		return err
	}
	return r.failure("manifest "+s.digest.Short(), fmt.Errorf("%w: names content %.80s, the image has %s", format.ErrAltered, s.contentID, id))
}

// arriving reads an image's file that is not all here: what is from the disk, the
// rest from the registry.
type arriving struct{ p *pull }

// ReadAt implements io.ReaderAt.
func (a arriving) ReadAt(b []byte, off int64) (int, error) {
	if off+int64(len(b)) <= a.p.written.Load() {
		return a.p.f.ReadAt(b, off)
	}
	return a.p.remote.ReadAt(b, off)
}
