package mount

import (
	"errors"
	"io/fs"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"repro/format/tree"
)

// forever is how long the kernel may keep what it was told: nothing changes.
const forever = 365 * 24 * time.Hour

// filesystem answers the kernel. Requests come in many goroutines. The kernel's
// numbers of nodes are the view's IDs, which hold all that there is to remember.
type filesystem struct {
	fuse.RawFileSystem // answers that there is no such call
	view               *tree.View
	xattrs             bool // any file has one
	contents           *contents
	failed             func(name string, err error)
	reversed           bool
}

func (f *filesystem) String() string { return "repro" }

// fail is the answer to a request about a file, below it if name is not empty,
// that could not be met.
func (f *filesystem) fail(id uint64, name string, err error) fuse.Status {
	if errors.Is(err, fs.ErrNotExist) {
		return fuse.ENOENT
	}
	if f.failed != nil {
		at := f.view.Path(tree.FileID(id))
		if name != "" && at != "" {
			name = "/" + name
		}
		f.failed(at+name, err)
	}
	return fuse.EIO
}

func attr(s tree.Seen, out *fuse.Attr) {
	n := s.Node
	*out = fuse.Attr{
		Ino: s.Number, Mode: kind(n.Mode) | tree.UnixMode(n.Mode), Nlink: s.Links,
		Mtime: uint64(n.ModTime), Ctime: uint64(n.ModTime), Atime: uint64(n.ModTime),
		Owner: fuse.Owner{Uid: n.UID, Gid: n.GID}, Blksize: 4096,
	}
	switch n.Mode.Type() {
	case 0:
		out.Size = uint64(n.Size)
		out.Blocks = (out.Size + 511) / 512
	case fs.ModeSymlink:
		out.Size = uint64(len(n.Target))
	case fs.ModeDevice, fs.ModeDevice | fs.ModeCharDevice:
		out.Rdev = n.Device
	}
}

func entry(s tree.Seen, out *fuse.EntryOut) {
	out.NodeId, out.Generation = uint64(s.ID), 1
	out.SetEntryTimeout(forever)
	out.SetAttrTimeout(forever)
	attr(s, &out.Attr)
}

// kind returns the type bits of a mode as Unix numbers them.
func kind(m fs.FileMode) uint32 {
	switch m.Type() {
	case fs.ModeDir:
		return 0o040000
	case fs.ModeSymlink:
		return 0o120000
	case fs.ModeDevice:
		return 0o060000
	case fs.ModeDevice | fs.ModeCharDevice:
		return 0o020000
	case fs.ModeNamedPipe:
		return 0o010000
	case fs.ModeSocket:
		return 0o140000
	}
	return 0o100000
}

func (f *filesystem) Lookup(_ <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	s, err := f.view.Lookup(tree.FileID(header.NodeId), name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		out.SetEntryTimeout(forever) // that there is none stays so too
	case err != nil:
		return f.fail(header.NodeId, name, err)
	default:
		entry(s, out)
	}
	return fuse.OK
}

func (f *filesystem) look(id uint64) (tree.Seen, fuse.Status) {
	s, err := f.view.Look(tree.FileID(id))
	if err != nil {
		return s, f.fail(id, "", err)
	}
	return s, fuse.OK
}

func (f *filesystem) GetAttr(_ <-chan struct{}, input *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	s, status := f.look(input.NodeId)
	if status == fuse.OK {
		out.SetTimeout(forever)
		attr(s, &out.Attr)
	}
	return status
}

func (f *filesystem) Readlink(_ <-chan struct{}, header *fuse.InHeader) ([]byte, fuse.Status) {
	s, status := f.look(header.NodeId)
	if status != fuse.OK {
		return nil, status
	}
	return []byte(s.Node.Target), fuse.OK
}

// Open and OpenDir answer that there is no such call: the kernel then opens
// files without asking, and keeps their contents and lists from one opening to
// the next.
func (f *filesystem) Open(<-chan struct{}, *fuse.OpenIn, *fuse.OpenOut) fuse.Status {
	return fuse.ENOSYS
}

func (f *filesystem) OpenDir(<-chan struct{}, *fuse.OpenIn, *fuse.OpenOut) fuse.Status {
	return fuse.ENOSYS
}

