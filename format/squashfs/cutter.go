package squashfs

import (
	"errors"
	"fmt"
	"io"

	"repro/internal/codec"
)

// twinKey names content that is stored, once (SQ-10).
type twinKey struct {
	sum  [32]byte
	size int64
}

type cutter struct {
	*pipeline
	stored    map[twinKey]*content
	fragments uint32 // sent
	fillers   [2]fragmentFiller
}

// cut takes files in order and makes blocks of them.
func (p *pipeline) cut(all []*batch) error {
	defer close(p.work)
	defer close(p.queue)
	c := &cutter{pipeline: p, stored: map[twinKey]*content{}, fillers: newFragmentFillers(p.o.BlockSize)}
	for i, b := range all {
		select {
		case <-b.done:
		case <-p.ctx.Done():
			return p.ctx.Err()
		}
		var bytes int64
		for _, l := range b.files {
			if err := c.file(b, l); err != nil {
				return err
			}
			bytes += l.in.node.Size
		}
		if b.small() {
			b.release()
		}
		p.report(bytes)
		all[i] = nil
	}
	if err := p.ctx.Err(); err != nil {
		return err
	}
	for i := range c.fillers {
		if err := c.flushFragment(&c.fillers[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *cutter) file(b *batch, l *load) error {
	if l.err != nil {
		return l.err
	}
	known := l.small() || l.sum != [32]byte{}
	key := twinKey{l.sum, l.in.node.Size}
	if known {
		if l.in.content = c.stored[key]; l.in.content != nil {
			return nil
		}
	}
	l.in.content = &content{sum: l.sum, fragment: none32}
	blocks := l.in.node.Size / int64(c.o.BlockSize)
	if c.tailInBlock(l.in) > 0 {
		blocks++
	}
	if blocks > 0 {
		l.in.content.blocks = make([]uint32, blocks)
	}
	if known {
		c.stored[key] = l.in.content
	}
	if l.small() {
		return c.whole(b, l)
	}
	return c.stream(l)
}

// whole cuts a file that is in memory.
func (c *cutter) whole(b *batch, l *load) error {
	to := l.in.content
	if l.data == nil && l.in.node.Size > 0 {
		return c.unread(l)
	}
	rest := l.data
	for i := range to.blocks {
		n := min(c.o.BlockSize, len(rest))
		b.refs.Add(1)
		if err := c.send(&block{file: to, index: i, raw: rest[:n], batch: b, key: c.blockKey(to.sum, i)}); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return c.packTail(l.in, rest)
}

// unread cuts a file whose digest is known, and which is read only if a block
// that it lies in is not in the cache.
func (c *cutter) unread(l *load) error {
	to, at, size := l.in.content, 0, int(l.in.node.Size)
	for i := range to.blocks {
		raw := c.buffers.get()[:min(c.o.BlockSize, size-at)]
		b := &block{file: to, index: i, raw: raw, pooled: true, key: c.blockKey(to.sum, i)}
		b.unread = []unreadPart{{in: l.in, sum: l.sum, from: at, to: raw}}
		if err := c.send(b); err != nil {
			return err
		}
		at += len(raw)
	}
	rest, err := c.tailRoom(l.in, size-at)
	if len(rest) > 0 {
		e := c.fragmentFor(l.in)
		e.unread = append(e.unread, unreadPart{in: l.in, sum: l.sum, from: at, to: rest})
	}
	return err
}

// stream cuts a large file as it is read.
func (c *cutter) stream(l *load) (err error) {
	r, err := openFile(l.in)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	to := l.in.content
	for i := range to.blocks {
		raw := c.buffers.get()[:min(int64(c.o.BlockSize), r.left)]
		if _, err := io.ReadFull(r, raw); err != nil {
			return err
		}
		if err := c.send(&block{file: to, index: i, raw: raw, pooled: true}); err != nil {
			return err
		}
	}
	rest, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	sum, err := r.end()
	if err != nil {
		return err
	}
	if l.sum != [32]byte{} && l.sum != sum {
		return fmt.Errorf("%q: changed while it was read", l.in.path)
	}
	to.sum = sum
	return c.packTail(l.in, rest)
}

// send hands a block on, first to the queue, which bounds what is under way.
func (c *cutter) send(b *block) error {
	b.done = make(chan struct{})
	for _, to := range []chan<- *block{c.queue, c.work} {
		select {
		case to <- b:
		case <-c.ctx.Done():
			return c.ctx.Err()
		}
	}
	return nil
}

// pack compresses a block, or finds that it is a hole or better stored as it
// is (SQ-7). Only whole blocks of files can be holes (SQ-11).
func (p *pipeline) pack(e codec.Encoder, b *block) {
	if len(b.unread) > 0 && p.loadUnread(b) {
		return
	}
	if b.file != nil && len(b.raw) == p.o.BlockSize && allZero(b.raw) {
		return
	}
	buf := p.buffers.get()
	if p.fromCache(b, buf) {
		return
	}
	packed, err := e.Encode(buf[:0], b.raw)
	if err != nil {
		b.err = err
		return
	}
	if len(packed) >= len(b.raw) {
		packed = buf[:0]
	}
	b.take(packed)
	p.toCache(b, packed)
	if len(packed) == 0 {
		p.buffers.put(buf)
	}
}

// take makes packed what is written of b; nothing stands for b as it is.
func (b *block) take(packed []byte) {
	if len(packed) == 0 {
		b.packed, b.word = b.raw, uint32(len(b.raw))|blockRaw
		return
	}
	b.packed, b.word = packed, uint32(len(packed))
}

// recycle gives the memory of a written block back.
func (p *pipeline) recycle(b *block) {
	if b.word&blockRaw == 0 {
		p.buffers.put(b.packed)
	}
	if b.pooled {
		p.buffers.put(b.raw)
	}
	if b.batch != nil {
		b.batch.release()
	}
	b.raw, b.packed = nil, nil
}

func allZero(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		if le.Uint64(b) != 0 {
			return false
		}
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

func encodeFragments(fragments []fragment) []byte {
	b := make([]byte, 0, 16*len(fragments))
	for _, f := range fragments {
		b = le.AppendUint64(b, uint64(f.start))
		b = le.AppendUint32(b, f.size)
		b = le.AppendUint32(b, 0)
	}
	return b
}
