package squashfs

import (
	"crypto/sha256"
	"fmt"
	"hash"

	"repro/internal/codec"
)

// Cache keeps compressed blocks from one writing to the next. Goroutines share
// it. It need not keep anything, but must never return under a key what was
// not put there.
type Cache interface {
	// Get returns the value of key, in the memory of buf; false if there is
	// none. A value beyond buf's capacity counts as none.
	Get(key [32]byte, buf []byte) ([]byte, bool)
	// Put keeps a copy of value.
	Put(key [32]byte, value []byte)
}

// Keys are digests of all that determines a compressed block: codec, size of
// blocks, and the bytes. Where the bytes are those of a file whose digest is
// known, that stands for them, so that nothing is hashed twice: the block of
// a file by digest and index, a fragment by the digests of the files whose
// ends it holds. No key is made of what stat says of a file: what is written
// was read in the same run.
const (
	keyOfBytes byte = iota
	keyOfFile
	keyOfEnds
)

func keySpace(c *codec.Codec, blockSize int) [32]byte {
	return sha256.Sum256(fmt.Appendf(nil, "repro squashfs block 1\n%s\n%d\n", c.Name(), blockSize))
}

// blockKey is the key of a whole block of a file with a digest.
func (p *pipeline) blockKey(sum [32]byte, index int) (key [32]byte) {
	if p.o.Cache == nil {
		return key
	}
	b := append(p.namespace[:], keyOfFile)
	return sha256.Sum256(le.AppendUint64(append(b, sum[:]...), uint64(index)))
}

// fragmentKey makes the key of a fragment.
type fragmentKey struct{ hash hash.Hash }

// add adds the last n bytes of the file with a digest.
func (k *fragmentKey) add(sum [32]byte, n int) {
	if k.hash == nil {
		k.hash = sha256.New()
	}
	k.hash.Write(le.AppendUint64(sum[:], uint64(n)))
}

// end returns the key and begins the next one.
func (k *fragmentKey) end(namespace [32]byte) [32]byte {
	list := k.hash.Sum(nil)
	k.hash.Reset()
	return sha256.Sum256(append(append(namespace[:], keyOfEnds), list...))
}

// fromCache takes the compressed block from the cache, into buf, if it is there.
func (p *pipeline) fromCache(b *block, buf []byte) bool {
	if p.o.Cache == nil {
		return false
	}
	if b.key == [32]byte{} {
		h := sha256.New()
		h.Write(append(p.namespace[:], keyOfBytes))
		h.Write(b.raw)
		h.Sum(b.key[:0])
	}
	packed, ok := p.o.Cache.Get(b.key, buf[:0])
	if !ok || len(packed) >= len(b.raw) {
		return false
	}
	b.take(packed)
	if len(packed) == 0 {
		p.buffers.put(buf)
	}
	return true
}

func (p *pipeline) toCache(b *block, packed []byte) {
	if p.o.Cache != nil {
		p.o.Cache.Put(b.key, packed)
	}
}
