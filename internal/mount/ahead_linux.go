package mount

import "sync"

const (
	maxAhead = 4 << 20   // bytes decompressed ahead of a program that reads in order
	minRun   = 512 << 10 // bytes that it must have read in order before that
	overtake = 2         // requests that come before one that the kernel made earlier
)

// aheads has what follows decompressed while programs that read in order work
// on what they have.
type aheads struct {
	mu      sync.Mutex
	places  int // for goroutines that decompress ahead
	closed  bool
	running sync.WaitGroup
}

// ahead is what is known of how one file is read. aheads.mu guards it.
type ahead struct {
	next    int64 // where a program that reads in order would go on
	run     int64 // bytes that it has read in order
	from    int64 // what is before that is decompressed, or about to be
	to      int64 // up to where it may be
	workers int
}

// newAheads has a place more than processors, for one who waits for the disk.
func newAheads() aheads { return aheads{places: processors() + 1} }

// note notes that the bytes of a file between two positions are about to be
// read. As much is decompressed ahead as was read in order so far: a loader
// that maps the parts of a library reads a little in order too.
func (a *aheads) note(f lender, h *ahead, from, to, size int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	slip := overtake * (to - from)
	if h.next == 0 || from > h.next+slip || from < h.next-slip {
		*h = ahead{next: to, run: to - from, workers: h.workers}
		return
	}
	h.next = max(h.next, to)
	if h.run += to - from; h.run < minRun {
		return
	}
	unit := int64(f.Unit())
	h.from = max(h.from, (to+unit-1)/unit*unit) // the unit before is being read
	h.to = min(to+min(h.run, maxAhead), size)
	for n := (h.to - h.from + unit - 1) / unit; n > int64(h.workers) && a.places > 0 && !a.closed; {
		a.places--
		h.workers++
		a.running.Go(func() { a.work(f, h, unit) })
	}
}

// work decompresses unit after unit, for as long as there is something to do.
func (a *aheads) work(f lender, h *ahead, unit int64) {
	for {
		a.mu.Lock()
		if a.closed || h.from >= h.to {
			a.places++
			h.workers--
			a.mu.Unlock()
			return
		}
		at := h.from
		h.from += unit
		a.mu.Unlock()
		if _, give, err := f.Lend(at, 0); err == nil { // whoever reads it in earnest meets the error
			give()
		}
	}
}

// close ends it all.
func (a *aheads) close() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.running.Wait()
}
