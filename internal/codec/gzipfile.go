package codec

import (
	"bytes"
	"io"
	"runtime"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"
)

// gzipMember is how many bytes each member of what [GzipWriter] writes holds.
const gzipMember = 1 << 20

// GzipWriter writes a gzip file (RFC 1952) on all cores: one member for each
// MiB, which readers see as one stream. Its bytes depend on what is written and
// on the release of the library alone.
type GzipWriter struct {
	w     io.Writer
	buf   []byte
	queue chan chan packed
	g     errgroup.Group
	wrote bool
}

type packed struct {
	b   []byte
	err error
}

// NewGzipWriter returns a writer whose compressed form goes to w.
func NewGzipWriter(w io.Writer) *GzipWriter {
	z := &GzipWriter{w: w, queue: make(chan chan packed, runtime.GOMAXPROCS(0))}
	z.g.Go(z.emit)
	return z
}

// Write takes bytes. An error of w may be seen only by Close.
func (z *GzipWriter) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if z.buf == nil {
			z.buf = make([]byte, 0, gzipMember)
		}
		m := min(len(p), gzipMember-len(z.buf))
		z.buf, p = append(z.buf, p[:m]...), p[m:]
		if len(z.buf) == gzipMember {
			z.start()
		}
	}
	return n, nil
}

// start compresses a member elsewhere.
func (z *GzipWriter) start() {
	done, b := make(chan packed, 1), z.buf
	z.buf, z.wrote = nil, true
	z.queue <- done
	go func() {
		out, err := gzipBytes(b)
		done <- packed{out, err}
	}()
}

// emit writes members in order, and takes them after an error too.
func (z *GzipWriter) emit() error {
	var failed error
	for done := range z.queue {
		p := <-done
		if failed == nil {
			failed = p.err
		}
		if failed == nil {
			_, failed = z.w.Write(p.b)
		}
	}
	return failed
}

// Close writes what is left. It does not close w.
func (z *GzipWriter) Close() error {
	if z.buf != nil || !z.wrote {
		z.start()
	}
	close(z.queue)
	return z.g.Wait()
}

func gzipBytes(b []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.DefaultCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}
