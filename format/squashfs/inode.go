package squashfs

import "io/fs"

// Types of inodes. The extended form of a type is extended higher; only it
// holds extended attributes, hard links to regular files, holes, and whatever
// needs more than 32 bits (16 for the length of a listing): SQ-12.
const (
	typeDir     = 1
	typeFile    = 2
	typeSymlink = 3
	typeBlock   = 4
	typeChar    = 5
	typeFIFO    = 6
	typeSocket  = 7
	extended    = 7
)

func typeOf(m fs.FileMode) uint16 {
	switch m.Type() {
	case fs.ModeDir:
		return typeDir
	case fs.ModeSymlink:
		return typeSymlink
	case fs.ModeDevice:
		return typeBlock
	case fs.ModeDevice | fs.ModeCharDevice:
		return typeChar
	case fs.ModeNamedPipe:
		return typeFIFO
	case fs.ModeSocket:
		return typeSocket
	}
	return typeFile
}

// modeOf is the inverse of typeOf, for basic types.
var modeOf = [...]fs.FileMode{
	typeDir:     fs.ModeDir,
	typeFile:    0,
	typeSymlink: fs.ModeSymlink,
	typeBlock:   fs.ModeDevice,
	typeChar:    fs.ModeDevice | fs.ModeCharDevice,
	typeFIFO:    fs.ModeNamedPipe,
	typeSocket:  fs.ModeSocket,
}

// unixBits are the bits above the permissions, in fs.FileMode and in Unix.
var unixBits = [...]struct {
	mode fs.FileMode
	bit  uint16
}{
	{fs.ModeSetuid, 0o4000},
	{fs.ModeSetgid, 0o2000},
	{fs.ModeSticky, 0o1000},
}

func unixMode(m fs.FileMode) uint16 {
	bits := uint16(m.Perm())
	for _, u := range unixBits {
		if m&u.mode != 0 {
			bits |= u.bit
		}
	}
	return bits
}

func fileMode(bits uint16) fs.FileMode {
	m := fs.FileMode(bits) & fs.ModePerm
	for _, u := range unixBits {
		if bits&u.bit != 0 {
			m |= u.mode
		}
	}
	return m
}

// header begins every inode.
func (in *inode) header(kind uint16) []byte {
	b := le.AppendUint16(make([]byte, 0, 64), kind)
	b = le.AppendUint16(b, unixMode(in.node.Mode))
	b = le.AppendUint16(b, in.uid)
	b = le.AppendUint16(b, in.gid)
	b = le.AppendUint32(b, uint32(in.node.ModTime))
	return le.AppendUint32(b, in.number)
}

// encode returns an inode that is not a directory.
func (in *inode) encode() []byte {
	kind := typeOf(in.node.Mode)
	if kind == typeFile {
		return in.encodeFile()
	}
	if in.xattr != none32 {
		kind += extended
	}
	b := le.AppendUint32(in.header(kind), in.links)
	switch in.node.Mode.Type() {
	case fs.ModeSymlink:
		b = le.AppendUint32(b, uint32(len(in.node.Target)))
		b = append(b, in.node.Target...)
	case fs.ModeDevice, fs.ModeDevice | fs.ModeCharDevice:
		b = le.AppendUint32(b, in.node.Device)
	}
	if in.xattr != none32 {
		b = le.AppendUint32(b, in.xattr)
	}
	return b
}

func (in *inode) encodeFile() []byte {
	c, size := in.content, uint64(in.node.Size)
	var b []byte
	if in.links == 1 && in.xattr == none32 && c.holes == 0 && c.start <= none32 && size <= none32 {
		b = le.AppendUint32(in.header(typeFile), uint32(c.start))
		b = le.AppendUint32(b, c.fragment)
		b = le.AppendUint32(b, c.offset)
		b = le.AppendUint32(b, uint32(size))
	} else {
		b = le.AppendUint64(in.header(typeFile+extended), uint64(c.start))
		b = le.AppendUint64(b, size)
		b = le.AppendUint64(b, uint64(c.holes))
		b = le.AppendUint32(b, in.links)
		b = le.AppendUint32(b, c.fragment)
		b = le.AppendUint32(b, c.offset)
		b = le.AppendUint32(b, in.xattr)
	}
	for _, word := range c.blocks {
		b = le.AppendUint32(b, word)
	}
	return b
}
