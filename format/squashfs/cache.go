package squashfs

import (
	"container/list"
	"sync"
)

// place is where something stands in the file system that a Reader reads.
type place struct {
	r  *Reader
	at uint64
}

// cache keeps what was loaded last, up to max bytes. Goroutines may share it;
// what several want at once is loaded once.
type cache[T any] struct {
	max  int64
	mu   sync.Mutex
	size int64
	held map[place]*list.Element // of *cached[T]
	age  list.List               // youngest first
}

type cached[T any] struct {
	key   place
	done  chan struct{} // closed when value and err are set
	value T
	err   error
	size  int64 // counted in the cache's; 0 until then
}

func newCache[T any](max int64) *cache[T] {
	return &cache[T]{max: max, held: map[place]*list.Element{}}
}

// get returns what is held under key, or else what load returns, which weighs
// so many bytes. Errors are not held.
func (c *cache[T]) get(key place, load func() (T, int64, error)) (T, error) {
	c.mu.Lock()
	if e, ok := c.held[key]; ok {
		c.age.MoveToFront(e)
		c.mu.Unlock()
		v := e.Value.(*cached[T])
		<-v.done
		return v.value, v.err
	}
	v := &cached[T]{key: key, done: make(chan struct{})}
	e := c.age.PushFront(v)
	c.held[key] = e
	c.mu.Unlock()

	var size int64
	v.value, size, v.err = load()
	close(v.done)

	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held[key] != e { // pushed out while it was loaded
		return v.value, v.err
	}
	if v.err != nil {
		c.drop(e)
		return v.value, v.err
	}
	v.size = size
	c.size += size
	for c.size > c.max {
		c.drop(c.age.Back())
	}
	return v.value, v.err
}

// drop forgets e, loaded or not.
func (c *cache[T]) drop(e *list.Element) {
	v := c.age.Remove(e).(*cached[T])
	delete(c.held, v.key)
	c.size -= v.size
}
