package squashfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"repro/format/tree"
)

var (
	_ fs.ReadDirFS  = (*Reader)(nil)
	_ fs.StatFS     = (*Reader)(nil)
	_ fs.ReadLinkFS = (*Reader)(nil)
	_ fs.File       = (*File)(nil)
	_ io.ReaderAt   = (*File)(nil)
	_ io.Seeker     = (*File)(nil)
)

// Open opens the file at name for reading. Symbolic links are followed as a
// process whose root is the file system would follow them: absolute targets
// begin at its root, and nothing leads outside. A regular file or directory is
// a [*File]; other kinds can be opened, but not read.
func (r *Reader) Open(name string) (fs.File, error) {
	in, err := r.find("open", name, true)
	if err != nil {
		return nil, err
	}
	f := &File{info: info{name: path.Base(name), in: in}, r: r}
	if in.kind == typeFile {
		if f.body, err = r.fileBlocks(in); err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
	}
	return f, nil
}

// Stat describes the file at name, following symbolic links as Open does.
func (r *Reader) Stat(name string) (fs.FileInfo, error) { return r.stat("stat", name, true) }

// Lstat describes the file at name; a symbolic link at its end is not
// followed.
func (r *Reader) Lstat(name string) (fs.FileInfo, error) { return r.stat("lstat", name, false) }

func (r *Reader) stat(op, name string, follow bool) (fs.FileInfo, error) {
	in, err := r.find(op, name, follow)
	if err != nil {
		return nil, err
	}
	return info{name: path.Base(name), in: in}, nil
}

