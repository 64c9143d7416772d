package squashfs

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"repro/format/tree"
	"repro/internal/codec"
)

// ErrMalformed is what every error about a file system that is not as the
// format or this package's limits ask wraps (SQ-19, SQ-20).
var ErrMalformed = errors.New("malformed squashfs")

func malformed(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, a...))
}

// Reader reads a file system. It is an fs.FS; see [Reader.Open]. Goroutines
// may share it. What it keeps in memory is bounded by the constants of this
// package, whatever the file system says; most of it are its [Caches].
type Reader struct {
	src   io.ReaderAt
	size  int64 // of the file system, without padding
	super superblock

	inodes    region
	dirs      region
	fragments index
	ids       []uint32
	idTable   index
	xattrs    xattrIndex

	metadata *cache[metadataBlock]
	data     *blocks
	listings *cache[[]tree.Name]

	claims claims

	zero sync.Once
	hole []byte // a block of zeros
}

// region is where a stream of metadata stands: the bytes from start to end.
type region struct{ start, end int64 }

// NewReader is [Caches.NewReader] with caches of its own.
func NewReader(r io.ReaderAt, size int64) (*Reader, error) {
	return NewCaches().NewReader(r, size)
}

// NewReader reads the superblock and the small tables of the file system that
// stands in the size bytes of r, which may be followed by padding. An error
// wraps [ErrMalformed] unless r itself failed.
func (c *Caches) NewReader(r io.ReaderAt, size int64) (*Reader, error) {
	b := make([]byte, superblockSize)
	if size < superblockSize {
		return nil, malformed("%d bytes are too few for a superblock", size)
	}
	if _, err := r.ReadAt(b, 0); err != nil {
		return nil, err
	}
	s := &Reader{
		src:      r,
		metadata: c.metadata,
		listings: c.listings,
	}
	if err := s.super.decode(b, size); err != nil {
		return nil, err
	}
	s.size = int64(s.super.Size)
	s.data = c.blocks(int(s.super.BlockSize))
	if err := s.openTables(); err != nil {
		return nil, err
	}
	return s, nil
}

// Algorithm returns how the file system is compressed.
func (r *Reader) Algorithm() codec.Algorithm { return r.super.algorithm() }

// BlockSize returns the size in bytes of the blocks that files are cut into.
func (r *Reader) BlockSize() int { return int(r.super.BlockSize) }

// Size returns the size in bytes of the file system without padding.
func (r *Reader) Size() int64 { return r.size }

// Inodes returns the number of files of every kind, hard links counted once.
func (r *Reader) Inodes() int64 { return int64(r.super.Inodes) }

// ModTime returns the time of the file system itself, seconds since 1970.
func (r *Reader) ModTime() int64 { return int64(r.super.ModTime) }

// openTables finds the tables. They stand one behind the other (SQ-1); each
// ends where the next one that is present begins.
func (r *Reader) openTables() (err error) {
	s := &r.super
	end := r.size
	if s.XattrTable != none64 {
		if end, err = r.openXattrs(end); err != nil {
			return err
		}
	}
	if end, err = r.openIDs(end); err != nil {
		return err
	}
	if s.ExportTable != none64 {
		if end, err = r.tableStart("export table", s.ExportTable, uint64(s.Inodes), 8, end); err != nil {
			return err
		}
	}
	if s.Fragments > 0 {
		r.fragments = index{at: int64(s.FragmentTable), count: uint64(s.Fragments), width: fragmentSize}
		start, err := r.tableStart("fragment table", s.FragmentTable, uint64(s.Fragments), fragmentSize, end)
		if err != nil {
			return err
		}
		r.fragments.region = region{start, r.fragments.at}
		end = start
	}
	r.inodes = region{int64(s.InodeTable), int64(s.DirTable)}
	r.dirs = region{int64(s.DirTable), end}
	if s.DirTable > uint64(end) || s.InodeTable >= s.DirTable {
		return malformed("directory table at %d: not between the inode table at %d and %d", s.DirTable, s.InodeTable, end)
	}
	return nil
}

func (r *Reader) openIDs(end int64) (int64, error) {
	s := &r.super
	start, err := r.tableStart("id table", s.IDTable, uint64(s.IDs), 4, end)
	if err != nil {
		return 0, err
	}
	r.idTable = index{region: region{start, int64(s.IDTable)}, at: int64(s.IDTable), count: uint64(s.IDs), width: 4}
	r.ids = make([]uint32, s.IDs)
	for i := range r.ids {
		b, err := r.record(r.idTable, uint64(i))
		if err != nil {
			return 0, fmt.Errorf("id table: %w", err)
		}
		if r.ids[i] = le.Uint32(b); r.ids[i] == none32 { // -1: Linux takes it for nobody, others for the reader
			return 0, malformed("id table: %d is no id", r.ids[i])
		}
	}
	return start, nil
}
