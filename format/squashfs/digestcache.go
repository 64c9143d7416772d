package squashfs

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"repro/format/tree"
)

// DigestCache is a Cache that also knows the digests of files that it has seen
// with a [tree.Node.Stamp]. Files up to 1 MiB whose digest it knows are not
// read, unless a block that they lie in is not in the cache.
type DigestCache interface {
	Cache
	Digest(stamp string) (sum [32]byte, ok bool)
	KeepDigest(stamp string, sum [32]byte)
}

// ErrStale says that a file had not the digest that a DigestCache knew, though
// its stamp was the same. Writing again with Options.Reread does without.
var ErrStale = errors.New("content changed, and neither size nor times of the file tell")

// digests is a DigestCache or nothing.
type digests struct {
	cache  DigestCache
	reread bool // and note what is found, in place of what was known
}

func (d digests) of(n *tree.Node) (sum [32]byte, ok bool) {
	if d.cache == nil || d.reread || n.Stamp == "" {
		return sum, false
	}
	return d.cache.Digest(n.Stamp)
}

func (d digests) keep(n *tree.Node, sum [32]byte) {
	if d.cache != nil && n.Stamp != "" {
		d.cache.KeepDigest(n.Stamp, sum)
	}
}

// unreadPart is a part of a block that is not read yet.
type unreadPart struct {
	in   *inode
	sum  [32]byte // of the file
	from int      // in the file
	to   []byte   // in the block
}

// loadUnread takes a block from the cache whose bytes are not all there. If
// it cannot, they are when it returns.
func (p *pipeline) loadUnread(b *block) bool {
	buf := p.buffers.get()
	packed, ok := p.o.Cache.Get(b.key, buf[:0])
	if ok && len(packed) > 0 && len(packed) < len(b.raw) {
		b.take(packed)
		return true
	}
	p.buffers.put(buf)
	for _, l := range b.unread {
		if b.err = l.read(); b.err != nil {
			return true
		}
	}
	return false
}

func (l unreadPart) read() error {
	data := make([]byte, l.in.node.Size+1)
	if err := l.in.read(data); err != nil {
		return err
	}
	data = data[:l.in.node.Size]
	if sha256.Sum256(data) != l.sum {
		return fmt.Errorf("%q: %w", l.in.path, ErrStale)
	}
	copy(l.to, data[l.from:])
	return nil
}
