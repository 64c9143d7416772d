package outputs

import (
	"bytes"
	"io"
	"os"
)

// Tail shows what a step prints elsewhere, as its log file grows.
type Tail struct {
	step string
	live *Live
	name string // of the file
	from int64  // where it goes on
	line []byte // not yet ended
}

// NewTail returns a tail of what step prints, shown by live.
func NewTail(step string, live *Live) *Tail { return &Tail{step: step, live: live} }

// maxShown is how much of a log is shown at once, in bytes.
const maxShown = 1 << 20

// Show shows what was written to the file called name since it was called last.
// It begins anew with another file: the step was tried again. A file that cannot
// be read yet is looked at the next time.
func (t *Tail) Show(name string) {
	if name != t.name {
		t.End()
		t.name, t.from = name, 0
	}
	f, err := os.Open(name)
	if err != nil {
		return
	}
	defer f.Close()
	text, _ := io.ReadAll(io.NewSectionReader(f, t.from, maxShown))
	t.from += int64(len(text))
	for len(text) > 0 {
		line, after, ended := bytes.Cut(text, []byte("\n"))
		t.line = append(t.line, line...)
		if ended || len(t.line) >= maxLine {
			t.live.print(t.step, t.line)
			t.line = t.line[:0]
		}
		text = after
	}
}

// End shows a last line that did not end.
func (t *Tail) End() {
	if len(t.line) > 0 {
		t.live.print(t.step, t.line)
		t.line = nil
	}
}
