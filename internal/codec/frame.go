package codec

import (
	"errors"
	"fmt"
)

// The head of a zstd frame, RFC 8878 section 3.1.1.
const (
	frameHead  = 5 // magic number and descriptor
	singleFlag = 1 << 5
	unusedFlag = 1 << 4
	sumFlag    = 1 << 2

	blockReserved = 3
	blockRepeated = 1 // one byte stands for all
)

var (
	errFrame    = errors.New("not a zstd frame")
	errTrailing = errors.New("bytes behind the compressed ones")
)

// MaxHead is how many bytes at the beginning of a block [ReadHead] needs.
const MaxHead = 18

// Head is what a compressed block says of itself.
type Head struct {
	Content int64 // bytes that it unpacks to
	Window  int64 // bytes of memory that whoever unpacks it needs at least
}

// ReadHead reads the head of a block, of which b is the beginning; ok is false
// where it does not say how many bytes it unpacks to.
func ReadHead(a Algorithm, b []byte) (h Head, ok bool) {
	if a != Zstd {
		return Head{}, false
	}
	_, h, err := parseFrameHead(b)
	return h, err == nil && h.Content >= 0
}

// parseFrameHead returns how long the head of a frame is, and what it says. A
// content of -1 is one of which nothing is said.
func parseFrameHead(b []byte) (size int, h Head, err error) {
	if len(b) <= frameHead || le.Uint32(b) != zstdMagic {
		return 0, h, errFrame
	}
	d, at := b[4], frameHead
	if d&singleFlag == 0 {
		w := b[at]
		h.Window = int64(8+w&7) << (7 + w>>3)
		at++
	}
	at += [4]int{0, 1, 2, 4}[d&3] // the dictionary's number
	width := [4]int{0, 2, 4, 8}[d>>6]
	if width == 0 && d&singleFlag != 0 {
		width = 1
	}
	if d&unusedFlag != 0 || len(b) < at+width {
		return 0, h, errFrame
	}
	if h.Content = contentField(b[at : at+width]); d&singleFlag != 0 {
		h.Window = h.Content
	}
	return at + width, h, nil
}

func contentField(b []byte) int64 {
	switch len(b) {
	case 1:
		return int64(b[0])
	case 2:
		return int64(le.Uint16(b)) + 256
	case 4:
		return int64(le.Uint32(b))
	case 8:
		return int64(le.Uint64(b) & (1<<63 - 1)) // more than any block holds, with or without the highest bit
	}
	return -1
}

// checkFrame refuses src if it is not exactly one frame. Decoders differ in
// what they do behind the first: libraries go on with the next, Linux stops. They
// differ in the window that they have room for, too.
func checkFrame(src []byte, window int64) error {
	at, h, err := parseFrameHead(src)
	if err != nil {
		return err
	}
	if h.Window > window {
		return fmt.Errorf("a window of %d bytes, at most %d are allowed", h.Window, window)
	}
	for last := false; !last; {
		if len(src)-at < 3 {
			return errFrame
		}
		head := uint32(src[at]) | uint32(src[at+1])<<8 | uint32(src[at+2])<<16
		last = head&1 != 0
		size := int(head >> 3)
		switch head >> 1 & 3 {
		case blockRepeated:
			size = 1
		case blockReserved:
			return errFrame
		}
		if at += 3; size > len(src)-at {
			return errFrame
		}
		at += size
	}
	if src[4]&sumFlag != 0 {
		at += 4
	}
	switch {
	case at > len(src):
		return errFrame
	case at < len(src):
		return errTrailing
	}
	return nil
}
