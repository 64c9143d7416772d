package mount

import "sync"

const (
	maxAhead = 4 << 20   // bytes decompressed ahead of a program that reads in order
	minRun   = 512 << 10 // bytes that it must have read in order before that
	overtake = 2         // requests that come before one that the kernel made earlier
)

// readaheads decompresses the next blocks of files that programs read in order,
// while the programs work on the blocks that they have.
type readaheads struct {
	mu      sync.Mutex
	idle    int // goroutines that may still be started
	closed  bool
	running sync.WaitGroup
}

// ahead is what is known of how one file is read. readaheads.mu guards it.
type readahead struct {
	next    int64 // where a program that reads in order would go on
	run     int64 // bytes that it has read in order
	from    int64 // what is before that is decompressed, or about to be
	to      int64 // up to where it may be
	workers int
}

// newReadaheads allows one goroutine more than processors: one may wait for the
// disk.
func newReadaheads() readaheads { return readaheads{idle: processors() + 1} }

// note says that the bytes of a file between two positions are about to be read.
// It decompresses as much ahead as was read in order so far, since a loader that
// maps parts of a library reads a little in order, too.
func (a *readaheads) note(f cachedContent, h *readahead, from, to, size int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	slip := overtake * (to - from)
	if h.next == 0 || from > h.next+slip || from < h.next-slip {
		*h = readahead{next: to, run: to - from, workers: h.workers}
		return
	}
	h.next = max(h.next, to)
	if h.run += to - from; h.run < minRun {
		return
	}
	unit := int64(f.Unit())
	h.from = max(h.from, (to+unit-1)/unit*unit) // the unit before is being read
	h.to = min(to+min(h.run, maxAhead), size)
	for n := (h.to - h.from + unit - 1) / unit; n > int64(h.workers) && a.idle > 0 && !a.closed; {
		a.idle--
		h.workers++
		a.running.Go(func() { a.work(f, h, unit) })
	}
}

// work decompresses units until there are none left.
func (a *readaheads) work(f cachedContent, h *readahead, unit int64) {
	for {
		a.mu.Lock()
		if a.closed || h.from >= h.to {
			a.idle++
			h.workers--
			a.mu.Unlock()
			return
		}
		at := h.from
		h.from += unit
		a.mu.Unlock()
		if _, release, err := f.Lend(at, 0); err == nil { // the program that reads it meets the error
			release()
		}
	}
}

// close stops all goroutines and waits for them.
func (a *readaheads) close() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.running.Wait()
}
