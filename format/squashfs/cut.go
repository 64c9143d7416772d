package squashfs

import (
	"errors"
	"fmt"
	"io"

	"repro/internal/codec"
)

// twinKey names content that is stored.
type twinKey struct {
	sum  [32]byte
	size int64
}

type cutter struct {
	*pipeline
	stored    map[twinKey]*content
	fragments uint32 // sent
	ends      []byte // the next one, being filled
	lacks     []lack
	endsKey   endsKey
}

// cut takes files in order and makes blocks of them.
func (p *pipeline) cut(all []*batch) error {
	defer close(p.work)
	defer close(p.queue)
	c := &cutter{pipeline: p, stored: map[twinKey]*content{}}
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
	return c.flushEnds()
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
	if blocks := l.in.node.Size / int64(c.o.BlockSize); blocks > 0 {
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
	size, to := c.o.BlockSize, l.in.content
	if l.data == nil && l.in.node.Size > 0 {
		return c.unread(l)
	}
	for i := range to.blocks {
		b.refs.Add(1)
		if err := c.send(&block{file: to, index: i, raw: l.data[i*size : (i+1)*size], batch: b, key: c.blockKey(to.sum, i)}); err != nil {
			return err
		}
	}
	return c.end(to, l.data[len(to.blocks)*size:])
}

// unread cuts a file whose digest is known, and which is read only if a block
// that it lies in is not in the cache.
func (c *cutter) unread(l *load) error {
	size, to := c.o.BlockSize, l.in.content
	for i := range to.blocks {
		raw := c.buffers.get()
		b := &block{file: to, index: i, raw: raw, pooled: true, key: c.blockKey(to.sum, i)}
		b.lacks = []lack{{in: l.in, sum: l.sum, from: i * size, to: raw}}
		if err := c.send(b); err != nil {
			return err
		}
	}
	from := len(to.blocks) * size
	rest, err := c.endRoom(to, int(l.in.node.Size)-from)
	if len(rest) > 0 {
		c.lacks = append(c.lacks, lack{in: l.in, sum: l.sum, from: from, to: rest})
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
		raw := c.buffers.get()
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
	return c.end(to, rest)
}

// end packs what is left of a file after its blocks.
func (c *cutter) end(to *content, rest []byte) error {
	room, err := c.endRoom(to, len(rest))
	copy(room, rest)
	return err
}

// endRoom returns where in a fragment the last n bytes of a file go.
func (c *cutter) endRoom(to *content, n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	if len(c.ends)+n > c.o.BlockSize {
		if err := c.flushEnds(); err != nil {
			return nil, err
		}
	}
	if c.ends == nil {
		c.ends = c.buffers.get()[:0]
	}
	at := len(c.ends)
	to.fragment, to.offset = c.fragments, uint32(at)
	c.ends = c.ends[:at+n]
	if c.o.Cache != nil {
		c.endsKey.add(to.sum, n)
	}
	return c.ends[at:], nil
}

func (c *cutter) flushEnds() error {
	if len(c.ends) == 0 {
		return nil
	}
	b := &block{raw: c.ends, pooled: true, lacks: c.lacks}
	c.lacks = nil
	if c.o.Cache != nil {
		b.key = c.endsKey.end(c.namespace)
	}
	c.ends = nil
	c.fragments++
	return c.send(b)
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
// is. Only whole blocks of files can be holes.
func (p *pipeline) pack(e codec.Encoder, b *block) {
	if len(b.lacks) > 0 && p.recallUnread(b) {
		return
	}
	if b.file != nil && allZero(b.raw) {
		return
	}
	buf := p.buffers.get()
	if p.recall(b, buf) {
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
	p.keep(b, packed)
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
