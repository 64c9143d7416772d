package oci

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"repro/internal/codec"
	"repro/internal/stream"
)

// store holds the files of an image as it lies on disk.
type store interface {
	// open returns a file by its clean relative path.
	open(name string) (*file, error)
	Close() error
}

// file is one file of a store.
type file struct {
	*io.SectionReader
	close func() error
}

func (f *file) Close() error {
	if f.close == nil {
		return nil
	}
	return f.close()
}

// openStore opens a layout folder or an archive, which may be compressed.
func openStore(ctx context.Context, name string) (store, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		root, err := os.OpenRoot(name)
		if err != nil {
			return nil, err
		}
		return folder{root}, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	s, err := openArchive(ctx, f, info.Size())
	if err != nil {
		f.Close()
		return nil, err
	}
	return s, nil
}

// folder is a layout that lies in a folder. Links do not lead out of it.
type folder struct{ root *os.Root }

func (d folder) Close() error { return d.root.Close() }

func (d folder) open(name string) (*file, error) {
	info, err := d.root.Stat(name) // first, since to open a FIFO is to wait
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, malformed("%q: not a file", name)
	}
	f, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	return &file{io.NewSectionReader(f, 0, info.Size()), f.Close}, nil
}

// Limits on archives.
const (
	maxArchiveEntries = 100_000
	maxArchiveLinks   = 8
)

// archive is a tar file whose entries are found by name.
type archive struct {
	f       *os.File
	entries map[string]entry
}

// entry is where the bytes of a file are, or what a link leads to.
type entry struct {
	offset, size int64
	link         string
}

func (a *archive) Close() error { return a.f.Close() }

func (a *archive) open(name string) (*file, error) {
	for range maxArchiveLinks {
		e, ok := a.entries[name]
		if !ok {
			break
		}
		if e.link == "" {
			return &file{SectionReader: io.NewSectionReader(a.f, e.offset, e.size)}, nil
		}
		name = e.link
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// openArchive lists the entries of the tar file f, which a compressed one is
// first unpacked for.
func openArchive(ctx context.Context, f *os.File, size int64) (*archive, error) {
	plain, err := uncompressed(ctx, io.NewSectionReader(f, 0, size), size, io.Discard)
	if err != nil {
		return nil, err
	}
	if plain != nil {
		f.Close()
		f = plain
	}
	a := &archive{f: f, entries: map[string]entry{}}
	if err := a.list(ctx); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// list reads the headers. A later entry replaces an earlier one of its name.
func (a *archive) list(ctx context.Context) error {
	at := &position{f: a.f}
	r := tar.NewReader(at)
	for n := 0; ; n++ {
		h, err := r.Next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return malformed("not a tar archive: %v", err)
		case ctx.Err() != nil:
			return ctx.Err()
		case n == maxArchiveEntries:
			return malformed("archive of more than %d files", maxArchiveEntries)
		}
		name := path.Clean("/" + h.Name)[1:]
		switch h.Typeflag {
		case tar.TypeReg:
			a.entries[name] = entry{offset: at.offset, size: h.Size}
		case tar.TypeSymlink: // docker save stores a layer that occurs twice so
			a.entries[name] = entry{link: path.Join("/", path.Dir(name), h.Linkname)[1:]}
		case tar.TypeLink:
			a.entries[name] = entry{link: path.Clean("/" + h.Linkname)[1:]}
		}
	}
}

// position reads a file in order and knows where it is; it can skip.
type position struct {
	f      *os.File
	offset int64
}

func (p *position) Read(b []byte) (int, error) {
	n, err := p.f.ReadAt(b, p.offset)
	p.offset += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

func (p *position) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
		p.offset = offset
	case io.SeekCurrent:
		p.offset += offset
	default:
		info, err := p.f.Stat()
		if err != nil {
			return 0, err
		}
		p.offset = info.Size() + offset
	}
	return p.offset, nil
}

// Compressed data may grow by this factor, which no gzip stream exceeds, and
// by this much.
const (
	maxGrowth   = 1100
	growthFloor = 64 << 20
)

// uncompressed returns a nameless temporary file with the uncompressed bytes
// of r, which also go to tee, or nil if r is not compressed.
func uncompressed(ctx context.Context, r io.Reader, size int64, tee io.Writer) (*os.File, error) {
	z, kind, err := codec.NewReader(r)
	if err != nil {
		return nil, malformed("%v", err)
	}
	defer z.Close()
	if kind == "" {
		return nil, nil
	}
	f, err := os.CreateTemp("", "repro-oci-*")
	if err != nil {
		return nil, err
	}
	os.Remove(f.Name())
	limit := size*maxGrowth + growthFloor
	n, err := io.Copy(io.MultiWriter(f, tee), io.LimitReader(stream.Until(ctx, z), limit+1))
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case err != nil && !errors.As(err, new(*fs.PathError)):
		err = malformed("%s: %v", kind, err)
	case n > limit:
		err = malformed("%s: grows beyond %d times its size", kind, maxGrowth)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// cleanName returns a path that an archive's own documents name, or an error
// if it leads out of the archive.
func cleanName(name string) (string, error) {
	clean := path.Clean(name)
	if name == "" || path.IsAbs(name) || clean == ".." || strings.HasPrefix(clean, "../") || strings.Contains(name, "\\") {
		return "", malformed("%q: leads out of the image", name)
	}
	return clean, nil
}
