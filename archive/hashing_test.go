package archive

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

// TestHashing holds what goes through, however it is cut, against the
// standard library.
func TestHashing(t *testing.T) {
	for _, size := range []int{0, 1, shortest - 1, shortest, pieceSize, 3*pieceSize + 17} {
		content := make([]byte, size)
		_, _ = rand.NewChaCha8([32]byte{}).Read(content)
		for name, r := range map[string]io.Reader{
			"whole": bytes.NewReader(content), "halves": iotest.HalfReader(bytes.NewReader(content)), "data with the end": iotest.DataErrReader(bytes.NewReader(content)),
		} {
			var out bytes.Buffer
			h := newHashing(&out)
			h.blob(int64(size))
			n, err := h.copy(t.Context(), r, int64(size))
			if err != nil || n != int64(size) || !bytes.Equal(out.Bytes(), content) {
				t.Fatalf("%d bytes, %s: %d, %v", size, name, n, err)
			}
			want := digests{sha256.Sum256(content), sha512.Sum512(content), sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", size), content...))}
			if got := h.sums(); got != want {
				t.Errorf("%d bytes, %s: %x, want %x", size, name, got, want)
			}
			h.stop() // again: it was ended by sums
		}
	}
}

// TestHashingEnds leaves no lane behind when writing or reading fails.
func TestHashingEnds(t *testing.T) {
	broken := errors.New("disk full")
	h := newHashing(writerFunc(func([]byte) (int, error) { return 0, broken }))
	if _, err := h.copy(t.Context(), bytes.NewReader(make([]byte, 9*pieceSize)), 9*pieceSize); !errors.Is(err, broken) {
		t.Error(err)
	}
	h.stop()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h = newHashing(io.Discard)
	if _, err := h.copy(ctx, bytes.NewReader(nil), 0); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	h.stop()
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
