package tree

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"strings"
)

// Bounds on archives from outside.
const (
	MaxTarEntries  = 1 << 22  // in one archive
	MaxTarPath     = 4096     // bytes in a name, as Linux's PATH_MAX
	MaxTarXattrs   = 64 << 20 // bytes of extended attributes in one archive
	MaxTarFileSize = 1 << 42  // bytes in one file, holes included
)

// ErrTar is what errors about an archive that is damaged or hostile wrap.
var ErrTar = errors.New("malformed tar archive")

// TarOptions say how [FromTar] reads an archive. The zero value is strict.
type TarOptions struct {
	// Whiteouts reads the archive as a layer of an OCI image: ".wh." names
	// become whiteouts and opaque directories as [Union] knows them.
	Whiteouts bool

	// Lower is what the layers below have: a hard link may lead to a file of
	// theirs.
	Lower *Node

	// Xattr says which extended attributes to take, by full name; nil takes
	// those named "user.*".
	Xattr func(name string) bool
}

// FromTar describes the tree in the uncompressed tar archive that r holds in
// size bytes. It reads the headers; contents are read later, from where they
// stand in r, which must stay open. Of several entries with one name the last
// counts. Hard links are one node. Names that are absolute, hold ".." or lead
// through a symbolic link of the archive are refused.
//
// OCI image layer specification, https://github.com/opencontainers/image-spec.
func FromTar(r io.ReaderAt, size int64, o TarOptions) (*Node, error) {
	if o.Xattr == nil {
		o.Xattr = func(name string) bool { return strings.HasPrefix(name, "user.") }
	}
	t := tarReader{o: o, root: NewDir(), src: r, size: size}
	at := io.NewSectionReader(r, 0, size)
	for in := tar.NewReader(at); ; {
		start, err := at.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		h, err := in.Next()
		if err == io.EOF {
			return t.root, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: behind entry %d: %w", ErrTar, t.entries, err)
		}
		data, err := at.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		if err := t.add(h, start, data); err != nil {
			return nil, fmt.Errorf("%w: entry %q: %w", ErrTar, h.Name, err)
		}
	}
}

type tarReader struct {
	o       TarOptions
	root    *Node
	src     io.ReaderAt
	size    int64
	entries int
	xattrs  int // bytes
}

// add adds one entry whose header begins at start and whose data, as stored,
// begins at data.
func (t *tarReader) add(h *tar.Header, start, data int64) error {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	if t.entries++; t.entries > MaxTarEntries {
		return fmt.Errorf("more than %d entries", MaxTarEntries)
	}
	name, err := tarName(h.Name)
	if err != nil {
		return err
	}
	if t.o.Whiteouts && strings.HasPrefix(path.Base(name), whiteoutPrefix) {
		return t.whiteout(name)
	}
	if h.Typeflag == tar.TypeLink {
		return t.link(name, h.Linkname)
	}
	n, err := t.node(h, start, data)
	if err != nil {
		return err
	}
	return t.put(name, n)
}

// tarName returns an entry's name without "." and empty elements.
func tarName(name string) (string, error) {
	switch {
	case len(name) > MaxTarPath:
		return "", fmt.Errorf("name of %d bytes: at most %d", len(name), MaxTarPath)
	case strings.HasPrefix(name, "/"):
		return "", errors.New("name is absolute")
	case strings.Contains(name, "\x00"):
		return "", errors.New("NUL in a name")
	}
	for elem := range strings.SplitSeq(name, "/") {
		if elem == ".." {
			return "", errors.New(`".." in a name`)
		}
	}
	if name = path.Clean(name); name == "." {
		return "", nil
	}
	return name, nil
}

// node makes the node of an entry that is not a link to another.
func (t *tarReader) node(h *tar.Header, start, data int64) (*Node, error) {
	info := h.FileInfo()
	n := &Node{
		Mode:    info.Mode() & (fs.ModeType | fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky),
		ModTime: clampTime(h.ModTime.Unix()),
	}
	if h.Uid < 0 || h.Gid < 0 || int64(h.Uid) >= math.MaxUint32 || int64(h.Gid) >= math.MaxUint32 {
		return nil, fmt.Errorf("owner %d:%d", h.Uid, h.Gid)
	}
	n.UID, n.GID = uint32(h.Uid), uint32(h.Gid)
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse:
		n.Mode &^= fs.ModeType
		if h.Size < 0 || h.Size > MaxTarFileSize {
			return nil, fmt.Errorf("size %d: at most %d", h.Size, int64(MaxTarFileSize))
		}
		if !isSparse(h) && h.Size > t.size-data {
			return nil, io.ErrUnexpectedEOF
		}
		n.Size = h.Size
		n.Open = t.opener(h, start, data)
	case tar.TypeSymlink:
		n.Target = h.Linkname
	case tar.TypeDir:
		n.Entries = map[string]*Node{}
	case tar.TypeChar, tar.TypeBlock:
		if h.Devmajor < 0 || h.Devmajor > 0xfff || h.Devminor < 0 || h.Devminor > 0xfffff {
			return nil, fmt.Errorf("device %d:%d", h.Devmajor, h.Devminor)
		}
		n.Device = EncodeDevice(uint32(h.Devmajor), uint32(h.Devminor))
	case tar.TypeFifo:
	default:
		return nil, fmt.Errorf("entry of type %q", h.Typeflag)
	}
	return n, t.readXattrs(n, h)
}

