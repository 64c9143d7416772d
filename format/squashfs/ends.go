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

// ends fills fragments of one kind with what is left of files (SQ-9).
type ends struct {
	room  int        // bytes that a fragment holds at most
	alone int        // ends of so many bytes are blocks of their own
	raw   []byte     // the fragment that is being filled
	files []*content // that have an end in it
	lacks []lack
	key   endsKey
}

// newEnds returns the two kinds: of starting, and of bulk.
func newEnds(blockSize int) [2]ends {
	small := min(startFragment, blockSize)
	return [2]ends{
		{room: small, alone: small},
		{room: blockSize, alone: max(startFragment, blockSize/2)},
	}
}

// ends returns the kind of a file.
func (c *cutter) endsOf(in *inode) *ends {
	if isBulk(in.path) {
		return &c.ends[1]
	}
	return &c.ends[0]
}

// alone returns how many bytes at the end of a file are a block of their own;
// 0 if the end goes into a fragment.
func (c *cutter) alone(in *inode) int {
	n := int(in.node.Size % int64(c.o.BlockSize))
	if n >= c.endsOf(in).alone {
		return n
	}
	return 0
}

// end packs what is left of a file after its blocks.
func (c *cutter) end(in *inode, rest []byte) error {
	room, err := c.endRoom(in, len(rest))
	copy(room, rest)
	return err
}

// endRoom returns where in a fragment the last n bytes of a file go.
func (c *cutter) endRoom(in *inode, n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	e := c.endsOf(in)
	if len(e.raw)+n > e.room {
		if err := c.flushEnds(e); err != nil {
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

// flushEnds sends a fragment on. Its number is known only then, for two are
// filled at a time.
func (c *cutter) flushEnds(e *ends) error {
	if len(e.raw) == 0 {
		return nil
	}
	for _, f := range e.files {
		f.fragment = c.fragments
	}
	c.fragments++
	b := &block{raw: e.raw, pooled: true, lacks: e.lacks}
	if c.o.Cache != nil {
		b.key = e.key.end(c.namespace)
	}
	e.raw, e.files, e.lacks = nil, e.files[:0], nil
	return c.send(b)
}
