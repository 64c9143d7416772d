package codec

import (
	"errors"
	"fmt"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

const (
	minDictionary = 1 << 20 // always accepted
	xzHeader      = 12      // the stream header
	filterLZMA2   = 0x21    //
	xzBlockMin    = 8       // smallest block header
)

// checkXZ refuses an xz stream whose first block asks for a dictionary of more
// than limit bytes, before a decoder allocates it. b starts at the stream
// header and holds the first block's header whole.
func checkXZ(b []byte, limit int) error {
	if len(b) < xzHeader+xzBlockMin {
		return io.ErrUnexpectedEOF
	}
	b = b[xzHeader:]
	size := (int(b[0]) + 1) * 4
	if b[0] == 0 {
		return nil // an index follows at once: an empty stream
	}
	if size > len(b) {
		return io.ErrUnexpectedEOF
	}
	flags, fields := b[1], b[2:size]
	if flags&3 != 0 {
		return errors.New("xz filters other than LZMA2 are not supported")
	}
	for _, present := range []byte{1 << 6, 1 << 7} {
		if flags&present == 0 {
			continue
		}
		n := 0
		for n < len(fields) && fields[n]&0x80 != 0 {
			n++
		}
		if n >= len(fields) || n > 8 {
			return io.ErrUnexpectedEOF
		}
		fields = fields[n+1:]
	}
	if len(fields) < 3 || fields[0] != filterLZMA2 || fields[1] != 1 {
		return errors.New("xz filters other than LZMA2 are not supported")
	}
	want, err := lzma.DecodeDictCap(fields[2])
	if err != nil {
		return err
	}
	if want > int64(limit) {
		return fmt.Errorf("xz dictionary of %d bytes: at most %d are allowed", want, limit)
	}
	return nil
}