// ReadLink returns the target of the symbolic link at name.
func (r *Reader) ReadLink(name string) (string, error) {
	in, err := r.find("readlink", name, false)
	if err != nil {
		return "", err
	}
	if in.kind != typeSymlink {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return in.node.Target, nil
}

// ReadDir returns the entries of the directory at name, by name.
func (r *Reader) ReadDir(name string) ([]fs.DirEntry, error) {
	in, err := r.find("readdir", name, true)
	if err != nil {
		return nil, err
	}
	list, err := r.readDir(in)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	return list, nil
}

func (r *Reader) readDir(in *record) ([]fs.DirEntry, error) {
	if in.kind != typeDir {
		return nil, errors.New("not a directory")
	}
	list, err := r.list(in)
	if err != nil {
		return nil, err
	}
	out := make([]fs.DirEntry, len(list))
	for i, e := range list {
		out[i] = dirEntry{r: r, dir: in, e: e}
	}
	return out, nil
}

// find looks name up.
func (r *Reader) find(op, name string, follow bool) (*record, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	in, err := r.walk(name, follow)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return in, nil
}

// walk follows a path from the root.
func (r *Reader) walk(name string, follow bool) (*record, error) {
	root, err := r.root()
	if err != nil {
		return nil, err
	}
	at := []*record{root} // the directories that lead here
	rest := strings.Split(name, "/")
	for links := 0; len(rest) > 0; {
		elem := rest[0]
		rest = rest[1:]
		switch elem {
		case "", ".":
			continue
		case "..":
			at = at[:max(len(at)-1, 1)]
			continue
		}
		in, err := r.step(at[len(at)-1], elem)
		if err != nil {
			return nil, err
		}
		if in.kind != typeSymlink || len(rest) == 0 && !follow {
			at = append(at, in)
			continue
		}
		if links++; links > maxLinks {
			return nil, errors.New("too many levels of symbolic links")
		}
		target := in.node.Target
		if strings.HasPrefix(target, "/") {
			at = at[:1]
		}
		if rest = append(strings.Split(target, "/"), rest...); len(rest) > MaxTarget {
			return nil, errors.New("name too long")
		}
	}
	return at[len(at)-1], nil
}

// step looks one name up in a directory.
func (r *Reader) step(dir *record, name string) (*record, error) {
	if dir.kind != typeDir {
		return nil, fs.ErrNotExist
	}
	list, err := r.list(dir)
	if err != nil {
		return nil, err
	}
	i, ok := slices.BinarySearchFunc(list, name, func(e tree.Name, name string) int { return strings.Compare(e.Name, name) })
	if !ok {
		return nil, fs.ErrNotExist
	}
	return r.child(dir, list[i])
}

// info is an fs.FileInfo.
type info struct {
	name string
	in   *record
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.in.node.Size }
func (i info) Mode() fs.FileMode  { return i.in.node.Mode }
func (i info) ModTime() time.Time { return time.Unix(i.in.node.ModTime, 0).UTC() }
func (i info) IsDir() bool        { return i.in.node.IsDir() }

// Sys returns a *tree.Node that tells owner, link target and device; it unread
// entries, content and extended attributes.
func (i info) Sys() any { n := i.in.node; return &n }

type dirEntry struct {
	r   *Reader
	dir *record
	e   tree.Name
}

func (d dirEntry) Name() string      { return d.e.Name }
func (d dirEntry) IsDir() bool       { return d.e.Type.IsDir() }
func (d dirEntry) Type() fs.FileMode { return d.e.Type }
func (d dirEntry) String() string    { return fs.FormatDirEntry(d) }

func (d dirEntry) Info() (fs.FileInfo, error) {
	in, err := d.r.child(d.dir, d.e)
	if err != nil {
		return nil, err
	}
	return info{name: d.e.Name, in: in}, nil
}

// File is an open file of a [Reader]. It is an io.ReaderAt and, for regular
// files, an io.ReadSeeker; goroutines may share ReadAt.
type File struct {
	info   info
	r      *Reader
	body   *blockList // of a regular file
	at     int64
	list   []fs.DirEntry // of a directory, once asked for
	listed bool
	closed bool
}

// Stat describes the file.
func (f *File) Stat() (fs.FileInfo, error) { return f.info, f.check("stat") }

// Close makes further calls fail.
func (f *File) Close() error {
	err := f.check("close")
	f.closed = true
	return err
}

func (f *File) check(op string) error {
	if f.closed {
		return &fs.PathError{Op: op, Path: f.info.name, Err: fs.ErrClosed}
	}
	return nil
}

func (f *File) readable(op string) error {
	if err := f.check(op); err != nil {
		return err
	}
	if f.body == nil {
		return &fs.PathError{Op: op, Path: f.info.name, Err: fmt.Errorf("not a regular file")}
	}
	return nil
}

func (f *File) Read(p []byte) (int, error) {
	if err := f.readable("read"); err != nil {
		return 0, err
	}
	n, err := f.body.readAt(p, f.at)
	f.at += int64(n)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

// ReadAt is io.ReaderAt's.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	if err := f.readable("read"); err != nil {
		return 0, err
	}
	return f.body.readAt(p, off)
}

// Seek is io.Seeker's.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	if err := f.readable("seek"); err != nil {
		return 0, err
	}
	switch whence {
	case io.SeekCurrent:
		offset += f.at
	case io.SeekEnd:
		offset += f.body.size
	}
	if offset < 0 || whence < io.SeekStart || whence > io.SeekEnd {
		return 0, &fs.PathError{Op: "seek", Path: f.info.name, Err: fs.ErrInvalid}
	}
	f.at = offset
	return offset, nil
}

// ReadDir is fs.ReadDirFile's.
func (f *File) ReadDir(n int) ([]fs.DirEntry, error) {
	if err := f.check("readdir"); err != nil {
		return nil, err
	}
	if !f.listed {
		list, err := f.r.readDir(f.info.in)
		if err != nil {
			return nil, &fs.PathError{Op: "readdir", Path: f.info.name, Err: err}
		}
		f.list, f.listed = list, true
	}
	if n <= 0 || n > len(f.list) {
		if n > 0 && len(f.list) == 0 {
			return nil, io.EOF
		}
		n = len(f.list)
	}
	out := f.list[:n]
	f.list = f.list[n:]
	return out, nil
}
