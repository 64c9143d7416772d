package tree

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
)

// digestTag begins what [Digest] hashes; it changes when the rest does.
const digestTag = "repro tree 1"

// Digest returns the content digest of the tree below root: it depends on the
// tree alone, not on how a layer stores it. It is the SHA-256 digest of
// [Describe]'s text.
//
// Sum returns the SHA-256 digest of a regular file's content; nil has Digest
// read each file.
func Digest(root *Node, sum func(*Node) ([sha256.Size]byte, error)) (digest [sha256.Size]byte, err error) {
	h := sha256.New()
	if err := Describe(h, root, sum); err != nil {
		return digest, err
	}
	h.Sum(digest[:0])
	return digest, nil
}

// Describe writes the text that [Digest] hashes: a first line, then for every
// path of the tree, in the order of [Node.All], a record of fields that each
// end in NUL, and a line feed:
//
//	path, "hardlink", first path         for a node met before under another path
//	path, type, mode, uid, gid, mtime    for any other, followed by
//	    size, SHA-256 in hexadecimal     type "file"
//	    target                           type "symlink"
//	    device                           types "block" and "char"
//	    nothing                          types "directory", "fifo" and "socket"
//	    and then name, value in hexadecimal for each extended attribute, by name
//
// The root's path is empty. Mode is octal without leading zeros, permission
// bits with setuid, setgid and sticky as in Unix; other numbers are decimal.
func Describe(w io.Writer, root *Node, sum func(*Node) ([sha256.Size]byte, error)) error {
	if sum == nil {
		sum = SHA256
	}
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s\n", digestTag)
	first := map[*Node]string{}
	for path, n := range root.All() {
		if at, ok := first[n]; ok && !n.IsDir() {
			fmt.Fprintf(out, "%s\x00hardlink\x00%s\x00\n", path, at)
			continue
		}
		first[n] = path
		if err := describe(out, path, n, sum); err != nil {
			return fmt.Errorf("%q: %w", path, err)
		}
	}
	return out.Flush()
}

func describe(out *bufio.Writer, path string, n *Node, sum func(*Node) ([sha256.Size]byte, error)) error {
	fmt.Fprintf(out, "%s\x00%s\x00%o\x00%d\x00%d\x00%d\x00", path, typeName(n.Mode), unixMode(n.Mode), n.UID, n.GID, n.ModTime)
	switch n.Mode.Type() {
	case 0:
		digest, err := sum(n)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%d\x00%x\x00", n.Size, digest)
	case fs.ModeSymlink:
		fmt.Fprintf(out, "%s\x00", n.Target)
	case fs.ModeDevice, fs.ModeDevice | fs.ModeCharDevice:
		fmt.Fprintf(out, "%d\x00", n.Device)
	}
	for _, name := range slices.Sorted(maps.Keys(n.Xattrs)) {
		fmt.Fprintf(out, "%s\x00%s\x00", name, hex.EncodeToString(n.Xattrs[name]))
	}
	_, err := out.WriteString("\n")
	return err
}

func typeName(m fs.FileMode) string {
	switch m.Type() {
	case fs.ModeDir:
		return "directory"
	case fs.ModeSymlink:
		return "symlink"
	case fs.ModeDevice:
		return "block"
	case fs.ModeDevice | fs.ModeCharDevice:
		return "char"
	case fs.ModeNamedPipe:
		return "fifo"
	case fs.ModeSocket:
		return "socket"
	}
	return "file"
}

func unixMode(m fs.FileMode) uint32 {
	bits := uint32(m.Perm())
	for mode, bit := range map[fs.FileMode]uint32{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if m&mode != 0 {
			bits |= bit
		}
	}
	return bits
}

// SHA256 reads the regular file n and returns the digest of its content.
func SHA256(n *Node) (sum [sha256.Size]byte, err error) {
	r, err := n.Content()
	if err != nil {
		return sum, err
	}
	defer r.Close()
	h := sha256.New()
	size, err := io.Copy(h, r)
	if err != nil {
		return sum, err
	}
	if size != n.Size {
		return sum, fmt.Errorf("%d bytes instead of %d: changed while it was read", size, n.Size)
	}
	h.Sum(sum[:0])
	return sum, nil
}

// Content opens the regular file n; a file of no bytes need not have Open.
func (n *Node) Content() (io.ReadCloser, error) {
	if n.Open != nil {
		return n.Open()
	}
	if n.Size > 0 || !n.Mode.IsRegular() {
		return nil, fmt.Errorf("a file without content")
	}
	return io.NopCloser(eof{}), nil
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }
