package codec

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// MaxStreamWindow is the most memory that a compressed stream may ask a reader
// to keep of what it has already given: zstd --long=27 and xz -9 fit.
const MaxStreamWindow = 128 << 20

// NewReader finds out how r is compressed and returns its uncompressed bytes
// and the name of the format: "gzip", "zstd", "xz", "bzip2", or "" for r as it
// is. Closing the result frees what it holds; r stays open.
func NewReader(r io.Reader) (io.ReadCloser, string, error) {
	b := bufio.NewReaderSize(r, 256<<10)
	head, err := b.Peek(xzHeader + 1024)
	if err != nil && err != io.EOF {
		return nil, "", err
	}
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b\x08")):
		z, err := gzip.NewReader(b)
		return z, "gzip", err
	case isZstd(head):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxWindow(MaxStreamWindow))
		if err != nil {
			return nil, "", err
		}
		return z.IOReadCloser(), "zstd", nil
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		if err := checkXZ(head, MaxStreamWindow); err != nil {
			return nil, "", err
		}
		z, err := xz.ReaderConfig{DictCap: lzma.MinDictCap}.NewReader(b)
		if err != nil {
			return nil, "", err
		}
		return io.NopCloser(z), "xz", nil
	case bytes.HasPrefix(head, []byte("BZh")):
		return io.NopCloser(bzip2.NewReader(b)), "bzip2", nil
	}
	return io.NopCloser(b), "", nil
}

// isZstd knows a frame and a skippable frame, with which pzstd begins.
func isZstd(head []byte) bool {
	if len(head) < 4 {
		return false
	}
	return bytes.Equal(head[:4], []byte{0x28, 0xb5, 0x2f, 0xfd}) ||
		head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18})
}
