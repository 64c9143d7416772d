package container

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
	for _, size := range []int{0, 1, shortest - 1, shortest, chunkSize, 3*chunkSize + 17} {
		content := make([]byte, size)
		_, _ = rand.NewChaCha8([32]byte{}).Read(content)
		for name, r := range map[string]io.Reader{
			"whole": bytes.NewReader(content), "halves": iotest.HalfReader(bytes.NewReader(content)), "data with the end": iotest.DataErrReader(bytes.NewReader(content)),
		} {
			var out bytes.Buffer
			h := NewHashing(&out)
			h.Blob(int64(size))
			n, err := h.Copy(t.Context(), r, int64(size))
			if err != nil || n != int64(size) || !bytes.Equal(out.Bytes(), content) {
				t.Fatalf("%d bytes, %s: %d, %v", size, name, n, err)
			}
			want := Digests{sha256.Sum256(content), sha512.Sum512(content), sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", size), content...))}
			if got := h.Sums(); got != want {
				t.Errorf("%d bytes, %s: %x, want %x", size, name, got, want)
			}
			h.Stop() // again: it was ended by sums
		}
	}
}

// TestHashingEnds leaves no lane behind when writing or reading fails.
func TestHashingEnds(t *testing.T) {
	broken := errors.New("disk full")
	h := NewHashing(writerFunc(func([]byte) (int, error) { return 0, broken }))
	if _, err := h.Copy(t.Context(), bytes.NewReader(make([]byte, 9*chunkSize)), 9*chunkSize); !errors.Is(err, broken) {
		t.Error(err)
	}
	h.Stop()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h = NewHashing(io.Discard)
	if _, err := h.Copy(ctx, bytes.NewReader(nil), 0); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	h.Stop()
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
