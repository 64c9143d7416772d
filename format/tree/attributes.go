package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"
)

// modeBits are what a mode has besides the type.
const modeBits = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky

// defaults is what the system gives to new files by itself, as the first of them
// showed. One process makes all files below one directory, so they all get the
// same owner, and the same mode for the same permissions asked. What a file has
// already is not set again.
type defaults struct {
	once     sync.Once
	known    bool
	uid, gid uint32
	modes    [fs.ModePerm + 1]atomic.Int32
}

// What became of permissions that a file was made with.
const (
	modeUnknown = iota
	modeKept
	modeChanged // by a umask, or the directory's default ACL
)

// fileState is what a file on disk has of what its node says.
type fileState struct {
	uid, gid uint32
	bits     uint32 // of the mode besides the type, as in Unix
}

// isOwner reports whether new files belong to the owner of n. The first call asks
// stat about the file that was just made.
func (l *defaults) isOwner(n *Node, stat func() (fileState, error)) bool {
	l.once.Do(func() {
		if s, err := stat(); err == nil {
			l.known, l.uid, l.gid = true, s.uid, s.gid
		}
	})
	return l.known && l.uid == n.UID && l.gid == n.GID
}

// firstMode is the mode to create a regular file with: its own, unless writing its
// content or attributes needs another or changes it.
func firstMode(n *Node) fs.FileMode {
	const own = 0o600
	if n.Mode&modeBits&^fs.ModePerm == 0 && n.Mode&own == own && len(n.Xattrs) == 0 {
		return n.Mode.Perm()
	}
	return own
}

// hasMode reports whether a file that was made with firstMode has its mode.
func (l *defaults) hasMode(n *Node, f newFile) bool {
	mode := n.Mode & modeBits
	if firstMode(n) != mode || len(n.Xattrs) > 0 { // an ACL may be among them
		return false
	}
	known := &l.modes[mode]
	if known.Load() == modeUnknown {
		became := int32(modeChanged)
		if s, err := f.stat(); err == nil && s.bits == unixMode(mode) {
			became = modeKept
		}
		known.Store(became)
	}
	return known.Load() == modeKept
}

// setFileOwner sets the owner of a new regular file.
func (x *extractor) setFileOwner(n *Node, f newFile) error {
	if !x.o.Owners || x.defaults.isOwner(n, f.stat) {
		return nil
	}
	return f.chown(int(n.UID), int(n.GID))
}

// setOwner sets the owner of anything else. The topmost folder may have been there
// before.
func (x *extractor) setOwner(e named, base string, in *place) error {
	stat := func() (fileState, error) { return in.stat(base) }
	if !x.o.Owners || e.name != "" && x.defaults.isOwner(e.node, stat) {
		return nil
	}
	return in.chown(base, int(e.node.UID), int(e.node.GID))
}

func (x *extractor) setXattrs(e named, base string, in *place) {
	if !x.o.Xattrs {
		return
	}
	for name, value := range e.node.Xattrs {
		if err := in.setXattr(base, name, value); err != nil {
			x.skip(e, fmt.Errorf("extended attribute %q: %w", name, err))
		}
	}
}

// special makes a symbolic link, a FIFO or a device.
func (x *extractor) special(e named, base string, in *place) error {
	if e.node.Mode.Type() == fs.ModeSymlink {
		if err := in.symlink(e.node.Target, base); err != nil {
			return nameError(e.name, err)
		}
		return x.attributes(e, base, in)
	}
	if e.node.Mode.Type() != fs.ModeNamedPipe && !x.o.Devices {
		x.made[e.node] = "" // nor links to it
		x.skip(e, errors.New("devices and sockets are not made"))
		return nil
	}
	if err := in.makeNode(base, e.node); err != nil {
		return nameError(e.name, err)
	}
	return x.attributes(e, base, in)
}

// attributes sets what anything but a regular file looks like: the owner before
// the mode, since that takes setuid bits away, and the mode last, which may take
// away the permission to do more.
func (x *extractor) attributes(e named, base string, in *place) error {
	if err := x.setOwner(e, base, in); err != nil {
		return nameError(e.name, err)
	}
	x.setXattrs(e, base, in)
	link := e.node.Mode.Type() == fs.ModeSymlink
	if err := in.setTime(base, time.Unix(e.node.ModTime, 0), link); err != nil {
		return nameError(e.name, err)
	}
	if link {
		return nil
	}
	if err := x.chmod(e, in); err != nil {
		return nameError(e.name, err)
	}
	return nil
}

// chmod sets the mode of the directory that in is, or else of a special file,
// and never of what a link leads to that took its place.
func (x *extractor) chmod(e named, in *place) error {
	if e.node.IsDir() {
		return in.chmodSelf(e.node.Mode & modeBits)
	}
	return x.top.Chmod(e.name, e.node.Mode&modeBits)
}
