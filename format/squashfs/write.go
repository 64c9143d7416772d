package squashfs

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/bits"
	"runtime"

	"repro/format/tree"
	"repro/internal/codec"
	"repro/internal/progress"
)

// Block sizes in bytes; they are powers of two.
const (
	MinBlockSize = 4 << 10
	MaxBlockSize = 1 << 20
)

// defaultBlockSize is what suits a codec, in bytes. Zstd finds repetitions all
// over a block: at 512 KiB a root file system takes a twentieth less than at
// 128 KiB. The price is that one read out of order decompresses up to that
// much. Zlib looks back 32 KiB at most, so a larger block would only be slower
// to read from.
func defaultBlockSize(c *codec.Codec) int {
	if c.Algorithm() == codec.Zstd {
		return 512 << 10
	}
	return 128 << 10
}

// Options say how a file system is written. Codec, BlockSize and ModTime
// determine bytes, the others do not.
type Options struct {
	Codec     string // as in codec.Find; "": zstd
	BlockSize int    // bytes; 0: 512 KiB for zstd, else 128 KiB
	ModTime   int64  // of the file system, seconds since 1970
	Workers   int    // goroutines that compress; 0: one a processor
	Cache     Cache  // of compressed blocks; nil: none
	Reread    bool   // read all files, also those whose digest a DigestCache knows
	Progress  progress.Func
	Task      string // named in progress; "": "compress"
}

// Output takes a file system: its bytes in order through Write, from position
// 0, then once through WriteAt the superblock, which stands at position 0.
type Output interface {
	io.Writer
	io.WriterAt
}

// Stats say what [Write] wrote.
type Stats struct {
	Size      int64    // bytes written, a multiple of 4096
	Files     int64    // inodes of every kind
	Bytes     int64    // sum of the sizes of regular files
	Content   [32]byte // tree.Digest of what was written
	Codec     string   // full name
	BlockSize int      // bytes
}

// Write writes the tree below root to out. The bytes are a pure function of
// the tree, file contents included, and of o: neither order of maps nor number
// of processors nor Workers show (SQ-4). When ctx ends or a file cannot be read as
// the tree describes it, Write returns an error that names the file; what it
// wrote until then is of no use. No goroutine outlives the call.
func Write(ctx context.Context, out Output, root *tree.Node, o Options) (Stats, error) {
	w, err := newWriter(out, o)
	if err != nil {
		return Stats{}, err
	}
	if w.plan, err = newPlan(root); err != nil {
		return Stats{}, err
	}
	content, err := w.data(ctx, root)
	if err != nil {
		return Stats{}, err
	}
	if err := w.tables(); err != nil {
		return Stats{}, err
	}
	return Stats{
		Size:      w.at,
		Files:     int64(len(w.plan.inodes)),
		Bytes:     w.plan.bytes,
		Content:   content,
		Codec:     w.codec.Name(),
		BlockSize: w.o.BlockSize,
	}, nil
}

type writer struct {
	o         Options
	out       Output
	codec     *codec.Codec
	encoder   codec.Encoder // for metadata
	plan      *plan
	at        int64 // bytes written
	super     superblock
	fragments []fragment
}

func newWriter(out Output, o Options) (*writer, error) {
	c, err := codec.Find(o.Codec)
	if err != nil {
		return nil, err
	}
	if o.BlockSize == 0 {
		o.BlockSize = defaultBlockSize(c)
	}
	if o.BlockSize < MinBlockSize || o.BlockSize > MaxBlockSize || bits.OnesCount(uint(o.BlockSize)) != 1 {
		return nil, fmt.Errorf("block size %d: want a power of two from %d to %d", o.BlockSize, MinBlockSize, MaxBlockSize)
	}
	if o.ModTime < 0 || o.ModTime > math.MaxUint32 {
		return nil, fmt.Errorf("time %d: squashfs holds 1970 to 2106", o.ModTime)
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Task == "" {
		o.Task = "compress"
	}
	e, err := c.NewEncoder(metadataSize)
	if err != nil {
		return nil, err
	}
	return &writer{o: o, out: out, codec: c, encoder: e}, nil
}

func (w *writer) write(b []byte) error {
	n, err := w.out.Write(b)
	w.at += int64(n)
	return err
}

// begin leaves room for the superblock and writes the compressor's options,
// which only inform: no reader needs them (SQ-3).
func (w *writer) begin() error {
	if err := w.write(make([]byte, superblockSize)); err != nil {
		return err
	}
	options := compressorOptions(w.codec)
	return w.write(append(le.AppendUint16(nil, metadataRaw|uint16(len(options))), options...))
}

// optionsSize is how many bytes of options a compressor has.
var optionsSize = map[codec.Algorithm]int{codec.Zstd: 4, codec.Gzip: 8}

func compressorOptions(c *codec.Codec) []byte {
	b := le.AppendUint32(nil, uint32(c.Level()))
	if c.Algorithm() == codec.Gzip {
		b = le.AppendUint16(b, 15) // log2 of the window
		b = le.AppendUint16(b, 0)  // strategies: the default one
	}
	return b
}

// tables writes everything behind the data, and the superblock (SQ-1, SQ-2).
func (w *writer) tables() error {
	if err := w.inodesAndDirectories(); err != nil {
		return err
	}
	w.super.FragmentTable = none64
	if len(w.fragments) > 0 {
		var err error
		if w.super.FragmentTable, err = w.table(encodeFragments(w.fragments)); err != nil {
			return err
		}
	}
	var err error
	if w.super.ExportTable, err = w.table(w.plan.exportTable()); err != nil {
		return err
	}
	if w.super.IDTable, err = w.table(w.plan.idTable()); err != nil {
		return err
	}
	if w.super.XattrTable, err = w.xattrs(); err != nil {
		return err
	}
	return w.end()
}

func (w *writer) end() error {
	s := &w.super
	s.Magic, s.Major, s.Minor = magic, 4, 0
	s.Inodes = uint32(len(w.plan.inodes))
	s.ModTime = uint32(w.o.ModTime)
	s.BlockSize = uint32(w.o.BlockSize)
	s.BlockLog = uint16(bits.Len(uint(w.o.BlockSize)) - 1)
	s.Fragments = uint32(len(w.fragments))
	s.Compression = uint16(w.codec.Algorithm())
	s.Flags = flagAlwaysFragment | flagDeduplicated | flagExportable | flagOptions
	if s.Fragments == 0 {
		s.Flags |= flagNoFragments
	}
	if s.XattrTable == none64 {
		s.Flags |= flagNoXattrs
	}
	s.IDs = uint16(len(w.plan.ids))
	s.Root = w.plan.root.ref
	s.Size = uint64(w.at)
	if err := w.write(make([]byte, -w.at&(padding-1))); err != nil {
		return err
	}
	_, err := w.out.WriteAt(s.encode(), 0)
	return err
}

// sum returns the digest of a regular file, for the content digest.
func (w *writer) sum(n *tree.Node) ([32]byte, error) {
	return w.plan.seen[n].content.sum, nil
}
