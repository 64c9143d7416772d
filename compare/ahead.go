package compare

// How much is read ahead: items of one batch, or bytes of their text; there are
// two batches.
const (
	batchItems = 256
	batchBytes = 256 << 10
)

// ahead reads items before they are asked for, in a goroutine of its own, so that
// a file is cut into rows while those before are compared.
type ahead struct {
	full, empty chan *batch
	stop, done  chan struct{}
	now         *batch
	at          int
}

// batch is items in order, and what came after them.
type batch struct {
	items []item
	n     int
	err   error
}

// readAhead reads from r until it fails or [ahead.close] is called.
func readAhead(r reader) *ahead {
	a := &ahead{full: make(chan *batch, 2), empty: make(chan *batch, 2), stop: make(chan struct{}), done: make(chan struct{}), now: &batch{}}
	for range 2 {
		a.empty <- &batch{items: make([]item, batchItems)}
	}
	go func() {
		defer close(a.done)
		for {
			select {
			case b := <-a.empty:
				b.fill(r)
				a.full <- b // there is room for both
				if b.err != nil {
					return
				}
			case <-a.stop:
				return
			}
		}
	}()
	return a
}

func (b *batch) fill(r reader) {
	b.n, b.err = 0, nil
	for bytes := 0; b.n < len(b.items) && bytes < batchBytes; b.n++ {
		it := &b.items[b.n]
		if b.err = r.read(it); b.err != nil {
			return
		}
		bytes += len(it.text)
	}
}

// read hands out the next item; its memory goes back into the batch.
func (a *ahead) read(it *item) error {
	for a.at == a.now.n {
		if a.now.err != nil {
			return a.now.err
		}
		if a.now.items != nil {
			a.empty <- a.now
		}
		a.now, a.at = <-a.full, 0
	}
	*it, a.now.items[a.at] = a.now.items[a.at], *it
	a.at++
	return nil
}

// close ends the goroutine and waits for it. Nothing may be read after it.
func (a *ahead) close() {
	close(a.stop)
	<-a.done
}
