package format

import "repro/internal/atomicfile"

// flushStep is how many bytes are sent to the disk at a time.
const flushStep = 8 << 20

// flusher sends a file to the disk while more of it is being written, in a
// goroutine of its own, for a busy disk makes it wait.
type flusher struct {
	from  int64 // what was handed on ends here
	steps chan int64
	done  chan struct{}
}

func (f *flusher) start(file *atomicfile.File, from int64) {
	f.from, f.steps, f.done = from, make(chan int64, 1), make(chan struct{})
	go func() {
		defer close(f.done)
		for to := range f.steps {
			file.StartFlush(from, to-from)
			from = to
		}
	}()
}

// written says that the file is written up to end. It does not wait.
func (f *flusher) written(end int64) {
	if end-f.from < flushStep {
		return
	}
	select {
	case f.steps <- end:
		f.from = end
	default: // busy with the step before
	}
}

// stop ends the goroutine. What is written later is handed on to nobody.
func (f *flusher) stop() {
	close(f.steps)
	<-f.done
	f.steps = nil
}
