//go:build !linux

package tree

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

// place is a directory on disk that files are made in. Names are single
// elements.
type place struct{ root *os.Root }

func openPlace(above *os.Root, name string) (*place, error) {
	root, err := above.OpenRoot(name)
	return &place{root}, err
}

func (p *place) close() { p.root.Close() }

// mkdir makes a directory in p and opens it.
func (p *place) mkdir(name string) (*place, error) {
	if err := p.root.Mkdir(name, 0o700); err != nil {
		return nil, err
	}
	return openPlace(p.root, name)
}

func (p *place) symlink(target, name string) error { return p.root.Symlink(target, name) }

func (p *place) stat(string) (fileState, error) { return fileState{}, errors.ErrUnsupported }

func (p *place) chown(name string, uid, gid int) error { return p.root.Lchown(name, uid, gid) }

// chmodSelf sets the mode of the directory itself.
func (p *place) chmodSelf(m fs.FileMode) error { return p.root.Chmod(".", m) }

func (p *place) makeNode(string, *Node) error { return errors.ErrUnsupported }

// setTime leaves links aside: their time cannot be set here.
func (p *place) setTime(name string, t time.Time, link bool) error {
	if link {
		return nil
	}
	return p.root.Chtimes(name, t, t)
}

func (p *place) setXattr(string, string, []byte) error { return errors.ErrUnsupported }

type osFile struct {
	*os.File
	in   *place
	name string
	time *time.Time
}

func (p *place) create(name string, perm fs.FileMode) (newFile, error) {
	f, err := p.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	return &osFile{File: f, in: p, name: name}, err
}

func (f *osFile) stat() (fileState, error) { return fileState{}, errors.ErrUnsupported }

// setTime is put off until the file is closed, which may set the time itself.
func (f *osFile) setTime(t time.Time) error {
	f.time = &t
	return nil
}

func (f *osFile) Close() error {
	if err := f.File.Close(); err != nil || f.time == nil {
		return err
	}
	return f.in.setTime(f.name, *f.time, false)
}

func (f *osFile) skip(n int64) error {
	_, err := f.Seek(n, io.SeekCurrent)
	return err
}

func (f *osFile) truncate(n int64) error    { return f.Truncate(n) }
func (f *osFile) chown(uid, gid int) error  { return f.Chown(uid, gid) }
func (f *osFile) chmod(m fs.FileMode) error { return f.Chmod(m) }
