package repository

import (
	"context"
	"crypto/md5" // what repositories compare
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"repro/archive"
	"repro/archive/container"
	"repro/format"
	"repro/internal/progress"
)

// file is one file of a deposit, with the digests that servers may state.
type file struct {
	Name string
	Size int64
	Kind string // media type
	What string // for people
	sums map[string]string
	at   io.ReaderAt

	progress progress.Func
	stall    time.Duration
}

// matches reports whether a server has the file: its size and its checksum.
func (f *file) matches(s stored) bool {
	return s.Whole && s.Size == f.Size && s.Checksum != "" && strings.EqualFold(s.Checksum, f.sums[s.Algorithm])
}

// body returns a reader of the whole file that reports how far it is, and ends the
// request if the server takes nothing for too long.
func (f *file) body(cancel context.CancelFunc) io.Reader {
	return &sending{r: io.NewSectionReader(f.at, 0, f.Size), f: f, timer: time.AfterFunc(f.stall, cancel)}
}

type sending struct {
	r     io.Reader
	f     *file
	timer *time.Timer
	done  atomic.Int64
}

func (s *sending) Read(p []byte) (int, error) {
	s.timer.Reset(s.f.stall)
	n, err := s.r.Read(p)
	done := s.done.Add(int64(n))
	if err != nil {
		s.timer.Stop() // from here on, waiting for the answer has its own limit
	}
	s.f.progress.Report(progress.Event{Task: "send " + s.f.Name, Done: done, Total: s.f.Size, Bytes: true})
	return n, err
}

// digest takes all digests in one reading.
func (f *file) digest(ctx context.Context) error {
	names := []string{"sha512", "sha256", "sha1", "md5"}
	sums := []func() []byte{}
	h512, h256, h1, h5 := sha512.New(), sha256.New(), sha1.New(), md5.New()
	for _, h := range []interface{ Sum([]byte) []byte }{h512, h256, h1, h5} {
		sums = append(sums, func() []byte { return h.Sum(nil) })
	}
	h := container.HashWith(io.Discard, h512, h256, h1, h5)
	defer h.Stop()
	n, err := h.Copy(ctx, io.NewSectionReader(f.at, 0, f.Size), f.Size)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	if n != f.Size {
		return fmt.Errorf("%s: %d bytes where %d were expected: it changed while it was read", f.Name, n, f.Size)
	}
	h.Stop()
	f.sums = map[string]string{}
	for i, name := range names {
		f.sums[name] = hex.EncodeToString(sums[i]())
	}
	return nil
}

// pages are the files that people look at first, in the order in which they are sent.
var pages = []struct{ name, kind, what string }{
	{"README.md", "text/markdown", "What this is, and how to check it."},
	{"ro-crate-metadata.json", "application/ld+json", "The description for programs: an RO-Crate of what is in the archive."},
	{"ro-crate-preview.html", "text/html", "The same for people, with pictures."},
}

// prepare writes the archive into dir and returns the files of the deposit (SPEC.md,
// DEP-1). Close ends the reading of them.
func prepare(ctx context.Context, im *format.Image, dir string, o Options, doi string) (files []*file, notes []string, closeAll func(), err error) {
	name := filepath.Base(im.Name())
	if !strings.HasSuffix(name, ".sif") {
		name = "paper.sif"
	}
	tarName := strings.TrimSuffix(name, ".sif") + ".tar"
	a := archiveOptions(o, doi)
	written, err := archive.Write(ctx, im, filepath.Join(dir, tarName), a)
	if err != nil {
		return nil, nil, nil, err
	}
	tar, err := os.Open(filepath.Join(dir, tarName))
	if err != nil {
		return nil, nil, nil, err
	}
	bag, err := container.Open(tar.Name())
	if err != nil {
		tar.Close()
		return nil, nil, nil, err
	}
	var open []io.Closer
	closeAll = func() {
		for _, c := range open {
			c.Close()
		}
		bag.Close()
		tar.Close()
	}
	info, err := tar.Stat()
	if err != nil {
		closeAll()
		return nil, nil, nil, err
	}
	if o.Target.Pages {
		files = append(files, &file{Name: name, Size: im.Size(), at: im.Bytes(), Kind: "application/vnd.sylabs.sif.layer.v1.sif", What: "The image: environment, code, data, steps and published results in one file that can be run."})
	}
	files = append(files, &file{Name: tarName, Size: info.Size(), at: tar, Kind: "application/x-tar", What: "All that belongs to the image, as a BagIt bag with an RO-Crate: code, data and results as plain files, records, provenance, software."})
	for _, p := range pages {
		if !o.Target.Pages {
			break
		}
		f, err := bag.At(path.Join("data", p.name))
		if err != nil {
			closeAll()
			return nil, nil, nil, err
		}
		open = append(open, f)
		size, err := sizeOf(bag, path.Join("data", p.name))
		if err != nil {
			closeAll()
			return nil, nil, nil, err
		}
		files = append(files, &file{Name: p.name, Size: size, at: f, Kind: p.kind, What: p.what})
	}
	for _, f := range files {
		f.progress, f.stall = o.Progress, sendStall
		if err := f.digest(ctx); err != nil {
			closeAll()
			return nil, nil, nil, err
		}
	}
	return files, written.Notes, closeAll, nil
}

func sizeOf(r container.Reader, name string) (int64, error) {
	names, err := r.Names()
	return names[name], err
}

// archiveOptions are what the archive of a deposit is written with (SPEC.md, DEP-3).
func archiveOptions(o Options, doi string) archive.Options {
	a := o.Archive
	a.Form, a.DOI, a.Publisher = archive.Tar, doi, o.Target.Title
	a.NoImage, a.Beside = true, o.Target.Pages
	a.Progress = o.Progress
	if o.Target.Demands != "" {
		a.Targets = append(a.Targets[:len(a.Targets):len(a.Targets)], o.Target.Demands)
	}
	return a
}
