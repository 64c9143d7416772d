package mount

import (
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
)

// units is a file of which is noted what is brought into the cache.
type units struct {
	size, unit int64
	mu         sync.Mutex
	lent       []int64
}

func (u *units) Unit() int { return int(u.unit) }

func (u *units) Lend(off int64, n int) ([]byte, func(), error) {
	if off >= u.size {
		return nil, nil, io.EOF
	}
	if n > 0 {
		return nil, nil, errors.New("more than brought into the cache")
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.lent = append(u.lent, off)
	return nil, func() {}, nil
}

// readThrough notes reads at the given positions, each of size bytes, and
// returns what was decompressed ahead.
func readThrough(u *units, size int64, at ...int64) []int64 {
	a := newReadaheads()
	var h readahead
	for _, off := range at {
		a.note(u, &h, off, off+size, u.size)
		a.running.Wait()
	}
	a.close()
	slices.Sort(u.lent)
	return u.lent
}

func from(first, step int64, n int) (at []int64) {
	for i := range n {
		at = append(at, first+int64(i)*step)
	}
	return at
}

func TestReadAhead(t *testing.T) {
	const kib, mib = 1 << 10, 1 << 20
	for _, c := range []struct {
		what string
		file *units
		size int64
		at   []int64
		want []int64
	}{
		{"all over the place", &units{size: 64 * mib, unit: 128 * kib}, 4 * kib, []int64{5 * mib, 0, 9 * mib, 4 * kib, 30 * mib, 2 * mib}, nil},
		{"backwards", &units{size: 64 * mib, unit: 128 * kib}, 128 * kib, from(32*mib, -4*mib, 8), nil},
		{"a little in order", &units{size: 64 * mib, unit: 128 * kib}, 128 * kib, from(0, 128*kib, 3), nil},
		{"in order, as far as was read", &units{size: 64 * mib, unit: 128 * kib}, 128 * kib, from(0, 128*kib, 4), from(512*kib, 128*kib, 4)},
		{"overtaking each other", &units{size: 64 * mib, unit: 128 * kib}, 128 * kib, []int64{0, 256 * kib, 128 * kib, 384 * kib}, from(512*kib, 128*kib, 4)},
		{"large blocks", &units{size: 64 * mib, unit: mib}, 128 * kib, from(0, 128*kib, 8), from(mib, mib, 1)},
		{"to the bound", &units{size: 64 * mib, unit: mib}, mib, from(0, mib, 16), from(2*mib, mib, 18)},
		{"to the end", &units{size: 3*mib + 1, unit: mib}, mib, from(0, mib, 3), from(2*mib, mib, 2)},
	} {
		t.Run(c.what, func(t *testing.T) {
			if got := readThrough(c.file, c.size, c.at...); !slices.Equal(got, c.want) {
				t.Errorf("ahead of %v: %v, want %v", c.at, got, c.want)
			}
		})
	}
}

func TestReadAheadEnds(t *testing.T) {
	a := newReadaheads()
	a.close()
	var h readahead
	u := &units{size: 64 << 20, unit: 1 << 20}
	for _, off := range from(0, 1<<20, 8) {
		a.note(u, &h, off, off+1<<20, u.size)
	}
	a.running.Wait()
	if len(u.lent) > 0 {
		t.Errorf("decompressed %v after the end", u.lent)
	}
}
