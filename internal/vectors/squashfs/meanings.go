package main

import (
	"bytes"
	"encoding/binary"
	"slices"

	"repro/internal/codec"
)

// Further places in the valid file system.
const (
	fragHead  = fragments - 2
	expHead   = exports - 6*8 - 2 // six inodes
	idHead    = ids - 4 - 2
	xattrBody = xattrSet - 2
	xattrSets = xattrHead - 16 // the only record of the table of sets
	listRoot  = listD + 33
	tablesEnd = 0x15bf

	largeIndex = 0x1710 // the index of the large file system, each entry 115 bytes
)

// secondMeanings are file systems that readers understand in several ways, or
// that hold what no reader finds.
var secondMeanings = []vector{
	{"flags-inodes-stored", "a flag that says inodes are never compressed", true, put16(24, 0x04e1)},
	{"flags-no-options", "no flag for the compressor's options, which stand there", true, put16(24, 0x00e0)},
	{"flags-no-xattrs", "a flag for no extended attributes, which are there", true, put16(24, 0x06e0)},
	{"compression-lz4", "compressed by lz4, though nothing is compressed", true, put16(20, 5)},
	{"options-too-long", "options of 5 bytes where zstd has 4", true, put16(96, 0x8005)},
	{"options-compressed", "options that are marked as compressed", true, put16(96, 4)},
	{"id-minus-1", "the user id that stands for none", false, put32(ids-4, 1<<32-1)},
	{"file-links", "a file with one name that says it has two", true, put32(file+40, 2)},
	{"link-links", "a symbolic link with one name that says it has two", true, put32(link+16, 2)},
	{"directory-links", "a directory that leaves out the one in it", true, put32(dirD+20, 2)},
	{"root-parent", "a root that names a parent within the file system", true, put32(rootDir+28, 4)},
	{"file-sparse", "a file without holes that says it has one", true, put64(file+32, 4096)},
	{"file-start-without-blocks", "an empty file that begins somewhere", true, put32(emptyFile+16, 102)},
	{"file-offset-without-fragment", "an empty file with an offset in no fragment", true, put32(emptyFile+24, 5)},
	{"file-start-moved", "a block that overlaps the fragment, and bytes before it that are no file's", true, put64(file+16, 102+10)},
	{"file-xattrs-unused", "extended attributes that no file has", true, put32(file+0x34, 1<<32-1)},
	{"fragment-unused-bytes", "bytes other than zero in the unused field of a fragment", false, put32(fragments+12, 1)},
	{"export-entry", "an export table that leads to another inode", true, put64(expHead+2, 0x20)},
	{"inode-without-name", "an inode that no directory holds", true, func(b []byte) []byte {
		return put16(rootDir+24, 3+12+9)(put32(listRoot, 0)(b)) // the listing of the root ends behind its first entry
	}},
	{"xattr-set-size", "a set of extended attributes that states another size", true, put32(xattrSets+12, 99)},
	{"xattr-set-empty", "a set of no extended attributes", true, put32(xattrSets+8, 0)},
	{"xattr-head-unused-bytes", "bytes other than zero in the head of the extended attributes", true, put32(xattrHead+12, 1)},

	{"gap-before-inodes", "bytes between data and inode table that are no file's", true, insert(inodes - 2)},
	{"gap-before-fragments", "bytes between directory and fragment table", true, insert(fragHead)},
	{"gap-before-exports", "bytes between fragment and export table", true, insert(expHead)},
	{"gap-before-ids", "bytes between export and id table", true, insert(idHead)},
	{"gap-before-xattrs", "bytes between id table and extended attributes", true, insert(xattrBody)},
	{"gap-at-end", "bytes behind the last table", true, insert(tablesEnd)},

	{"frame-and-a-byte", "an inode table whose frame is followed by a byte", false, packed(func(f []byte) []byte { return append(f, 0) })},
	{"frame-and-frame", "an inode table of two frames, of which Linux reads the first", false, packed(func(f []byte) []byte { return append(f, frame(nil)...) })},
	{"frame-behind-skippable", "an inode table whose frame stands behind one to skip", false, packed(func(f []byte) []byte {
		return append([]byte{0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 'x'}, f...)
	})},
	{"frame-window", "an inode table that asks for a window of 8 MiB, for which Linux has no room", false, packed(func(f []byte) []byte {
		return slices.Concat(f[:4], []byte{0, 13 << 3}, f[6:]) // a window in place of a single segment
	})},
	{"frame-longer-than-content", "an inode table that is compressed to more bytes than it has", true, func(b []byte) []byte {
		return inodeTable(b, stored(b[inodes:dirs-2]))
	}},
}

