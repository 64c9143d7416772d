package stream

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestUntil(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	r := Until(ctx, strings.NewReader("abcdef"))
	b := make([]byte, 3)
	if n, err := r.Read(b); n != 3 || err != nil || string(b) != "abc" {
		t.Fatalf("%d %v %q", n, err, b)
	}
	cancel()
	if n, err := r.Read(b); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %d, %v", n, err)
	}
	if string(b) != "abc" {
		t.Errorf("it read %q all the same", b)
	}
}

// TestCheck: the check runs once the stream has ended, with all its bytes,
// however the end comes.
func TestCheck(t *testing.T) {
	wrong := errors.New("wrong")
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"whole":         func(r io.Reader) io.Reader { return r },
		"byte by byte":  iotest.OneByteReader,
		"end with data": iotest.DataErrReader,
	} {
		for _, text := range []string{"", "a", strings.Repeat("content ", 1000)} {
			calls := 0
			var got [sha256.Size]byte
			good := Check(wrap(strings.NewReader(text)), func(sum [sha256.Size]byte) error {
				calls++
				got = sum
				return nil
			})
			b, err := io.ReadAll(good)
			if err != nil || string(b) != text || calls != 1 || got != sha256.Sum256([]byte(text)) {
				t.Errorf("%s: %d bytes, %v, %d calls, %x", name, len(b), err, calls, got)
			}
			bad := Check(wrap(strings.NewReader(text)), func([sha256.Size]byte) error { return wrong })
			if b, err := io.ReadAll(bad); !errors.Is(err, wrong) || !strings.HasPrefix(text, string(b)) {
				t.Errorf("%s: %d bytes, %v, want the error of the check", name, len(b), err)
			}
			if text == "" || name == "byte by byte" {
				continue
			}
			// io.ReadFull drops an error that comes with as many bytes as it wants.
			full := Check(iotest.DataErrReader(strings.NewReader(text)), func([sha256.Size]byte) error { return wrong })
			if n, err := io.ReadFull(full, make([]byte, len(text))); !errors.Is(err, wrong) {
				t.Errorf("%s: ReadFull: %d bytes, %v, want the error of the check", name, n, err)
			}
		}
	}
	broken := errors.New("broken")
	r := Check(iotest.ErrReader(broken), func([sha256.Size]byte) error { t.Error("checked what was not read"); return wrong })
	if _, err := io.ReadAll(r); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

func TestSHA256(t *testing.T) {
	for _, size := range []int{0, 1, chunk - 1, chunk, chunk + 1, 2*chunk + 7} {
		b := bytes.Repeat([]byte{'x'}, size)
		total, calls := 0, 0
		sum, n, err := SHA256(context.Background(), iotest.HalfReader(bytes.NewReader(b)), func(n int) { total += n; calls++ })
		if err != nil || n != int64(size) || sum != sha256.Sum256(b) {
			t.Errorf("%d bytes: %d, %v, %x", size, n, err, sum)
		}
		if total != size || calls != (size+chunk-1)/chunk {
			t.Errorf("%d bytes: %d reported in %d calls", size, total, calls)
		}
	}
	broken := errors.New("broken")
	if _, n, err := SHA256(context.Background(), io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken)), nil); !errors.Is(err, broken) || n != 3 {
		t.Errorf("%d, %v", n, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	endless := iotest.OneByteReader(zeros{})
	if _, _, err := SHA256(ctx, io.LimitReader(endless, 3*chunk), func(int) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of the context: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
