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
	"strconv"
)

// digestTag begins what [Digest] hashes; it changes when the rest does.
const digestTag = "repro tree 1"

// Digest returns the content digest of the tree below root: it depends on the
// tree alone, not on how a layer stores it. It is the SHA-256 digest of
// [Describe]'s text (SQ-22).
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
// end in NUL, and a line feed (SQ-22, SQ-23):
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
	out := bufio.NewWriterSize(w, 64<<10)
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
	b := append(out.AvailableBuffer(), path...)
	b = append(append(b, 0), typeName(n.Mode)...)
	b = appendNumber(b, uint64(unixMode(n.Mode)), 8)
	b = appendNumber(b, uint64(n.UID), 10)
	b = appendNumber(b, uint64(n.GID), 10)
	b = append(strconv.AppendInt(append(b, 0), n.ModTime, 10), 0)
	switch n.Mode.Type() {
	case 0:
		digest, err := sum(n)
		if err != nil {
			return err
		}
		b = append(strconv.AppendInt(b, n.Size, 10), 0)
		b = append(hex.AppendEncode(b, digest[:]), 0)
	case fs.ModeSymlink:
		b = append(append(b, n.Target...), 0)
	case fs.ModeDevice, fs.ModeDevice | fs.ModeCharDevice:
		b = append(strconv.AppendUint(b, uint64(n.Device), 10), 0)
	}
	for _, name := range slices.Sorted(maps.Keys(n.Xattrs)) {
		b = append(append(b, name...), 0)
		b = append(hex.AppendEncode(b, n.Xattrs[name]), 0)
	}
	_, err := out.Write(append(b, '\n'))
	return err
}

// appendNumber appends NUL and a number.
func appendNumber(b []byte, n uint64, base int) []byte {
	return strconv.AppendUint(append(b, 0), n, base)
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
	if m&fs.ModeSetuid != 0 {
		bits |= 0o4000
	}
	if m&fs.ModeSetgid != 0 {
		bits |= 0o2000
	}
	if m&fs.ModeSticky != 0 {
		bits |= 0o1000
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
