//go:build linux && (amd64 || arm64)

package observe

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// How long the kernel may keep what it was told. The machine is to look the
// same for as long as a command runs, but a file that somebody else makes
// meanwhile may be what it waits for.
const (
	keepFound   = time.Hour
	keepMissing = time.Second
)

// view serves this machine's files as they are, to be read: what the command
// writes goes to overlays. Open and OpenDir are answered with ENOSYS, after
// which the kernel opens without asking and keeps contents from one opening to
// the next; what is read shows in Read.
type view struct {
	fuse.RawFileSystem // answers that there is no such call
	hidden             string
	caller             caller

	mu      sync.Mutex
	nodes   map[uint64]*node
	next    uint64
	devices map[uint64]uint64 // device → number
	denied  map[string]bool
	updated map[string]bool // path of a file that was opened to be changed → whether it had been read
	open    []*node         // whose files are kept open, those read last at the end

	buffers buffers
}

// node is one file of the view. view.mu guards it, but for what does not change.
type node struct {
	id       uint64
	parent   *node
	name     string
	children map[string]*node
	file     File

	fd   int // -1: not open
	refs int // reads under way
}

const maxKept = 200 // files kept open

func newView(hidden string) (*view, error) {
	v := &view{RawFileSystem: fuse.NewDefaultRawFileSystem(), hidden: hidden, caller: whoAmI(),
		nodes: map[uint64]*node{}, next: fuse.FUSE_ROOT_ID, devices: map[uint64]uint64{}, denied: map[string]bool{}, updated: map[string]bool{}}
	var st unix.Stat_t
	if err := unix.Lstat("/", &st); err != nil {
		return nil, &os.PathError{Op: "stat", Path: "/", Err: err}
	}
	v.device(st.Dev)
	v.add(nil, "", fileOf("/", &st))
	return v, nil
}

func (v *view) String() string { return "repro capture" }

// add makes a node. The caller holds v.mu, or is alone.
func (v *view) add(parent *node, name string, f *File) *node {
	n := &node{id: v.next, parent: parent, name: name, file: *f, fd: -1}
	v.next++
	v.nodes[n.id] = n
	if parent != nil {
		if parent.children == nil {
			parent.children = map[string]*node{}
		}
		parent.children[name] = n
	}
	return n
}

func (v *view) node(id uint64) *node {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.nodes[id]
}

// device numbers the devices of this machine, for all of them are one here.
func (v *view) device(dev uint64) uint64 {
	n, ok := v.devices[dev]
	if !ok {
		n = uint64(len(v.devices))
		v.devices[dev] = n
	}
	return n
}

func (v *view) attr(st *unix.Stat_t, out *fuse.Attr) {
	*out = fuse.Attr{
		Ino: st.Ino ^ v.device(st.Dev)<<48, Size: uint64(st.Size), Blocks: uint64(st.Blocks), Mode: v.caller.mode(st), Nlink: uint32(st.Nlink),
		Atime: uint64(st.Atim.Sec), Mtime: uint64(st.Mtim.Sec), Ctime: uint64(st.Ctim.Sec),
		Atimensec: uint32(st.Atim.Nsec), Mtimensec: uint32(st.Mtim.Nsec), Ctimensec: uint32(st.Ctim.Nsec),
		Owner: v.caller.owner(st), Rdev: uint32(st.Rdev), Blksize: uint32(st.Blksize),
	}
}

func (v *view) Lookup(_ <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	parent := v.node(header.NodeId)
	if parent == nil {
		return fuse.ENOENT
	}
	full := path.Join(parent.file.Path, name)
	var st unix.Stat_t
	if err := unix.Lstat(full, &st); err != nil || full == v.hidden {
		if err == unix.ENOENT || err == unix.ENOTDIR || full == v.hidden {
			out.SetEntryTimeout(keepMissing)
			return fuse.OK
		}
		return fuse.ToStatus(err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	n := parent.children[name]
	if n == nil {
		n = v.add(parent, name, fileOf(full, &st))
	}
	n.file.Access |= Looked
	out.NodeId, out.Generation = n.id, 1
	out.SetEntryTimeout(keepFound)
	out.SetAttrTimeout(keepFound)
	v.attr(&st, &out.Attr)
	return fuse.OK
}

func (v *view) GetAttr(_ <-chan struct{}, input *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	n := v.node(input.NodeId)
	if n == nil {
		return fuse.ENOENT
	}
	var st unix.Stat_t
	if err := unix.Lstat(n.file.Path, &st); err != nil {
		return fuse.ToStatus(err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	out.SetTimeout(keepFound)
	v.attr(&st, &out.Attr)
	return fuse.OK
}

func (v *view) Readlink(_ <-chan struct{}, header *fuse.InHeader) ([]byte, fuse.Status) {
	n := v.node(header.NodeId)
	if n == nil {
		return nil, fuse.ENOENT
	}
	target, err := os.Readlink(n.file.Path)
	if err != nil {
		return nil, fuse.ToStatus(err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	n.file.Target = target
	n.file.Access |= Read
	return []byte(target), fuse.OK
}

func (v *view) Open(<-chan struct{}, *fuse.OpenIn, *fuse.OpenOut) fuse.Status { return fuse.ENOSYS }

func (v *view) OpenDir(<-chan struct{}, *fuse.OpenIn, *fuse.OpenOut) fuse.Status { return fuse.ENOSYS }

func (v *view) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return fuse.ENOSYS }

func (v *view) Access(<-chan struct{}, *fuse.AccessIn) fuse.Status { return fuse.ENOSYS }

func (v *view) Forget(uint64, uint64) {} // nodes are what was seen

// Read ignores the buffer that it is given, which is a new one for nearly each
// size that the kernel asks for: to touch new memory costs more than to read.
func (v *view) Read(_ <-chan struct{}, input *fuse.ReadIn, _ []byte) (fuse.ReadResult, fuse.Status) {
	n := v.node(input.NodeId)
	if n == nil {
		return nil, fuse.ENOENT
	}
	fd, err := v.take(n)
	if err != nil {
		return nil, fuse.ToStatus(err)
	}
	defer v.give(n)
	buf := v.buffers.take()
	got := 0
	size := min(int(input.Size), len(buf.b))
	for got < size {
		some, err := unix.Pread(fd, buf.b[got:size], int64(input.Offset)+int64(got))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			buf.Done()
			return nil, fuse.ToStatus(err)
		}
		if some == 0 {
			break
		}
		got += some
	}
	if got == 0 { // of which the server does not say that it was sent
		buf.Done()
		return fuse.ReadResultData(nil), fuse.OK
	}
	buf.size = got
	return buf, fuse.OK
}

// take opens the file of n, for give.
func (v *view) take(n *node) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	n.file.Access |= Read
	n.refs++
	if n.fd >= 0 {
		return n.fd, nil
	}
	fd, err := unix.Open(n.file.Path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		n.refs--
		return -1, err
	}
	n.fd = fd
	v.open = append(v.open, n)
	if len(v.open) > maxKept {
		v.open = slices.DeleteFunc(v.open, func(o *node) bool {
			if o.refs > 0 || o == n {
				return false
			}
			unix.Close(o.fd)
			o.fd = -1
			return true
		})
	}
	return fd, nil
}

func (v *view) give(n *node) {
	v.mu.Lock()
	n.refs--
	v.mu.Unlock()
}

func (v *view) ReadDir(_ <-chan struct{}, input *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	n := v.node(input.NodeId)
	if n == nil {
		return fuse.ENOENT
	}
	entries, err := os.ReadDir(n.file.Path) // sorted, so that positions mean the same the next time
	if err != nil {
		return fuse.ToStatus(err)
	}
	v.mu.Lock()
	n.file.Access |= Listed
	v.mu.Unlock()
	for at := input.Offset; at < uint64(len(entries))+2; at++ {
		e := fuse.DirEntry{Name: [...]string{".", ".."}[at&1], Off: at + 1, Ino: n.id, Mode: unix.S_IFDIR}
		if at >= 2 {
			d := entries[at-2]
			if path.Join(n.file.Path, d.Name()) == v.hidden {
				continue
			}
			e.Name, e.Mode, e.Ino = d.Name(), kindOf(d.Type()), 0
		}
		if e.Ino == 0 {
			e.Ino = at + 1<<40 // not asked of each file: programs that need it look
		}
		if !out.AddDirEntry(e) {
			break
		}
	}
	return fuse.OK
}

func kindOf(t fs.FileMode) uint32 {
	switch {
	case t.IsDir():
		return unix.S_IFDIR
	case t&fs.ModeSymlink != 0:
		return unix.S_IFLNK
	case t&fs.ModeSocket != 0:
		return unix.S_IFSOCK
	case t&fs.ModeNamedPipe != 0:
		return unix.S_IFIFO
	case t&fs.ModeCharDevice != 0:
		return unix.S_IFCHR
	case t&fs.ModeDevice != 0:
		return unix.S_IFBLK
	}
	return unix.S_IFREG
}

func (v *view) StatFs(_ <-chan struct{}, header *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	n := v.node(header.NodeId)
	if n == nil {
		return fuse.ENOENT
	}
	var st unix.Statfs_t
	if err := unix.Statfs(n.file.Path, &st); err != nil {
		return fuse.ToStatus(err)
	}
	out.Blocks, out.Bfree, out.Bavail, out.Files, out.Ffree = st.Blocks, st.Bfree, st.Bavail, st.Files, st.Ffree
	out.Bsize, out.NameLen, out.Frsize = uint32(st.Bsize), uint32(st.Namelen), uint32(st.Frsize)
	return fuse.OK
}

// update notes that a file is about to be opened to be changed in place, for
// which the kernel copies it: that it is then read says nothing.
func (v *view) update(name string) {
	real, err := filepath.EvalSymlinks(name)
	if err != nil {
		return // a new file, or one that the command made
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, known := v.updated[real]; known {
		return
	}
	n := v.nodes[fuse.FUSE_ROOT_ID]
	for elem := range strings.SplitSeq(strings.TrimPrefix(real, "/"), "/") {
		if n = n.children[elem]; n == nil {
			break
		}
	}
	v.updated[real] = n != nil && n.file.Access&Read != 0
}

// result returns the files that were looked at, but those of the kernel.
func (v *view) result() (files []File, denied []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, n := range v.nodes {
		f := n.file
		if f.Access == 0 || isOfKernel(f.Path) {
			continue
		}
		before, updated := v.updated[f.Path]
		switch {
		case updated && !before:
			f.Access = f.Access&^Read | Updated
		case f.Mode.IsRegular() && f.Size == 0:
			f.Access |= Read // the kernel does not ask for what is not there
		}
		files = append(files, f)
	}
	for name := range v.denied {
		denied = append(denied, name)
	}
	slices.Sort(denied)
	return files, denied
}

// close closes what is kept open.
func (v *view) close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, n := range v.open {
		unix.Close(n.fd)
		n.fd = -1
	}
	v.open = nil
}
