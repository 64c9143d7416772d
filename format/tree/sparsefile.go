package tree

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"repro/internal/progress"
	"repro/internal/stream"
)

// checkName refuses what is not a single name.
func checkName(name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") || strings.ContainsRune(name, os.PathSeparator) {
		return errors.New("not a name for a file")
	}
	return nil
}

// newFile is a regular file under construction.
type newFile interface {
	io.Writer
	io.Closer
	skip(n int64) error       // leave a hole
	truncate(n int64) error   // set the size
	stat() (fileState, error) // errors.ErrUnsupported where that is not known
	chown(uid, gid int) error
	chmod(m fs.FileMode) error
	setTime(t time.Time) error // the last call before Close
}

// sparseWriter writes a file and leaves holes where there are zeros.
type sparseWriter struct {
	f     newFile
	ctx   context.Context
	meter *meter
	at    int64 // bytes taken
	hole  bool  // the last bytes were not written
}

func (w *sparseWriter) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	total := len(p)
	for len(p) > 0 {
		n, zero := stream.Span(p)
		var err error
		if zero {
			err = w.f.skip(int64(n))
		} else {
			_, err = w.f.Write(p[:n])
		}
		if err != nil {
			return total - len(p), err
		}
		w.at, w.hole, p = w.at+int64(n), zero, p[n:]
	}
	w.meter.add(int64(total))
	return total, nil
}

// end gives a file that ends in a hole its size.
func (w *sparseWriter) end() error {
	if w.hole {
		return w.f.truncate(w.at)
	}
	return nil
}

// meter adds up what several goroutines did.
type meter struct {
	f     progress.Func
	task  string
	total int64
	mu    sync.Mutex
	done  int64
}

func (m *meter) add(n int64) {
	m.mu.Lock()
	m.done += n
	done := m.done
	m.mu.Unlock()
	m.f.Report(progress.Event{Task: m.task, Done: done, Total: m.total, Bytes: true})
}
