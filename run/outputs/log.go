package outputs

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
)

// Log takes what one step prints: up to a bound into its log file, and line by
// line to whoever watches.
type Log struct {
	mu   sync.Mutex
	name string
	file *os.File
	left int64
	full bool
	err  error // of the first write that failed: a full disk
	live *Live
	line []byte // not yet ended
}

// maxLine is where a line without an end is shown anyway.
const maxLine = 4096

// NewLog makes the log file of a step, which must not exist. It holds at most size
// bytes; 0 stands for [DefaultLogSize]. Lines are also shown by live.
func NewLog(file, step string, size int64, live *Live) (*Log, error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	if size == 0 {
		size = DefaultLogSize
	}
	return &Log{name: step, file: f, left: size, live: live}, nil
}

// Write never fails: a step must not notice that its log is full.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.store(p)
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

// store writes p to the file, as far as there is room.
func (l *Log) store(p []byte) {
	if l.err != nil || l.full {
		return
	}
	if int64(len(p)) > l.left {
		p, l.full = p[:l.left], true
	}
	n, err := l.file.Write(p)
	l.left -= int64(n)
	if err == nil && l.full {
		_, err = fmt.Fprintf(l.file, "\n[the rest of what step %q printed was not kept]\n", l.name)
	}
	l.err = err
}

// Close ends the log. The error is that of the first write that failed.
func (l *Log) Close() error {
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

// Live shows the lines of steps that run side by side to one writer.
type Live struct {
	mu sync.Mutex
	w  io.Writer
}

// NewLive shows lines to w; nil shows them to nobody.
func NewLive(w io.Writer) *Live { return &Live{w: w} }

// print shows one line. Control characters do not get through: a step could
// otherwise write to the terminal whatever it liked.
func (l *Live) print(step string, line []byte) {
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