func (f *filesystem) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return fuse.ENOSYS }

func (f *filesystem) Read(_ <-chan struct{}, input *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	id := tree.FileID(input.NodeId)
	file, err := f.contents.acquire(id, func() (*tree.Node, error) {
		s, err := f.view.Look(id)
		return s.Node, err
	})
	if err != nil {
		return nil, f.fail(input.NodeId, "", err)
	}
	defer f.contents.release(file)
	result, err := f.contents.read(file, buf, int(input.Size), int64(min(input.Offset, math.MaxInt64)))
	if err != nil {
		return nil, f.fail(input.NodeId, "", err)
	}
	return result, fuse.OK
}

// list calls add for each entry of a directory from a position on, until add
// has no more room. I is the entry's place in the listing, negative for "." and
// "..". Which number the directory above has is not known here, and nobody asks:
// programs that go up look at "..", which the kernel knows.
func (f *filesystem) list(input *fuse.ReadIn, add func(e fuse.DirEntry, l tree.Listing, i int) (bool, error)) fuse.Status {
	l, err := f.view.List(tree.FileID(input.NodeId))
	if err != nil {
		return f.fail(input.NodeId, "", err)
	}
	self, status := f.look(input.NodeId)
	if status != fuse.OK {
		return status
	}
	for at := input.Offset; at < uint64(l.Len())+2; at++ {
		i := int(at) - 2
		e := fuse.DirEntry{Name: [...]string{".", ".."}[at&1], Off: at + 1, Ino: self.Number, Mode: kind(fs.ModeDir)}
		if i >= 0 {
			if f.reversed {
				i = l.Len() - 1 - i
			}
			var mode fs.FileMode
			e.Name, mode, e.Ino = l.At(i)
			e.Mode = kind(mode)
		}
		more, err := add(e, l, i)
		if err != nil {
			return f.fail(input.NodeId, e.Name, err)
		}
		if !more {
			break
		}
	}
	return fuse.OK
}

func (f *filesystem) ReadDir(_ <-chan struct{}, input *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	return f.list(input, func(e fuse.DirEntry, _ tree.Listing, _ int) (bool, error) { return out.AddDirEntry(e), nil })
}

func (f *filesystem) ReadDirPlus(_ <-chan struct{}, input *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	return f.list(input, func(e fuse.DirEntry, l tree.Listing, i int) (bool, error) {
		var s tree.Seen
		if i >= 0 {
			var err error
			if s, err = l.Look(i); err != nil {
				return false, err
			}
		}
		room := out.AddDirLookupEntry(e)
		if room == nil {
			return false, nil
		}
		if i >= 0 {
			entry(s, room)
		}
		return true, nil
	})
}

func (f *filesystem) GetXAttr(_ <-chan struct{}, header *fuse.InHeader, name string, dest []byte) (uint32, fuse.Status) {
	if !f.xattrs {
		return 0, fuse.ENOSYS // never asked again
	}
	s, status := f.look(header.NodeId)
	if status != fuse.OK {
		return 0, status
	}
	value, ok := s.Node.Xattrs[name]
	if !ok {
		return 0, fuse.ENOATTR
	}
	return fill(dest, value)
}

func (f *filesystem) ListXAttr(_ <-chan struct{}, header *fuse.InHeader, dest []byte) (uint32, fuse.Status) {
	if !f.xattrs {
		return 0, fuse.ENOSYS
	}
	s, status := f.look(header.NodeId)
	if status != fuse.OK {
		return 0, status
	}
	var names []byte
	for _, name := range slices.Sorted(maps.Keys(s.Node.Xattrs)) {
		names = append(append(names, name...), 0)
	}
	return fill(dest, names)
}

func fill(dest, value []byte) (uint32, fuse.Status) {
	if len(dest) < len(value) {
		return uint32(len(value)), fuse.ERANGE
	}
	return uint32(copy(dest, value)), fuse.OK
}

// StatFs tells the number of files. How many bytes they have is not known
// before all are looked at.
func (f *filesystem) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	out.Bsize, out.Frsize, out.NameLen = 4096, 4096, 255
	out.Files = f.view.Files()
	return fuse.OK
}
