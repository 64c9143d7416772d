package codec

// zstdBlocks writes zstd frames (RFC 8878) of single blocks of layers. It is
// faster than a general encoder, for the whole input is there at once and
// small; and its output is this package's own to keep.
type zstdBlocks struct {
	matcher
	literalCode huffman
	kinds       [3]kind // lengths of literals, offsets, lengths of matches
	codes       [maxZstdBlock / minMatch]codes
	spans       [maxZstdBlock / spanSize]span
}

const (
	zstdMagic    = 0xfd2fb528
	maxZstdBlock = 128 << 10
	maxZstdInput = 1 << 24
)

func openZstdBlocks(int) (Encoder, error) {
	e := &zstdBlocks{}
	for i, k := range []struct {
		norm []int16
		log  uint
		most uint
	}{{standardLiterals, 6, 9}, {standardOffset, 5, 8}, {standardMatch, 6, 9}} {
		e.kinds[i].standard.build(k.norm, k.log)
		e.kinds[i].log, e.kinds[i].most = k.log, k.most
	}
	return e, nil
}

// Encode appends one frame with a single segment and no checksum.
func (e *zstdBlocks) Encode(dst, src []byte) ([]byte, error) {
	if len(src) > maxZstdInput {
		return nil, errBlockSize
	}
	dst = appendFrameHeader(dst, len(src))
	e.begin()
	for from := 0; ; {
		to := min(from+maxZstdBlock, len(src))
		dst = e.appendBlock(dst, src, from, to)
		if from = to; from == len(src) {
			break
		}
	}
	return dst, nil
}

func appendFrameHeader(dst []byte, n int) []byte {
	dst = le.AppendUint32(dst, zstdMagic)
	const single = 1 << 5
	switch {
	case n < 256:
		return append(dst, single, byte(n))
	case n < 65536+256:
		return le.AppendUint16(append(dst, single|1<<6), uint16(n-256))
	}
	return le.AppendUint32(append(dst, single|2<<6), uint32(n))
}

// appendBlock appends src[from:to], as several blocks or one; as it is if that
// is not longer.
func (e *zstdBlocks) appendBlock(dst, src []byte, from, to int) []byte {
	start, last := len(dst), to == len(src)
	before := e.last
	e.find(src, from, to)
	spans := e.split(to - from)
	for i := range spans {
		dst = e.appendSpan(dst, &spans[i], last && i == len(spans)-1)
	}
	if len(dst)-start-headSize >= to-from {
		e.last = before // a block as it is has no offsets
		dst = appendHead(dst[:start], 0, to-from, last)
		dst = append(dst, src[from:to]...)
	}
	return dst
}

// appendSpan appends a compressed block.
func (e *zstdBlocks) appendSpan(dst []byte, s *span, last bool) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, headSize)...)
	dst = e.appendLiterals(dst, s)
	dst = e.appendSequences(dst, s)
	appendHead(dst[:start], 2, len(dst)-start-headSize, last)
	return dst
}

const headSize = 3 // bytes in front of a block

func appendHead(dst []byte, kind, size int, last bool) []byte {
	head := kind<<1 | size<<3
	if last {
		head |= 1
	}
	return append(dst, byte(head), byte(head>>8), byte(head>>16))
}