// indexes are edits of the large file system.
var indexes = []vector{
	{"index-position", "an entry of an index that leads to the middle of a run", false, put32(largeIndex, 0x2022+111)},
	{"index-block", "an entry of an index with another block", false, put32(largeIndex+4, 0x4004)},
	{"index-name", "an entry of an index with a name that its run does not begin with", false, put(largeIndex+12, '0', '7', '3')},
	{"index-first-run", "an entry of an index for the first run", false, func(b []byte) []byte {
		return put(largeIndex+12, '0', '0', '0')(put32(largeIndex+4, 0)(put32(largeIndex, 0)(b)))
	}},
	{"index-unsorted", "the entries of an index exchanged", false, func(b []byte) []byte {
		first := bytes.Clone(b[largeIndex:][:115])
		copy(b[largeIndex:], b[largeIndex+115:][:115])
		copy(b[largeIndex+115:], first)
		return b
	}},
	{"index-twice", "two entries of an index for one run", false, func(b []byte) []byte {
		copy(b[largeIndex+115:], b[largeIndex:][:115])
		return b
	}},
	{"index-name-4-gib", "an entry of an index with a name of 4 GiB", false, put32(largeIndex+8, 1<<32-1)},
}

// insert puts bytes that are nobody's before what stands at a place.
func insert(at int) func([]byte) []byte {
	return func(b []byte) []byte { return replace(b, at, 0, []byte("stowaway")) }
}

// packed has the inode table be a frame, as edit changes it.
func packed(edit func([]byte) []byte) func([]byte) []byte {
	return func(b []byte) []byte { return inodeTable(b, edit(frame(b[inodes:dirs-2]))) }
}

// inodeTable has the inode table be compressed bytes.
func inodeTable(b, packed []byte) []byte {
	return put16(inodes-2, uint16(len(packed)))(replace(b, inodes, dirs-2-inodes, packed))
}

// replace puts other bytes in the place of n, and moves what the superblock
// and the lists say accordingly.
func replace(b []byte, at, n int, with []byte) []byte {
	moved := uint64(len(with) - n)
	shift := func(b []byte, field int) {
		if v := binary.LittleEndian.Uint64(b[field:]); v >= uint64(at) && v < 1<<32 && (v > uint64(at) || n == 0) {
			binary.LittleEndian.PutUint64(b[field:], v+moved)
		}
	}
	for _, field := range []int{40, 48, 56, 64, 72, 80, 88, fragList, exports, ids, xattrHead, xattrHead + 16} {
		shift(b, field)
	}
	out := slices.Concat(b[:at], with, b[at+n:tablesEnd])
	return append(out, make([]byte, -len(out)&4095)...)
}

// frame compresses.
func frame(content []byte) []byte {
	c, err := codec.Find("zstd")
	if err != nil {
		panic(err) // it is there
	}
	e, err := c.NewEncoder(8192)
	if err != nil {
		panic(err)
	}
	out, err := e.Encode(nil, content)
	if err != nil {
		panic(err)
	}
	return out
}

// stored is a frame with one block that is not compressed.
func stored(content []byte) []byte {
	n := len(content)
	return slices.Concat([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x20, byte(n), byte(n<<3 | 1), byte(n >> 5), byte(n >> 13)}, content)
}