const tarXattr = "SCHILY.xattr." // what star, GNU tar and OCI tools name them by

func (t *tarReader) readXattrs(n *Node, h *tar.Header) error {
	for record, value := range h.PAXRecords {
		name, ok := strings.CutPrefix(record, tarXattr)
		if !ok || !t.o.Xattr(name) {
			continue
		}
		if t.xattrs += len(name) + len(value); t.xattrs > MaxTarXattrs {
			return fmt.Errorf("more than %d bytes of extended attributes", MaxTarXattrs)
		}
		if n.Xattrs == nil {
			n.Xattrs = map[string][]byte{}
		}
		n.Xattrs[name] = []byte(value)
	}
	return nil
}

// opener returns the Open of a regular file. Its bytes stand in one piece,
// unless it is stored with holes: then package tar puts it together again.
func (t *tarReader) opener(h *tar.Header, start, data int64) func() (io.ReadCloser, error) {
	if !isSparse(h) {
		size := h.Size
		return func() (io.ReadCloser, error) {
			return io.NopCloser(io.NewSectionReader(t.src, data, size)), nil
		}
	}
	return func() (io.ReadCloser, error) {
		r := tar.NewReader(io.NewSectionReader(t.src, start, t.size-start))
		if _, err := r.Next(); err != nil {
			return nil, err
		}
		return io.NopCloser(r), nil
	}
}

func isSparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for record := range h.PAXRecords {
		if strings.HasPrefix(record, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// put places n at name. A directory that is there already keeps what it holds.
func (t *tarReader) put(name string, n *Node) error {
	if name == "" {
		if !n.IsDir() {
			return errors.New("the root is not a directory")
		}
		n.Entries = t.root.Entries
		t.root = n
		return nil
	}
	dir, err := t.parent(name)
	if err != nil {
		return err
	}
	base := path.Base(name)
	if old := dir.Entries[base]; old != nil && n.IsDir() {
		if old.IsDir() {
			n.Entries = old.Entries
		}
		if t.o.Whiteouts && (old.IsWhiteout() || old.IsDir() && old.IsOpaque()) {
			n.setOpaque()
		}
	}
	dir.Entries[base] = n
	return nil
}

// parent returns the directory that name stands in and makes what is missing.
func (t *tarReader) parent(name string) (*Node, error) {
	at := t.root
	dir, _ := path.Split(name)
	for elem := range strings.SplitSeq(strings.Trim(dir, "/"), "/") {
		if elem == "" {
			continue
		}
		next := at.Entries[elem]
		if next == nil || t.o.Whiteouts && next.IsWhiteout() {
			made := NewDir()
			if next != nil {
				made.setOpaque()
			}
			at.Entries[elem], next = made, made
		}
		if !next.IsDir() {
			return nil, fmt.Errorf("leads through %q, which is not a directory", elem)
		}
		at = next
	}
	return at, nil
}

// link adds name as a further name of target.
func (t *tarReader) link(name, target string) error {
	target, err := tarName(target)
	if err != nil {
		return fmt.Errorf("hard link: %w", err)
	}
	n := t.root.Lookup(target)
	if n == nil && t.o.Lower != nil {
		n = t.o.Lower.Lookup(target)
	}
	if n == nil || n.IsDir() || t.o.Whiteouts && n.IsWhiteout() {
		return fmt.Errorf("hard link to %q, which is no file of the archive before it", target)
	}
	return t.put(name, n)
}

// How a layer of an OCI image says that names of lower layers are gone.
const (
	whiteoutPrefix = ".wh."
	whiteoutOpaque = ".wh..wh..opq"
	whiteoutOther  = ".wh..wh." // aufs's own files
)

// whiteout adds what a ".wh." name stands for. It speaks of lower layers only:
// what this layer has under the name stays, in whatever order they come.
func (t *tarReader) whiteout(name string) error {
	dir, err := t.parent(name)
	if err != nil {
		return err
	}
	base := path.Base(name)
	if base == whiteoutOpaque {
		dir.setOpaque()
		return nil
	}
	if strings.HasPrefix(base, whiteoutOther) {
		return nil
	}
	hidden := strings.TrimPrefix(base, whiteoutPrefix)
	if hidden == "" || hidden == "." || hidden == ".." {
		return errors.New("whiteout of no name")
	}
	switch old := dir.Entries[hidden]; {
	case old == nil:
		dir.Entries[hidden] = NewWhiteout()
	case old.IsDir():
		old.setOpaque()
	}
	return nil
}

func (n *Node) setOpaque() {
	if n.Xattrs == nil {
		n.Xattrs = map[string][]byte{}
	}
	n.Xattrs[OpaqueXattr] = []byte("y")
}
