package squashfs

import (
	"path"
	"strings"
)

// startFragment is how many bytes a fragment holds at most of what programs
// start from.
const startFragment = 128 << 10

// bulk holds the extensions of files of which many are read in a row or none
// at all while programs run: sources, headers, static libraries, byte code,
// texts and translations. They make up most of the small files of a root file
// system and repeat each other, so they go into fragments as large as blocks.
// A program, a shared library or a configuration does not wait behind them:
// those share small fragments of their own.
var bulk = map[string]bool{}

func init() {
	for e := range strings.FieldsSeq(`R a c cc cpp css f f90 h hh hpp html hxx jl js json la list
		md md5sums mo o pl pm po pod py pyc pyi rst svg symbols tcl tex txt xml`) {
		bulk[e] = true
	}
}

// isBulk tells by the last element of a file's path. A name that only begins
// with a dot has no extension.
func isBulk(name string) bool {
	base := path.Base(name)
	dot := strings.LastIndexByte(base, '.')
	return dot > 0 && bulk[base[dot+1:]]
}

// fragmentFiller fills fragments of one kind with the tails of files: the bytes
// after their last whole block (SQ-9).
type fragmentFiller struct {
	room   int        // bytes that a fragment holds at most
	alone  int        // a tail of so many bytes or more is a block of its own
	raw    []byte     // the fragment that is being filled
	files  []*content // whose tails are in it
	unread []unreadPart
	key    fragmentKey
}

// newFragmentFillers returns the two kinds: for files that programs start from,
// and for bulk.
func newFragmentFillers(blockSize int) [2]fragmentFiller {
	small := min(startFragment, blockSize)
	return [2]fragmentFiller{
		{room: small, alone: small},
		{room: blockSize, alone: max(startFragment, blockSize/2)},
	}
}

// fragmentFor returns the filler for a file.
func (c *cutter) fragmentFor(in *inode) *fragmentFiller {
	if isBulk(in.path) {
		return &c.fillers[1]
	}
	return &c.fillers[0]
}

// tailInBlock returns the size of the tail of a file that is a block of its own; 0
// if the tail goes into a fragment.
func (c *cutter) tailInBlock(in *inode) int {
	n := int(in.node.Size % int64(c.o.BlockSize))
	if n >= c.fragmentFor(in).alone {
		return n
	}
	return 0
}

// packTail puts the tail of a file into a fragment.
func (c *cutter) packTail(in *inode, rest []byte) error {
	room, err := c.tailRoom(in, len(rest))
	copy(room, rest)
	return err
}

// tailRoom returns the place in a fragment for a tail of n bytes.
func (c *cutter) tailRoom(in *inode, n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	e := c.fragmentFor(in)
	if len(e.raw)+n > e.room {
		if err := c.flushFragment(e); err != nil {
			return nil, err
		}
	}
	if e.raw == nil {
		e.raw = c.buffers.get()[:0]
	}
	at := len(e.raw)
	in.content.offset = uint32(at)
	e.files = append(e.files, in.content)
	e.raw = e.raw[:at+n]
	if c.o.Cache != nil {
		e.key.add(in.content.sum, n)
	}
	return e.raw[at:], nil
}

// flushFragment hands a fragment to the compressors. It gets its number only now,
// because two are filled at a time.
func (c *cutter) flushFragment(e *fragmentFiller) error {
	if len(e.raw) == 0 {
		return nil
	}
	for _, f := range e.files {
		f.fragment = c.fragments
	}
	c.fragments++
	b := &block{raw: e.raw, pooled: true, unread: e.unread}
	if c.o.Cache != nil {
		b.key = e.key.end(c.namespace)
	}
	e.raw, e.files, e.unread = nil, e.files[:0], nil
	return c.send(b)
}
