package squashfs

import (
	"context"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"repro/format/tree"
	"repro/internal/progress"
)

// Data goes through four stages, each in goroutines of its own:
//
//	loaders     read small files and hash them, in any order, ahead of
//	cutter      which takes files in order, drops what is stored already, cuts
//	            the rest into blocks, packs ends into fragments, and hands each
//	            block to a compressor and, in the same order, to the emitter
//	compressors work on blocks in any order
//	emitter     waits for each block in turn and writes it
//
// All decisions are the cutter's, so they depend on the order of files only.

// content is where the bytes of one file, or of several equal ones, stand.
type content struct {
	sum      [32]byte
	start    int64    // of the first block
	blocks   []uint32 // stored sizes, with blockRaw; 0 for a hole
	holes    int64    // bytes in holes
	fragment uint32   // none32: no end in a fragment
	offset   uint32   // of the end in the fragment's uncompressed bytes
}

// fragment is where one fragment block stands.
type fragment struct {
	start int64
	size  uint32 // stored, with blockRaw
}

// blockRaw in the stored size of a block says that it is not compressed.
const blockRaw = 1 << 24

// block is one block on its way to the output.
type block struct {
	raw    []byte
	pooled bool          // raw goes back to the pool
	batch  *batch        // that raw lies in; nil: in none
	unread []unreadPart  // what of raw is not read yet
	packed []byte        // what is written; empty for a hole
	word   uint32        // as it stands in the list of blocks
	done   chan struct{} // closed when packed and word are set
	err    error
	key    [32]byte // in the cache; zero where only the bytes tell it
	file   *content // whose block it is, number index; nil for a fragment
	index  int      // in the file
}

// Bounds on what is under way at once, in bytes: with the two it costs for
// each compressor, all that a writer holds apart from the tree's description.
const (
	maxLoading  = 32 << 20 // small files read and not written
	maxInFlight = 32 << 20 // blocks cut and not written, uncompressed
	minInFlight = 4        // blocks
)

type pipeline struct {
	*writer
	ctx     context.Context
	work    chan *block // to compressors
	queue   chan *block // to the emitter
	buffers bufferPool
	digests digests

	namespace [32]byte // of keys in the cache
	done      int64    // bytes cut, for progress
}

// data writes all blocks and sets where each file's content stands. It returns
// the content digest of the tree.
func (w *writer) data(ctx context.Context, root *tree.Node) (content [32]byte, err error) {
	all := batches(storageOrder(w.plan.regular()))
	g, ctx := errgroup.WithContext(ctx)
	depth := max(maxInFlight/w.o.BlockSize, minInFlight, 2*w.o.Workers)
	p := &pipeline{writer: w, ctx: ctx, work: make(chan *block, depth), queue: make(chan *block, depth)}
	p.buffers.size = w.o.BlockSize
	p.namespace = keySpace(w.codec, w.o.BlockSize)
	p.digests.cache, _ = w.o.Cache.(DigestCache)
	p.digests.reread = w.o.Reread

	p.startLoaders(g, all)
	g.Go(func() (err error) {
		if err = p.cut(all); err == nil { // all is read; the last blocks are still being compressed
			content, err = tree.Digest(root, w.sum)
		}
		return err
	})
	for range w.o.Workers {
		g.Go(p.compress)
	}
	g.Go(p.emit)
	err = g.Wait()
	return content, err
}

// startLoaders reads batches ahead of the cutter, as far as there is room.
func (p *pipeline) startLoaders(g *errgroup.Group, all []*batch) {
	room := semaphore.NewWeighted(maxLoading / maxWhole)
	pool := bufferPool{size: maxWhole + 1}
	free := func(b *batch) {
		pool.put(b.buf)
		room.Release(1)
	}
	jobs := make(chan *batch)
	for range p.o.Workers {
		g.Go(func() error {
			for b := range jobs {
				b.run(p.ctx, p.digests)
			}
			return nil
		})
	}
	for _, b := range all {
		b.done = make(chan struct{})
	}
	g.Go(func() error {
		defer close(jobs)
		for _, b := range all {
			if b.small() {
				if err := room.Acquire(p.ctx, 1); err != nil {
					return err
				}
				b.buf, b.free = pool.get(), free
				b.refs.Store(1)
			}
			select {
			case jobs <- b:
			case <-p.ctx.Done():
				return p.ctx.Err()
			}
		}
		return nil
	})
}

func (p *pipeline) compress() error {
	e, err := p.codec.NewEncoder(p.o.BlockSize)
	if err != nil {
		return err
	}
	for {
		select {
		case b, ok := <-p.work:
			if !ok {
				return nil
			}
			p.pack(e, b)
			close(b.done)
		case <-p.ctx.Done():
			return p.ctx.Err()
		}
	}
}

func (p *pipeline) emit() error {
	if err := p.begin(); err != nil {
		return err
	}
	for {
		select {
		case b, ok := <-p.queue:
			if !ok {
				return nil
			}
			select {
			case <-b.done:
			case <-p.ctx.Done():
				return p.ctx.Err()
			}
			if err := p.store(b); err != nil {
				return err
			}
		case <-p.ctx.Done():
			return p.ctx.Err()
		}
	}
}

// store writes a finished block and records where it stands.
func (p *pipeline) store(b *block) error {
	if b.err != nil {
		return b.err
	}
	switch {
	case b.file == nil:
		p.fragments = append(p.fragments, fragment{start: p.at, size: b.word})
	case b.word == 0:
		b.file.holes += int64(len(b.raw))
	default:
		if b.file.start == 0 {
			b.file.start = p.at
		}
		b.file.blocks[b.index] = b.word
	}
	if err := p.write(b.packed); err != nil {
		return err
	}
	p.recycle(b)
	return nil
}

func (p *pipeline) report(n int64) {
	p.done += n
	p.o.Progress.Report(progress.Event{Task: p.o.Task, Done: p.done, Total: p.plan.bytes, Bytes: true})
}
