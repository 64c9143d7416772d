package main

import "encoding/binary"

// vector is one defect. Those of Verification are no such to whoever only reads
// files: they are what verification refuses beside (SQ-41 to SQ-46).
type vector struct {
	Name         string `json:"name"`
	Defect       string `json:"defect"`
	Verification bool   `json:"verification,omitempty"`
	edit         func([]byte) []byte
}

// Where things stand in the valid file system.
const (
	inodes    = 0x13f0 // the inode table behind the length of its only piece
	emptyFile = inodes
	dirE      = inodes + 0x20
	file      = inodes + 0x40
	dirD      = inodes + 0x7c
	link      = inodes + 0x9c
	rootDir   = inodes + 0xba
	dirs      = 0x14cc // the directory table, likewise
	listE     = dirs
	listD     = dirs + 0x19
	fragments = 0x1529 // the fragment table, likewise
	fragList  = 0x1539
	exports   = 0x1573 // the list of the export table
	ids       = 0x1581 // the list of the id table
	xattrSet  = 0x158b // the first name
	xattrHead = 0x15a7 // the header of the extended attributes
)

var vectors = []vector{
	{"empty", "no byte", false, cut(0)},
	{"cut-in-superblock", "ends within the superblock", false, cut(95)},
	{"cut-in-data", "ends before the tables that the superblock names", false, cut(0x1000)},
	{"cut-last-byte-of-tables", "ends one byte before the superblock's size", false, cut(0x15be)},

	{"magic", "not squashfs", false, put(0, 'h', 's', 'q', 't')},
	{"version-3", "version 3.0", false, put16(28, 3)},
	{"inodes-none", "no inodes", false, put32(4, 0)},
	{"inodes-4-billion", "more inodes than any reader holds", false, put32(4, 1<<32-1)},
	{"inodes-too-few", "an inode's number is above the count", false, put32(4, 5)},
	{"block-size-zero", "blocks of no bytes", false, put32(12, 0)},
	{"block-size-5000", "block size is not a power of two", false, put32(12, 5000)},
	{"block-size-2-gib", "blocks of 2 GiB", false, put32(12, 1<<31)},
	{"block-log", "block size and its logarithm disagree", false, put16(22, 13)},
	{"compression-0", "no such compression", false, compressed(put16(20, 0))},
	{"compression-7", "no such compression", false, compressed(put16(20, 7))},
	{"ids-none", "no ids", false, put16(26, 0)},
	{"ids-65535", "more ids than the table holds", false, put16(26, 65535)},
	{"fragments-4-billion", "more fragments than any reader holds", false, put32(16, 1<<32-1)},
	{"fragments-none", "a file refers to a fragment; there are none", false, put32(16, 0)},
	{"size-beyond-end", "the superblock's size is above the file's", false, put64(40, 1<<20)},
	{"size-2-to-63", "the superblock's size is negative if signed", false, put64(40, 1<<63)},

	{"root-is-file", "the root is not a directory", false, put64(32, file-inodes)},
	{"root-beyond-table", "the root lies outside the inode table", false, put64(32, 0x10000<<16)},
	{"root-beyond-piece", "the root lies behind the end of its piece", false, put64(32, 0x2000)},
	{"inode-table-in-superblock", "the inode table begins in the superblock", false, put64(64, 0)},
	{"inode-table-beyond-end", "the inode table begins behind the end", false, put64(64, 1<<40)},
	{"inode-table-behind-directories", "tables overlap", false, put64(64, dirs+10)},
	{"directory-table-beyond-end", "the directory table begins behind the end", false, put64(72, 1<<40)},
	{"fragment-table-beyond-end", "the fragment table begins behind the end", false, put64(80, 1<<40)},
	{"export-table-behind-ids", "tables overlap", false, put64(88, ids+4)},
	{"id-table-beyond-end", "the id table begins behind the end", false, put64(48, 1<<40)},
	{"id-table-missing", "there is no id table", false, put64(48, 1<<64-1)},
	{"xattr-table-beyond-end", "the extended attributes begin behind the end", false, put64(56, 1<<40)},

	{"piece-of-no-bytes", "a piece of metadata of no bytes", false, put16(inodes-2, 0x8000)},
	{"piece-too-long", "a piece of metadata of more than 8 KiB", false, put16(inodes-2, 0xffff)},
	{"piece-into-next-table", "a piece of metadata that reaches into the next table", false, put16(inodes-2, 0x80f0)},
	{"piece-does-not-decompress", "a piece of metadata that no compressor wrote", false, put16(inodes-2, 0x00da)},

	{"inode-type-0", "no such type of inode", false, put16(file, 0)},
	{"inode-type-15", "no such type of inode", false, put16(file, 15)},
	{"inode-type-of-another-kind", "the entry says file, the inode symbolic link", false, put16(file, 10)},
	{"inode-mode-type-bits", "a mode with bits above 07777", false, put16(file+2, 0o100644)},
	{"inode-owner", "an owner outside the id table", false, put16(file+4, 1)},
	{"inode-group", "a group outside the id table", false, put16(file+6, 1)},
	{"inode-number-zero", "an inode without a number", false, put32(file+12, 0)},
	{"inode-number-of-another", "two inodes with one number", false, put32(file+12, 4)},

	{"file-size-2-to-63", "a file of 2^63 bytes", false, put64(file+24, 1<<63)},
	{"file-size-1-eib", "a file of more blocks than there are", false, put64(file+24, 1<<60)},
	{"file-start-in-superblock", "a block that begins in the superblock", false, put64(file+16, 0)},
	{"file-start-in-tables", "a block that reaches into the tables", false, put64(file+16, 0x1000)},
	{"file-start-beyond-end", "a block behind the end", false, put64(file+16, 1<<62)},
	{"file-block-too-long", "a block of more bytes than a block has", false, put32(file+0x38, 1<<24|0x1001)},
	{"file-block-short", "a whole block that holds too few bytes", false, put32(file+0x38, 1<<24|0xfff)},
	{"file-block-does-not-decompress", "a block that no compressor wrote", false, put32(file+0x38, 0x1000)},
	{"file-fragment-number", "a fragment that there is not", false, put32(file+0x2c, 1)},
	{"file-fragment-offset", "an end behind the end of its fragment", false, put32(file+0x30, 1)},
	{"file-fragment-for-nothing", "a fragment, but whole blocks only", false, put64(file+24, 4096)},
	{"file-xattr-place", "extended attributes that there are not", false, put32(file+0x34, 1)},
	{"fragment-beyond-data", "a fragment that begins in the tables", false, put64(fragments, 0x1400)},
	{"fragment-at-2-to-63", "a fragment at a position that is negative if signed", false, put64(fragments, 1<<63)},
	{"fragment-of-no-bytes", "a fragment of no bytes", false, put32(fragments+8, 1<<24)},
	{"fragment-list", "a piece of the fragment table outside of it", false, put64(fragList, 0x1000000)},

	{"link-target-empty", "a symbolic link without target", false, put32(link+20, 0)},
	{"link-target-4-gib", "a symbolic link with a target of 4 GiB", false, put32(link+20, 1<<32-1)},
	{"link-target-nul", "a symbolic link with NUL in its target", false, put(link+25, 0)},

	{"listing-beyond-table", "a listing outside the directory table", false, put32(dirD+16, 0x10000)},
	{"listing-too-long", "a listing that goes on where no entries are", false, put16(dirD+24, 0x40)},
	{"listing-too-short", "a listing that ends within an entry", false, put16(dirD+24, 0x20)},
	{"listing-of-another", "two directories with one listing", false, put16(dirE+26, 0x19)},
	{"run-of-4-billion", "a header for more than 256 entries", false, put32(listD, 1<<32-1)},
	{"entry-beyond-inodes", "an entry whose inode is outside the table", false, put32(listD+4, 0x1000)},
	{"entry-within-inode", "an entry that refers to the middle of an inode", false, put16(listD+12, 0x28)},
	{"directory-parent", "a directory that names another than the one it stands in", false, put32(dirE+28, 1)},
	{"entry-is-parent", "a directory that holds itself", false, put(listD+12, 0x7c, 0, 2, 0)},
	{"entry-is-root", "a directory that holds the root", false, put(listD+12, 0xba, 0, 4, 0)},
	{"entry-number", "an entry with the number of another inode", false, put16(listD+14, 3)},
	{"entry-type", "an entry with the type of another inode", false, put16(listE+16, 3)},
	{"entry-extended-type", "an entry with an extended type", false, put16(listE+16, 9)},
	{"entry-name-4-kib", "a name of more than 256 bytes", false, put16(listE+18, 4095)},
	{"entry-name-slash", "a name with a slash", false, put(listE+21, '/')},
	{"entry-name-nul", "a name with NUL", false, put(listE+21, 0)},
	{"entry-name-dot", "an entry named \".\"", false, put(listD+20, '.')},
	{"entries-unsorted", "entries that are not in order", false, put(listD+20, 'z')},
	{"entries-twice", "two entries with one name", false, twice},

	{"ids-list", "a piece of the id table outside of it", false, put64(ids, 0x40)},
	{"xattrs-4-billion", "more extended attributes than the table holds", false, put32(xattrHead+8, 1<<32-1)},
	{"xattrs-start", "extended attributes that begin behind their table", false, put64(xattrHead, 0x15b0)},
	{"xattr-type", "an extended attribute with a prefix that there is not", false, put16(xattrSet, 3)},
	{"xattr-name-64-kib", "a name of an extended attribute of 64 KiB", false, put16(xattrSet+2, 65535)},
	{"xattr-value-4-gib", "an extended attribute of 4 GiB", false, put32(xattrSet+5, 1<<32-1)},
	{"xattr-value-elsewhere", "a value that stands outside the table", false, put16(xattrSet, 0x100)},
}

