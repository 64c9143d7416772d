package codec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// ErrTooLong says that a block decompresses to more than it may.
var ErrTooLong = errors.New("more data than a block holds")

// Slack is how much capacity behind the end of what is decoded into makes
// decoding faster: copies then need not end at the byte.
const Slack = 16

// Decode decompresses the whole of src into dst and returns how many bytes
// that gave. More than len(dst) is [ErrTooLong]. What dst has of capacity behind
// its end may be overwritten, up to Slack bytes. It never allocates more than
// a small multiple of len(dst), whatever src says; goroutines may share it.
func Decode(a Algorithm, dst, src []byte) (int, error) {
	n, err := decode(a, dst, src)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", a, err)
	}
	return n, nil
}

func decode(a Algorithm, dst, src []byte) (int, error) {
	switch a {
	case Zstd:
		return decodeZstd(dst, src)
	case Gzip:
		return decodeZlib(dst, src)
	case XZ:
		if err := checkXZ(src, max(len(dst), minDictionary)); err != nil {
			return 0, err
		}
		r, err := xz.ReaderConfig{DictCap: lzma.MinDictCap, SingleStream: true}.NewReader(bytes.NewReader(src))
		if err != nil {
			return 0, err
		}
		return readWhole(dst, r)
	case LZMA:
		return decodeLZMA(dst, src)
	case LZ4:
		return lz4.UncompressBlock(src, dst)
	case LZO:
		return decodeLZO(dst, src)
	}
	return 0, errors.New("not a compression this program reads")
}

// readWhole reads r to its end into dst.
func readWhole(dst []byte, r io.Reader) (int, error) {
	n := 0
	for n < len(dst) {
		m, err := r.Read(dst[n:])
		n += m
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
	}
	var more [1]byte
	switch _, err := io.ReadFull(r, more[:]); err {
	case io.EOF:
		return n, nil
	case nil:
		return 0, ErrTooLong
	default:
		return 0, err
	}
}

// zstdDecoder is shared: DecodeAll may be called from any number of goroutines.
var zstdDecoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true),
		zstd.WithDecoderMaxWindow(maxBlockWindow), zstd.WithDecoderLowmem(true))
})

// maxBlockWindow bounds the window of one compressed block.
const maxBlockWindow = 8 << 20

func decodeZstd(dst, src []byte) (int, error) {
	if err := checkFrame(src, maxBlockWindow); err != nil {
		return 0, err
	}
	d, err := zstdDecoder()
	if err != nil {
		return 0, err
	}
	out, err := d.DecodeAll(src, dst[:0:min(cap(dst), len(dst)+Slack)])
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) || len(out) > len(dst) {
		return 0, ErrTooLong
	}
	return len(out), err
}

var zlibReaders sync.Pool

func decodeZlib(dst, src []byte) (int, error) {
	in := bytes.NewReader(src)
	r, ok := zlibReaders.Get().(io.ReadCloser)
	if ok {
		if err := r.(zlib.Resetter).Reset(in, nil); err != nil {
			return 0, err
		}
	} else {
		var err error
		if r, err = zlib.NewReader(in); err != nil {
			return 0, err
		}
	}
	n, err := readWhole(dst, r)
	if err == nil {
		zlibReaders.Put(r)
		if in.Len() > 0 {
			err = errTrailing
		}
	}
	return n, err
}

const lzmaHeader = 13 // properties, dictionary size, uncompressed size

func decodeLZMA(dst, src []byte) (int, error) {
	if len(src) < lzmaHeader {
		return 0, io.ErrUnexpectedEOF
	}
	// The dictionary need not be larger than what comes out; the header may ask
	// for 4 GiB.
	head := bytes.Clone(src[:lzmaHeader])
	for i, shift := 1, 0; i <= 4; i, shift = i+1, shift+8 {
		head[i] = byte(uint32(max(len(dst), lzma.MinDictCap)) >> shift)
	}
	r, err := lzma.NewReader(io.MultiReader(bytes.NewReader(head), bytes.NewReader(src[lzmaHeader:])))
	if err != nil {
		return 0, err
	}
	return readWhole(dst, r)
}
