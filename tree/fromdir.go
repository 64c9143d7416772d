package tree

import (
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"strings"
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
// Errors name the file.
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
	s := scanner{o: o, links: map[fileID]*Node{}}
	return s.node(dir, "", info)
}

type scanner struct {
	o     DirOptions
	links map[fileID]*Node
}

// fileID says which file a name stands for.
type fileID struct{ device, inode uint64 }

// hostInfo is what a file system tells of a file beyond fs.FileInfo.
type hostInfo struct {
	id       fileID
	links    uint64
	uid, gid uint32
	device   uint32 // of device files, in squashfs' encoding
}

func (s *scanner) node(file, name string, info fs.FileInfo) (*Node, error) {
	host := hostInfoOf(info)
	if n := s.links[host.id]; n != nil && host.links > 1 && !info.IsDir() {
		return n, nil
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
	case fs.ModeSymlink:
		n.Target, err = os.Readlink(file)
	case fs.ModeDir:
		err = s.entries(n, file, name)
	case fs.ModeNamedPipe, fs.ModeDevice, fs.ModeDevice | fs.ModeCharDevice:
	default:
		err = &fs.PathError{Op: "read folder", Path: file, Err: fmt.Errorf("a file of type %v", n.Mode.Type())}
	}
	if err != nil {
		return nil, err
	}
	if host.links > 1 && !info.IsDir() {
		s.links[host.id] = n
	}
	return n, nil
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
		f, err := os.OpenFile(file, os.O_RDONLY|openFlags, 0)
		if err != nil {
			return nil, err
		}
		info, err := f.Stat()
		if err == nil && (!info.Mode().IsRegular() || info.Size() != size || hostInfoOf(info).id != id) {
			err = &fs.PathError{Op: "read", Path: file, Err: fmt.Errorf("changed since the folder was listed")}
		}
		if err != nil {
			f.Close()
			return nil, err
		}
		return f, nil
	}
}

// clampTime brings seconds since 1970 into what [Node.ModTime] may hold.
func clampTime(t int64) int64 {
	return min(max(t, 0), math.MaxUint32)
}
