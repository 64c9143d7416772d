package registry

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
)

// asked is a source for chunks that remembers what was asked for.
type asked struct {
	mu      sync.Mutex
	content []byte
	fetched []string // "NR+BYTES"
	fail    error
}

func (a *asked) fetch(chunk int64) func(nr int64, b []byte) error {
	return func(nr int64, b []byte) error {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.fetched = append(a.fetched, fmt.Sprintf("%d+%d", nr, len(b)))
		copy(b, a.content[nr*chunk:])
		return a.fail
	}
}

func (a *asked) took(t *testing.T, want ...string) {
	t.Helper()
	if fmt.Sprint(a.fetched) != fmt.Sprint(want) {
		t.Errorf("asked for %v, want %v", a.fetched, want)
	}
	a.fetched = nil
}

// TestChunks reads whatever was asked for, and asks for more at once where reading
// goes on.
func TestChunks(t *testing.T) {
	a := &asked{content: noise(105)}
	c := &chunks{size: 105, chunk: 10, keep: 8, ahead: 4, fetch: a.fetch(10)}
	read := func(off, n int) {
		t.Helper()
		b := make([]byte, n)
		if got, err := c.ReadAt(b, int64(off)); got != n || err != nil || !bytes.Equal(b, a.content[off:off+n]) {
			t.Errorf("bytes %d+%d: %d, %v", off, n, got, err)
		}
	}
	read(35, 3)
	a.took(t, "3+10")
	read(30, 10)
	a.took(t)
	read(38, 4) // goes on: twice as much, and again, up to four
	a.took(t, "4+20")
	read(60, 1)
	a.took(t, "6+40")
	read(100, 5)
	a.took(t, "10+5")
	read(90, 15)
	a.took(t)
	read(0, 9)
	a.took(t, "0+10")
	read(20, 20) // 3 was asked for longest ago and made room for 0, and 4 for 2
	a.took(t, "2+10", "3+20")
	if n, err := c.ReadAt(make([]byte, 10), 100); n != 5 || err != io.EOF {
		t.Errorf("over the end: %d, %v", n, err)
	}
	if _, err := c.ReadAt(make([]byte, 1), -1); err == nil {
		t.Error("read before the start")
	}
	c.forget()
	read(0, 1)
	a.took(t, "0+10")
}

// TestChunksFail asks again for what could not be had.
func TestChunksFail(t *testing.T) {
	a := &asked{content: noise(50), fail: errors.New("gone")}
	c := &chunks{size: 50, chunk: 10, keep: 3, ahead: 2, fetch: a.fetch(10)}
	for range 2 {
		if _, err := c.ReadAt(make([]byte, 1), 3); !errors.Is(err, a.fail) {
			t.Errorf("err = %v", err)
		}
	}
	a.took(t, "0+10", "0+10")
	a.fail = nil
	if b := make([]byte, 1); true {
		if _, err := c.ReadAt(b, 3); err != nil || b[0] != a.content[3] {
			t.Errorf("%d, %v", b, err)
		}
	}
}

// TestChunksTogether has those who want one chunk wait for one request.
func TestChunksTogether(t *testing.T) {
	a := &asked{content: noise(20)}
	begun, proceed := make(chan bool, 9), make(chan bool)
	inner := a.fetch(10)
	c := &chunks{size: 20, chunk: 10, keep: 1, fetch: func(nr int64, b []byte) error {
		begun <- true
		<-proceed
		return inner(nr, b)
	}}
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			b := make([]byte, 10)
			if _, err := c.ReadAt(b, 0); err != nil || !bytes.Equal(b, a.content[:10]) {
				t.Errorf("%v", err)
			}
		})
	}
	<-begun
	close(proceed)
	all.Wait()
	a.took(t, "0+10")
}
