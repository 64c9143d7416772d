// Package hdf5 reads what HDF5 files hold: their groups, data sets, attributes
// and links, as NetCDF 4, MATLAB 7.3, pandas and h5py write them. It writes
// nothing.
//
// It follows the HDF5 File Format Specification, Version 3.0 (The HDF Group).
// Whatever it does not know to be without meaning ends in an error, so that
// two files of which it says the same hold the same:
//
//	f, err := hdf5.Open(file, size)
//	nodes, err := f.Nodes(ctx)
//	for _, n := range nodes {
//		arrays, err := n.Read(ctx)
//	}
//
// Names and values are as hostile as the file. Memory is bounded by the limits
// below, whatever the file says.
package hdf5

import (
	"encoding/binary"
	"errors"
	"io"
	"repro/internal/badfile"
)

// Limits on what is read.
const (
	MaxNodes    = 1 << 16   // groups, data sets, attributes and links
	MaxData     = 192 << 20 // bytes of one data set
	MaxMixed    = 64 << 20  // bytes of one of compounds or of values of variable length, which are taken apart
	maxChunk    = 64 << 20
	MaxUnpacked = 4 << 30  // bytes of all data sets
	maxReads    = 8        // times its size that a file is read; blocks that refer to each other could ask for more
	minReads    = 64 << 20 // bytes that may be read of any file
	maxVisits   = 1 << 22  // nodes of indexes
	maxMessage  = 1 << 24  // bytes of the messages of one object, of a node or of a heap's block
	maxDepth    = 64       // groups within each other, and levels of an index
	maxRank     = 32
)

// undefined is the address of what is not there.
const undefined = ^uint64(0)

// File is an open file. It may not be shared by goroutines.
type File struct {
	r       io.ReaderAt
	size    int64
	base    uint64 // of all addresses
	offsets int    // bytes of an address
	lengths int    // bytes of a length
	root    uint64 // address of the root group's header

	left    int64             // bytes that values may yet have
	reads   int64             // bytes that may yet be read
	names   map[uint64]string // of objects, by address
	nodes   []Node
	headers int
	visits  int
	heaps   map[uint64]globalHeap // the last few read
}

var signature = []byte("\x89HDF\r\n\x1a\n")

// Open reads the superblock. It looks for it where the format allows one: at
// the start, and at each power of two from 512.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f := &File{r: r, size: size, left: MaxUnpacked, reads: maxReads*size + minReads, names: map[uint64]string{}, heaps: map[uint64]globalHeap{}}
	for at := int64(0); at+int64(len(signature)) <= size; at = max(512, 2*at) {
		var b [8]byte
		if _, err := r.ReadAt(b[:], at); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if string(b[:]) == string(signature) {
			return f, f.superblock(at)
		}
	}
	return nil, badfile.Damaged("it has no superblock")
}

func (f *File) superblock(at int64) error {
	b := make([]byte, min(128, f.size-at))
	if _, err := f.r.ReadAt(b, at); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	c := &cursor{b: b[8:]}
	version := c.byte()
	switch version {
	case 0, 1:
		c.take(4)
		f.offsets, f.lengths = int(c.byte()), int(c.byte())
		c.take(1 + 4 + 4)
		if version == 1 {
			c.take(4)
		}
	case 2, 3:
		f.offsets, f.lengths = int(c.byte()), int(c.byte())
		c.take(1)
	default:
		return badfile.Unread("a superblock of version %d", version)
	}
	if f.offsets != 4 && f.offsets != 8 || f.lengths != 4 && f.lengths != 8 {
		return badfile.Unread("addresses of %d and lengths of %d bytes", f.offsets, f.lengths)
	}
	f.base = f.address(c)
	extension := f.address(c)
	f.address(c) // the end of the file
	if version < 2 {
		if f.address(c) != undefined {
			return badfile.Unread("a file of several parts")
		}
		f.address(c) // the root's name
	} else if extension != undefined {
		if err := f.checkExtension(extension); err != nil {
			return err
		}
	}
	if f.root = f.address(c); c.bad {
		return badfile.Damaged("the superblock ends too early")
	}
	if f.base == undefined || f.base > uint64(f.size) {
		return badfile.Damaged("the base address lies beyond the end of the file")
	}
	return nil
}

// checkExtension looks for what a superblock's extension may say of how the
// file is to be read.
func (f *File) checkExtension(at uint64) error {
	messages, err := f.header(at)
	if err != nil {
		return err
	}
	for _, m := range messages {
		switch m.kind {
		case msgNil, msgContinuation, 0x13, 0x17: // B-tree K values, file space: how room is kept
		default:
			return badfile.Unread("an extension of the superblock of type %#x", m.kind)
		}
	}
	return nil
}

// at reads size bytes at an address of the file's.
func (f *File) at(address uint64, size int) ([]byte, error) { return f.into(nil, address, size) }

// into does the same, in the memory of b where that is enough.
func (f *File) into(b []byte, address uint64, size int) ([]byte, error) {
	if address == undefined || address > uint64(f.size) || size < 0 || uint64(size) > uint64(f.size)-address || address+f.base > uint64(f.size) || uint64(size) > uint64(f.size)-address-f.base {
		return nil, badfile.Damaged("%d bytes at %d lie beyond the end of the file", size, address)
	}
	if f.reads -= int64(size); f.reads < 0 {
		return nil, badfile.TooLarge("its blocks refer to each other too often")
	}
	if cap(b) < size {
		b = make([]byte, size)
	}
	b = b[:size]
	n, err := f.r.ReadAt(b, int64(address+f.base))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	clear(b[n:])
	return b, nil
}

// block reads a block of metadata that begins with a mark.
func (f *File) block(address uint64, mark string, size int) (*cursor, error) {
	if size > maxMessage {
		return nil, badfile.TooLarge("a block of %d bytes", size)
	}
	if size < len(mark) {
		return nil, badfile.Damaged("a block of %d bytes", size)
	}
	b, err := f.at(address, size)
	if err != nil {
		return nil, err
	}
	if string(b[:len(mark)]) != mark {
		return nil, badfile.Damaged("no %s at %d", mark, address)
	}
	return &cursor{b: b[len(mark):]}, nil
}

func (f *File) address(c *cursor) uint64 { return c.sized(f.offsets) }
func (f *File) length(c *cursor) uint64  { return c.sized(f.lengths) }

// cursor takes little-endian numbers from bytes. Beyond their end it yields
// zeros, and is bad from then on.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b) || c.bad {
		c.bad = true
		return make([]byte, max(0, min(n, 64)))
	}
	b := c.b[:n:n]
	c.b = c.b[n:]
	return b
}

func (c *cursor) byte() byte  { return c.take(1)[0] }
func (c *cursor) u16() uint16 { return binary.LittleEndian.Uint16(c.take(2)) }
func (c *cursor) u32() uint32 { return binary.LittleEndian.Uint32(c.take(4)) }

// sized reads a number of 1 to 8 bytes. One of 4 or 8 bytes, all of them ff,
// is undefined.
func (c *cursor) sized(n int) uint64 {
	var v uint64
	ones := n == 4 || n == 8
	for i, b := range c.take(n) {
		v |= uint64(b) << (8 * i)
		ones = ones && b == 0xff
	}
	if ones {
		return undefined
	}
	return v
}
