package mount

import (
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"repro/tree"
)

// forever is how long the kernel may keep what it was told: nothing changes.
const forever = 365 * 24 * time.Hour

// filesystem answers the kernel. Requests come in many goroutines; the table
// is only read.
type filesystem struct {
	fuse.RawFileSystem // answers that there is no such call
	*table
	contents *contents
	failed   func(name string, err error)
	reversed bool
}

func (f *filesystem) String() string { return "repro" }

// at returns the place in the table of an inode number of the kernel's.
func (f *filesystem) at(id uint64) (uint32, bool) {
	if id == 0 || id > uint64(len(f.inodes)) {
		return 0, false
	}
	return uint32(id - 1), true
}

func (f *filesystem) attr(at uint32, out *fuse.Attr) {
	in := &f.inodes[at]
	n := in.node
	*out = fuse.Attr{
		Ino: uint64(at) + 1, Mode: mode(n), Nlink: in.links,
		Mtime: uint64(n.ModTime), Ctime: uint64(n.ModTime), Atime: uint64(n.ModTime),
		Owner: fuse.Owner{Uid: n.UID, Gid: n.GID}, Blksize: 4096,
	}
	switch n.Kind() {
	case "file":
		out.Size = uint64(n.Size)
		out.Blocks = (out.Size + 511) / 512
	case "symlink":
		out.Size = uint64(len(n.Target))
	case "block", "char":
		out.Rdev = n.Device
	}
}

func (f *filesystem) entry(at uint32, out *fuse.EntryOut) {
	out.NodeId, out.Generation = uint64(at)+1, 1
	out.SetEntryTimeout(forever)
	out.SetAttrTimeout(forever)
	f.attr(at, &out.Attr)
}

func mode(n *tree.Node) uint32 {
	kinds := map[string]uint32{
		"file": 0o100000, "directory": 0o040000, "symlink": 0o120000,
		"block": 0o060000, "char": 0o020000, "fifo": 0o010000, "socket": 0o140000,
	}
	return kinds[n.Kind()] | tree.UnixMode(n.Mode)
}

func (f *filesystem) Lookup(_ <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	dir, ok := f.at(header.NodeId)
	if !ok {
		return fuse.ENOENT
	}
	at, ok := f.lookup(dir, name)
	if !ok {
		out.SetEntryTimeout(forever) // that there is none stays so too
		return fuse.OK
	}
	f.entry(at, out)
	return fuse.OK
}

func (f *filesystem) GetAttr(_ <-chan struct{}, input *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	at, ok := f.at(input.NodeId)
	if !ok {
		return fuse.ENOENT
	}
	out.SetTimeout(forever)
	f.attr(at, &out.Attr)
	return fuse.OK
}

func (f *filesystem) Readlink(_ <-chan struct{}, header *fuse.InHeader) ([]byte, fuse.Status) {
	at, ok := f.at(header.NodeId)
	if !ok {
		return nil, fuse.ENOENT
	}
	return []byte(f.inodes[at].node.Target), fuse.OK
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
	at, ok := f.at(input.NodeId)
	if !ok || !f.inodes[at].node.Mode.IsRegular() {
		return nil, fuse.ENOENT
	}
	n, err := f.read(at, buf, int64(input.Offset))
	if err != nil {
		if f.failed != nil {
			f.failed(f.path(at), err)
		}
		return nil, fuse.EIO
	}
	return fuse.ReadResultData(buf[:n]), fuse.OK
}

func (f *filesystem) read(at uint32, buf []byte, off int64) (int, error) {
	file, err := f.contents.take(at, f.inodes[at].node)
	if err != nil {
		return 0, err
	}
	defer f.contents.give(file)
	return f.contents.read(file, buf, off)
}

// list calls add for each entry of a directory from a position on, until add
// has no more room.
func (f *filesystem) list(input *fuse.ReadIn, add func(e fuse.DirEntry, at uint32) bool) fuse.Status {
	dir, ok := f.at(input.NodeId)
	if !ok || !f.inodes[dir].node.IsDir() {
		return fuse.ENOENT
	}
	kids := f.inodes[dir].kids
	for i := input.Offset; i < uint64(len(kids))+2; i++ {
		e, at := fuse.DirEntry{Name: ".", Off: i + 1}, dir
		switch i {
		case 0:
		case 1:
			e.Name, at = "..", f.inodes[dir].parent
		default:
			k := kids[i-2]
			if f.reversed {
				k = kids[uint64(len(kids))+1-i]
			}
			e.Name, at = k.name, k.at
		}
		e.Ino, e.Mode = uint64(at)+1, mode(f.inodes[at].node)
		if !add(e, at) {
			break
		}
	}
	return fuse.OK
}

func (f *filesystem) ReadDir(_ <-chan struct{}, input *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	return f.list(input, func(e fuse.DirEntry, _ uint32) bool { return out.AddDirEntry(e) })
}

func (f *filesystem) ReadDirPlus(_ <-chan struct{}, input *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	return f.list(input, func(e fuse.DirEntry, at uint32) bool {
		entry := out.AddDirLookupEntry(e)
		if entry == nil {
			return false
		}
		if e.Name != "." && e.Name != ".." {
			f.entry(at, entry)
		}
		return true
	})
}

func (f *filesystem) GetXAttr(_ <-chan struct{}, header *fuse.InHeader, name string, dest []byte) (uint32, fuse.Status) {
	at, ok := f.at(header.NodeId)
	if !ok {
		return 0, fuse.ENOENT
	}
	if !f.xattrs {
		return 0, fuse.ENOSYS // never asked again
	}
	value, ok := f.inodes[at].node.Xattrs[name]
	if !ok {
		return 0, fuse.ENOATTR
	}
	return fill(dest, value)
}

func (f *filesystem) ListXAttr(_ <-chan struct{}, header *fuse.InHeader, dest []byte) (uint32, fuse.Status) {
	at, ok := f.at(header.NodeId)
	if !ok {
		return 0, fuse.ENOENT
	}
	if !f.xattrs {
		return 0, fuse.ENOSYS
	}
	return fill(dest, xattrNames(f.inodes[at].node))
}

func fill(dest, value []byte) (uint32, fuse.Status) {
	if len(dest) < len(value) {
		return uint32(len(value)), fuse.ERANGE
	}
	return uint32(copy(dest, value)), fuse.OK
}

func (f *filesystem) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	out.Bsize, out.Frsize, out.NameLen = 4096, 4096, 255
	out.Blocks = uint64(f.bytes+4095) / 4096
	out.Files = uint64(len(f.inodes))
	return fuse.OK
}
