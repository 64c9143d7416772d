// Package codec compresses and decompresses the blocks of layers, and opens
// compressed streams.
//
// Equal input must give equal bytes, on every machine and for as long as an
// image is rebuilt. Compressors do not promise that: their output changes from
// release to release. So a codec has a name that holds all that determines its
// output ("gzip-9/repro-4-klauspost-1.20.3": algorithm, level, version of this
// program's part, library, release), images record that name, and golden
// digests in the tests of this package catch a library whose output moved under
// an unchanged name.
//
// The default, "zstd-2/repro-4", needs no library: SPEC.md, SQ-25 to SQ-33,
// says which bytes it writes, so that another implementation writes the same.
package codec

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// Parts of codecs' names: klauspost/compress at the release in go.mod, and the
// version of what this program itself has to do with the bytes: how package
// squashfs orders and cuts what is compressed, and this package's own encoder.
const (
	library = "klauspost-1.20.3"
	own     = "repro-4"
)

// Algorithm is a compressed format, numbered as in the superblock of squashfs.
type Algorithm uint16

// The formats that [Decode] reads.
const (
	Gzip Algorithm = 1 // zlib, RFC 1950
	LZMA Algorithm = 2 // LZMA alone, with its 13-byte header
	LZO  Algorithm = 3 // LZO1X
	XZ   Algorithm = 4
	LZ4  Algorithm = 5 // a bare LZ4 block
	Zstd Algorithm = 6 // RFC 8878
)

var algorithmNames = map[Algorithm]string{
	Gzip: "gzip", LZMA: "lzma", LZO: "lzo", XZ: "xz", LZ4: "lz4", Zstd: "zstd",
}

// String returns the name that squashfs-tools uses.
func (a Algorithm) String() string {
	if name, ok := algorithmNames[a]; ok {
		return name
	}
	return fmt.Sprintf("compression %d", uint16(a))
}

// Codec is one way to compress. Codecs are values of this package, found by
// name (SQ-5).
type Codec struct {
	alias     string
	algorithm Algorithm
	level     int    // as the reference implementation of the algorithm counts
	maker     string // what writes it, at which release
	open      func(window int) (Encoder, error)
}

// Encoder compresses blocks. It is for one goroutine at a time.
type Encoder interface {
	// Encode appends the compressed form of src to dst. It depends on nothing
	// but src.
	Encode(dst, src []byte) ([]byte, error)
}

// Default is the alias of the codec that is used where none is named.
const Default = "zstd"

var codecs = []*Codec{
	{alias: "zstd", algorithm: Zstd, level: 2, maker: own, open: openZstdBlocks},
	{alias: "zstd-small", algorithm: Zstd, level: 19, maker: own + "-" + library, open: openZstd(zstd.SpeedBestCompression)},
	{alias: "gzip", algorithm: Gzip, level: 9, maker: own + "-" + library, open: openGzip(zlib.BestCompression)},
	{alias: none, algorithm: Zstd, level: 1, maker: own, open: openNone},
}

// none is the codec that leaves blocks as they are. What it writes counts as
// zstd, since a reader that knows a format does not mind its absence.
const none = "none"

// Names returns the short names that [Find] knows, the default first.
func Names() []string {
	var names []string
	for _, c := range codecs {
		names = append(names, c.alias)
	}
	return names
}

// Find returns the codec that is called name: a short name ("zstd",
// "zstd-small", "gzip", "" for the default) or the full name that an image
// records. The full name of a codec of another release is an error: this
// program cannot write the same bytes.
func Find(name string) (*Codec, error) {
	if name == "" {
		name = Default
	}
	short, _, _ := strings.Cut(name, "/")
	for _, c := range codecs {
		if name == c.alias || name == c.Name() {
			return c, nil
		}
		if short == c.shortName() {
			return nil, fmt.Errorf("codec %q: this program has %s, which may write other bytes", name, c.Name())
		}
	}
	return nil, fmt.Errorf("codec %q: not one of %s", name, strings.Join(Names(), ", "))
}

func (c *Codec) shortName() string {
	if c.alias == none {
		return none
	}
	return fmt.Sprintf("%s-%d", c.algorithm, c.level)
}

// Name returns the full name, which stands for the bytes that c writes.
func (c *Codec) Name() string { return c.shortName() + "/" + c.maker }

// Algorithm returns the format of what c writes.
func (c *Codec) Algorithm() Algorithm { return c.algorithm }

// Level returns the compression level in the terms of the algorithm's
// reference implementation.
func (c *Codec) Level() int { return c.level }

// NewEncoder returns an encoder for blocks of up to size bytes. What it returns
// may be longer than what it was given: then a block is better stored as it is.
func (c *Codec) NewEncoder(size int) (Encoder, error) { return c.open(size) }

type noEncoder struct{}

func openNone(int) (Encoder, error) { return noEncoder{}, nil }

func (noEncoder) Encode(dst, src []byte) ([]byte, error) { return append(dst, src...), nil }

type zstdEncoder struct{ *zstd.Encoder }

func (e zstdEncoder) Encode(dst, src []byte) ([]byte, error) {
	return e.EncodeAll(src, dst), nil
}

// openZstd asks for single-segment frames without checksum (SQ-6): the kernel's
// squashfs refuses a window larger than a block, and layers are hashed anyway.
func openZstd(level zstd.EncoderLevel) func(int) (Encoder, error) {
	return func(size int) (Encoder, error) {
		window := zstd.MinWindowSize
		for window < size {
			window *= 2
		}
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1),
			zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true), zstd.WithWindowSize(window),
			zstd.WithLowerEncoderMem(true))
		return zstdEncoder{e}, err
	}
}

type gzipEncoder struct {
	w   *zlib.Writer
	out bytes.Buffer
}

func openGzip(level int) func(int) (Encoder, error) {
	return func(int) (Encoder, error) {
		w, err := zlib.NewWriterLevel(nil, level)
		return &gzipEncoder{w: w}, err
	}
}

func (e *gzipEncoder) Encode(dst, src []byte) ([]byte, error) {
	e.out.Reset()
	e.w.Reset(&e.out)
	if _, err := e.w.Write(src); err != nil {
		return nil, err
	}
	if err := e.w.Close(); err != nil {
		return nil, err
	}
	return append(dst, e.out.Bytes()...), nil
}