func cut(n int) func([]byte) []byte {
	return func(b []byte) []byte { return b[:n] }
}

func put(at int, bytes ...byte) func([]byte) []byte {
	return func(b []byte) []byte {
		copy(b[at:], bytes)
		return b
	}
}

func put16(at int, v uint16) func([]byte) []byte {
	return put(at, binary.LittleEndian.AppendUint16(nil, v)...)
}

func put32(at int, v uint32) func([]byte) []byte {
	return put(at, binary.LittleEndian.AppendUint32(nil, v)...)
}

func put64(at int, v uint64) func([]byte) []byte {
	return put(at, binary.LittleEndian.AppendUint64(nil, v)...)
}

// compressed has the inode table say that it is compressed.
func compressed(edit func([]byte) []byte) func([]byte) []byte {
	return func(b []byte) []byte { return put16(inodes-2, 0x00da)(edit(b)) }
}

// twice makes the listing of d hold one name twice, for the same file.
func twice(b []byte) []byte {
	run := b[listD:]
	copy(run[12:21], []byte{0, 0, 0xff, 0xff, 2, 0, 0, 0, 'x'}) // the empty file
	return put16(dirD+24, 3+12+9+9)(put(listD+21, 0, 0, 0xff, 0xff, 2, 0, 0, 0, 'x')(b))
}
