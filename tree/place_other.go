//go:build !linux

package tree

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

func (p *place) makeNode(string, *Node) error { return errors.ErrUnsupported }

// setTime leaves links aside: their time cannot be set here.
func (p *place) setTime(name string, t time.Time, link bool) error {
	if link {
		return nil
	}
	return p.root.Chtimes(name, t, t)
}

func (p *place) setXattr(string, string, []byte) error { return errors.ErrUnsupported }

type osFile struct{ *os.File }

func (p *place) create(name string) (newFile, error) {
	f, err := p.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	return osFile{f}, err
}

func (f osFile) skip(n int64) error {
	_, err := f.Seek(n, io.SeekCurrent)
	return err
}

func (f osFile) truncate(n int64) error    { return f.Truncate(n) }
func (f osFile) chown(uid, gid int) error  { return f.Chown(uid, gid) }
func (f osFile) chmod(m fs.FileMode) error { return f.Chmod(m) }
