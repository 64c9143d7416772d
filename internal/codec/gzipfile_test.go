package codec_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"

	"repro/internal/codec"
)

func TestGzipWriter(t *testing.T) {
	noise := make([]byte, 3<<20+5)
	rand.NewChaCha8([32]byte{}).Read(noise)
	for _, content := range [][]byte{nil, []byte("x"), make([]byte, 1<<20), bytes.Repeat([]byte("abc"), 1<<20), noise} {
		var first []byte
		for _, procs := range []int{1, 2, 8} {
			was := runtime.GOMAXPROCS(procs)
			var out bytes.Buffer
			w := codec.NewGzipWriter(&out)
			for rest := content; len(rest) > 0; { // in pieces of odd sizes
				n := min(len(rest), 77_777*procs)
				if _, err := w.Write(rest[:n]); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			runtime.GOMAXPROCS(was)
			if first == nil {
				first = out.Bytes()
			}
			if !bytes.Equal(first, out.Bytes()) {
				t.Errorf("%d bytes: other output on %d processors", len(content), procs)
			}
		}
		r, err := gzip.NewReader(bytes.NewReader(first))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes: %d came back, %v", len(content), len(got), err)
		}
	}
}

type refuses struct{}

func (refuses) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestGzipWriterFails(t *testing.T) {
	w := codec.NewGzipWriter(refuses{})
	if _, err := w.Write(make([]byte, 10<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != io.ErrShortWrite {
		t.Errorf("%v, want the error of what is written to", err)
	}
}
