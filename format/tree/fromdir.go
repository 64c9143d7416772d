package tree

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// DirOptions say what [FromDir] takes from a folder. The zero value takes all
// files and, of extended attributes, those named "user.*".
type DirOptions struct {
	// Skip leaves out what it returns true for, and all below it. Name is
	// slash-separated and not rooted.
	Skip func(name string, mode fs.FileMode) bool

	// Xattr says which extended attributes to take, by full name.
	Xattr func(name string) bool
}

// FromDir describes the tree below the folder dir. Contents are read later,
// through [Node.Open], which fails if the file is then not the one that was
// described. Names of one file become hard links; sockets are left out, since
// what listens on them is not in a folder. Symbolic links are not followed.
// Errors name the file. Folders are read side by side: Skip and Xattr are
// called from several goroutines.
func FromDir(dir string, o DirOptions) (*Node, error) {
	info, err := os.Stat(dir) // dir itself may be a link
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "read folder", Path: dir, Err: fmt.Errorf("not a folder")}
	}
	if o.Xattr == nil {
		o.Xattr = func(name string) bool { return strings.HasPrefix(name, "user.") }
	}
	s := scanner{o: o, start: time.Now(), links: map[fileID]*Node{}}
	s.others.SetLimit(runtime.GOMAXPROCS(0))
	root, err := s.node(dir, "", info)
	if err := cmp.Or(err, s.others.Wait()); err != nil {
		return nil, err
	}
	return root, nil
}

type scanner struct {
	o      DirOptions
	start  time.Time
	others errgroup.Group // read folders that nobody waits for

	mu    sync.Mutex
	links map[fileID]*Node
}

// fileID says which file a name stands for.
type fileID struct{ device, inode uint64 }

// hostInfo is what a file system tells of a file beyond fs.FileInfo.
type hostInfo struct {
	id       fileID
	links    uint64
	size     uint64
	uid, gid uint32
	device   uint32 // of device files, in squashfs' encoding

	modified, changed time.Time // the latter is set by the system alone
}

// settled is how long ago a file must have changed for its times to tell the
// next change: the clocks of filesystems are coarse.
const settled = 2 * time.Second

// stamp returns what [Node.Stamp] is at now, when the file was looked at.
func (h hostInfo) stamp(now time.Time) string {
	limit := now.Add(-settled)
	if h.changed.IsZero() || h.changed.After(limit) || h.modified.After(limit) {
		return ""
	}
	b := make([]byte, 0, 40)
	for _, v := range []uint64{h.id.device, h.id.inode, h.size, uint64(h.modified.UnixNano()), uint64(h.changed.UnixNano())} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return string(b)
}

func (s *scanner) node(file, name string, info fs.FileInfo) (*Node, error) {
	host := hostInfoOf(info)
	linked := host.links > 1 && !info.IsDir()
	if linked {
		if n := s.known(host.id); n != nil {
			return n, nil
		}
	}
	n := &Node{
		Mode:    info.Mode(),
		UID:     host.uid,
		GID:     host.gid,
		ModTime: clampTime(info.ModTime().Unix()),
		Device:  host.device,
	}
	var err error
	if n.Xattrs, err = readXattrs(file, s.o.Xattr); err != nil {
		return nil, &fs.PathError{Op: "read extended attributes", Path: file, Err: err}
	}
	switch n.Mode.Type() {
	case 0:
		n.Size = info.Size()
		n.Open = opener(file, host.id, n.Size)
		n.Stamp = host.stamp(s.start)
	case fs.ModeSymlink:
		n.Target, err = os.Readlink(file)
	case fs.ModeDir:
		err = s.folder(n, file, name)
	case fs.ModeNamedPipe, fs.ModeDevice, fs.ModeDevice | fs.ModeCharDevice:
	default:
		err = &fs.PathError{Op: "read folder", Path: file, Err: fmt.Errorf("a file of type %v", n.Mode.Type())}
	}
	if err != nil {
		return nil, err
	}
	if linked {
		n = s.keep(host.id, n)
	}
	return n, nil
}

func (s *scanner) known(id fileID) *Node {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.links[id]
}

// keep returns the one node that stands for all names of a file.
func (s *scanner) keep(id fileID, n *Node) *Node {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first := s.links[id]; first != nil {
		return first
	}
	s.links[id] = n
	return n
}

// folder reads a folder, elsewhere if a goroutine is free.
func (s *scanner) folder(n *Node, dir, name string) error {
	read := func() error { return s.entries(n, dir, name) }
	if s.others.TryGo(read) {
		return nil
	}
	return read()
}

func (s *scanner) entries(n *Node, dir, name string) error {
	list, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	n.Entries = make(map[string]*Node, len(list))
	for _, e := range list {
		at := path.Join(name, e.Name())
		if e.Type() == fs.ModeSocket || s.o.Skip != nil && s.o.Skip(at, e.Type()) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if n.Entries[e.Name()], err = s.node(filepath.Join(dir, e.Name()), at, info); err != nil {
			return err
		}
	}
	return nil
}

// opener returns the Open of a file on disk.
func opener(file string, id fileID, size int64) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		f, info, err := openHost(file)
		if err != nil {
			return nil, err
		}
		if !info.regular || info.size != size || info.id != id {
			f.Close()
			return nil, &fs.PathError{Op: "read", Path: file, Err: errors.New("changed since the folder was listed")}
		}
		return f, nil
	}
}

// openInfo is what an open file is.
type openInfo struct {
	id      fileID
	size    int64
	regular bool
}

// clampTime brings seconds since 1970 into what [Node.ModTime] may hold.
func clampTime(t int64) int64 {
	return min(max(t, 0), math.MaxUint32)
}
