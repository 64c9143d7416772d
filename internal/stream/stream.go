// Package stream has the three readers that most of the program's reading is
// made of: one that ends with a context, one that compares the digest of what
// it read, and the reading of a stream for nothing but its digest.
package stream

import (
	"context"
	"crypto/sha256"
	"hash"
	"io"
)

// Until returns a reader of r whose Read fails with the error of ctx once ctx
// has ended. A Read that r has begun is not interrupted.
func Until(ctx context.Context, r io.Reader) io.Reader { return untilReader{ctx, r} }

type untilReader struct {
	ctx context.Context
	r   io.Reader
}

func (u untilReader) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}

// Check returns a reader of r that calls check with the SHA-256 of all that was
// read when it meets the end. An error of check stands in place of io.EOF. What
// was read before is not to be used until io.EOF has come.
func Check(r io.Reader, check func(sum [sha256.Size]byte) error) io.Reader {
	return &checkReader{r: r, sum: sha256.New(), check: check}
}

type checkReader struct {
	r     io.Reader
	sum   hash.Hash
	check func([sha256.Size]byte) error
}

func (c *checkReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.sum.Write(p[:n])
	if err == io.EOF {
		if wrong := c.check([sha256.Size]byte(c.sum.Sum(nil))); wrong != nil {
			return 0, wrong // io.ReadFull drops an error that comes with all that it asked for
		}
	}
	return n, err
}

const chunk = 1 << 20 // bytes between two looks at the context

// SHA256 reads r to its end and returns the SHA-256 and the number of bytes. It
// calls read, if not nil, with the number of bytes of each chunk as they have
// been hashed. It fails with the error of r, or of ctx once that has ended.
func SHA256(ctx context.Context, r io.Reader, read func(n int)) (sum [sha256.Size]byte, size int64, err error) {
	h := sha256.New()
	b := make([]byte, chunk)
	r = Until(ctx, r)
	for {
		n, err := io.ReadFull(r, b)
		h.Write(b[:n])
		size += int64(n)
		if read != nil && n > 0 {
			read(n)
		}
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			h.Sum(sum[:0])
			return sum, size, nil
		default:
			return sum, size, err
		}
	}
}
