// Package verity writes and checks the hash tree of a layer: the Merkle tree
// of Linux fs-verity (kernel documentation, filesystems/fsverity) with
// SHA-256, blocks of 64 KiB and no salt.
//
// Level 0 holds the SHA-256 of every block of the file, the last block filled
// up with zeros. Hashes are packed into blocks of the same size, 2048 to a
// block, the last block filled up with zeros; the hashes of these blocks make
// the next level, until one block is left. The SHA-256 of that block is the
// root hash. The tree is stored with the highest level first. A file of one
// block has no tree: its root hash is the block's; that of an empty file is
// 32 zero bytes.
//
// The digest of a file is the SHA-256 of fs-verity's descriptor of 256 bytes,
// which holds the file's size and the root hash ([Digest]). So
//
//	fsverity digest --block-size=65536 --out-merkle-tree=TREE FILE
//
// gives the same tree and the same digest.
package verity

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
)

// BlockSize is the size in bytes of the blocks that are hashed, both of the
// file and of the tree.
const BlockSize = 64 << 10

const (
	hashSize    = sha256.Size
	logBlock    = 16
	perBlock    = BlockSize / hashSize // hashes in one block of the tree
	logPerBlock = 11
)

// Digest returns the fs-verity digest of a file of size bytes whose tree has
// the root hash root (struct fsverity_descriptor of linux/fsverity.h).
func Digest(size int64, root [32]byte) [32]byte {
	var d [256]byte
	d[0] = 1        // version
	d[1] = 1        // FS_VERITY_HASH_ALG_SHA256
	d[2] = logBlock // and no salt: d[3] is 0
	binary.LittleEndian.PutUint64(d[8:], uint64(size))
	copy(d[16:80], root[:])
	return sha256.Sum256(d[:])
}

// TreeSize returns the size in bytes of the tree of a file of size bytes: 0
// for files of up to one block.
func TreeSize(size int64) int64 {
	_, tree := levels(size)
	return tree
}

// level is where one level of a tree lies.
type level struct {
	start  int64 // byte offset in the tree
	hashes int64 // how many it holds
}

// levels returns the levels of the tree of a file of size bytes, lowest first,
// and the size of the tree.
func levels(size int64) (ls []level, tree int64) {
	for n := blocks(size); n > 1; {
		ls = append(ls, level{hashes: n})
		n = blocks(n * hashSize)
		tree += n * BlockSize
	}
	end := tree
	for i := range ls {
		ls[i].start = end - blocks(ls[i].hashes*hashSize)*BlockSize
		end = ls[i].start
	}
	return ls, tree
}

func blocks(size int64) int64 {
	if size > math.MaxInt64-BlockSize {
		return math.MaxInt64 >> logBlock
	}
	return (size + BlockSize - 1) / BlockSize
}

// hashBlock returns the SHA-256 of b filled up with zeros to a whole block.
func hashBlock(b []byte) [32]byte {
	if len(b) == BlockSize {
		return sha256.Sum256(b)
	}
	h := sha256.New()
	h.Write(b)
	h.Write(zeros[:BlockSize-len(b)])
	return [32]byte(h.Sum(nil))
}

var zeros [BlockSize]byte

// CorruptError says that bytes do not match the hash tree, or that the tree
// does not match the digest.
type CorruptError struct {
	Offset int64 // of the first byte of the block: in the file, or in the tree
	Tree   bool  // the tree is what does not match
}

func (e *CorruptError) Error() string {
	if e.Tree {
		return fmt.Sprintf("hash tree: block at byte %d differs from what the digest binds", e.Offset)
	}
	return fmt.Sprintf("block at byte %d differs from its hash", e.Offset)
}
