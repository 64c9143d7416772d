package squashfs

import (
	"encoding/binary"

	"repro/internal/codec"
)

const (
	magic          = 0x73717368
	superblockSize = 96
	metadataSize   = 8192 // uncompressed bytes in a metadata block
	padding        = 4096 // a file system's size is a multiple of this
	none64         = 1<<64 - 1
	none32         = 1<<32 - 1
)

// Flags of a superblock. Those not named here say which parts are stored
// uncompressed, which each block says for itself.
const (
	flagNoFragments    = 0x0010
	flagAlwaysFragment = 0x0020
	flagDeduplicated   = 0x0040
	flagExportable     = 0x0080
	flagNoXattrs       = 0x0200
	flagOptions        = 0x0400 // the compressor's options follow the superblock
)

// superblock is the first 96 bytes (SQ-2). Positions count from there; a table that
// is not present stands at none64.
type superblock struct {
	Magic         uint32
	Inodes        uint32
	ModTime       uint32 // of the file system
	BlockSize     uint32
	Fragments     uint32
	Compression   uint16 // a codec.Algorithm
	BlockLog      uint16 // BlockSize = 1 << BlockLog
	Flags         uint16
	IDs           uint16
	Major, Minor  uint16
	Root          uint64 // reference to the root's inode
	Size          uint64 // without padding
	IDTable       uint64
	XattrTable    uint64
	InodeTable    uint64
	DirTable      uint64
	FragmentTable uint64
	ExportTable   uint64
}

func (s *superblock) encode() []byte {
	b, _ := binary.Append(make([]byte, 0, superblockSize), binary.LittleEndian, s)
	return b
}

func (s *superblock) algorithm() codec.Algorithm { return codec.Algorithm(s.Compression) }

// decode reads and checks a superblock that has size bytes to describe (SQ-19).
func (s *superblock) decode(b []byte, size int64) error {
	if _, err := binary.Decode(b, le, s); err != nil {
		return err
	}
	switch {
	case s.Magic != magic:
		return malformed("no superblock")
	case s.Major != 4 || s.Minor != 0:
		return malformed("version %d.%d: this program reads 4.0", s.Major, s.Minor)
	case s.BlockSize < MinBlockSize || s.BlockSize > MaxBlockSize || s.BlockLog > 20 || s.BlockSize != 1<<s.BlockLog:
		return malformed("block size %d with logarithm %d", s.BlockSize, s.BlockLog)
	case s.Size < superblockSize || s.Size > uint64(size):
		return malformed("size %d: the file holds %d bytes", s.Size, size)
	case s.Inodes == 0 || s.Inodes > MaxInodes:
		return malformed("%d inodes: want 1 to %d", s.Inodes, MaxInodes)
	case s.Fragments > MaxFragments:
		return malformed("%d fragments: at most %d", s.Fragments, MaxFragments)
	case s.IDs == 0:
		return malformed("no user ids")
	case s.InodeTable < superblockSize || s.InodeTable > s.Size || s.DirTable > s.Size:
		return malformed("inode table at %d, directory table at %d: outside of %d bytes", s.InodeTable, s.DirTable, s.Size)
	}
	return nil
}
