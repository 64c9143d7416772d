package compare

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// numbered is items, then an error.
type numbered struct {
	left int64
	n    int64
	size int
	end  error
}

func (r *numbered) read(it *item) error {
	if r.n == r.left {
		return r.end
	}
	r.n++
	it.n, it.text = r.n, append(it.text[:0], strings.Repeat("x", r.size)...)
	return nil
}

// TestReadAhead: items come in their order, whole, and what ends them last.
func TestReadAhead(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		items int64
		size  int
		end   error
	}{{0, 1, io.EOF}, {1, 1, io.EOF}, {batchItems, 3, io.EOF}, {batchItems + 1, 3, broken}, {5*batchItems + 7, 2, io.EOF}, {20, batchBytes/3 + 1, broken}} {
		r := &numbered{left: c.items, size: c.size, end: c.end}
		a := readAhead(r)
		it, want := new(item), int64(1)
		for ; ; want++ {
			err := a.read(it)
			if err != nil {
				if err != c.end || want != c.items+1 {
					t.Errorf("%+v: %v after %d items", c, err, want-1)
				}
				break
			}
			if it.n != want || len(it.text) != c.size {
				t.Fatalf("%+v: item %d of %d bytes, want %d", c, it.n, len(it.text), want)
			}
		}
		if err := a.read(it); err != c.end {
			t.Errorf("%+v: then %v", c, err)
		}
		a.close()
	}
}

// TestReadAheadIsBounded: no more than two batches are read before they are
// asked for, and closing ends the reading.
func TestReadAheadIsBounded(t *testing.T) {
	r := &numbered{left: 1 << 40, size: batchBytes / 4, end: io.EOF}
	a := readAhead(r)
	it := new(item)
	for range 3 {
		if err := a.read(it); err != nil {
			t.Fatal(err)
		}
	}
	a.close() // waits for the goroutine: the race detector sees no other reader below
	if r.n < 3 || r.n > 3*4 {
		t.Errorf("%d items of a quarter of a batch were read for 3", r.n)
	}
}
