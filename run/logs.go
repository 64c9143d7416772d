package run

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
)

// stepLog takes what one step prints: up to a bound into its log file, and
// line by line to whoever watches.
type stepLog struct {
	mu   sync.Mutex
	name string
	file *os.File
	left int64
	cut  bool
	err  error // of the first write that failed: a full disk
	live *liveLog
	line []byte // not yet ended
}

// maxLine is where a line without an end is shown anyway.
const maxLine = 4096

func newStepLog(file, step string, size int64, live *liveLog) (*stepLog, error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	if size == 0 {
		size = DefaultLogSize
	}
	return &stepLog{name: step, file: f, left: size, live: live}, nil
}

// Write never fails: a step must not notice that its log is full.
func (l *stepLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keep(p)
	for rest := p; len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, []byte("\n"))
		l.line = append(l.line, line...)
		if ended || len(l.line) >= maxLine {
			l.live.print(l.name, l.line)
			l.line = l.line[:0]
		}
		rest = after
	}
	return len(p), nil
}

func (l *stepLog) keep(p []byte) {
	if l.err != nil || l.cut {
		return
	}
	if int64(len(p)) > l.left {
		p, l.cut = p[:l.left], true
	}
	n, err := l.file.Write(p)
	l.left -= int64(n)
	if err == nil && l.cut {
		_, err = fmt.Fprintf(l.file, "\n[the rest of what step %q printed was not kept]\n", l.name)
	}
	l.err = err
}

func (l *stepLog) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.line) > 0 {
		l.live.print(l.name, l.line)
	}
	if err := l.file.Close(); l.err == nil {
		l.err = err
	}
	return l.err
}

// liveLog shows the lines of steps that run side by side to one writer.
type liveLog struct {
	mu sync.Mutex
	w  io.Writer
}

func newLiveLog(w io.Writer) *liveLog { return &liveLog{w: w} }

// print shows one line. Control characters do not get through: a step could
// otherwise write to the terminal whatever it liked.
func (l *liveLog) print(step string, line []byte) {
	if l.w == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.w, "%s: %s\n", printable([]byte(step)), printable(line))
}

// printable replaces control characters, but not the letters of other
// alphabets, by question marks.
func printable(b []byte) []byte {
	return bytes.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '?'
		}
		return r
	}, b)
}
