//go:build linux && (amd64 || arm64)

package sandbox

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// A program that is to talk to a person gets a terminal of its own, made of
// the sandbox's devpts. The caller has the other end and copies; nothing that
// the program does to its terminal can be done to the caller's.

// conversation is the caller's part: what feeds the program's descriptor 0.
type conversation struct {
	stdin        *os.File // for process 1; nil: /dev/null
	feed         *os.File // other end of stdin; nil from when the program has started
	inner, outer *os.File // of the socket that brings a terminal
	done         chan struct{}
}

func newConversation(c *Command) (*conversation, error) {
	v := &conversation{done: make(chan struct{})}
	var err error
	switch {
	case c.Terminal != nil:
		v.inner, v.outer, err = newSocket()
	case c.Stdin != nil:
		if v.stdin, v.feed, err = os.Pipe(); err == nil {
			if o := owner(); o.drop {
				err = v.stdin.Chown(o.uid, o.gid)
			}
		}
	}
	return v, err
}

// begin talks, once process 1 has its own ends.
func (v *conversation) begin(c *Command) {
	switch {
	case v.inner != nil:
		v.inner.Close()
		go func() {
			defer close(v.done)
			if master, err := receiveFile(v.outer, "terminal"); err == nil {
				c.Terminal(master)
			}
		}()
	case v.stdin != nil:
		v.stdin.Close()
	}
}

// started feeds the program. Nothing is read for one that could not be started:
// the caller may have another way to start it.
func (v *conversation) started(c *Command) {
	if v.feed == nil {
		return
	}
	feed := v.feed
	v.feed = nil
	go func() { // ends with the next read from c.Stdin when the program is gone
		_, _ = io.Copy(feed, c.Stdin)
		feed.Close()
	}()
}

// end waits for the talk over a terminal to be over.
func (v *conversation) end() {
	if v.feed != nil {
		v.feed.Close()
	}
	if v.outer != nil {
		<-v.done
		v.outer.Close()
	}
}

// close is for what never began.
func (v *conversation) close() {
	for _, f := range []*os.File{v.stdin, v.feed, v.inner, v.outer} {
		if f != nil {
			f.Close()
		}
	}
}

// Resize tells a program how large the terminal is whose other end is master.
func Resize(master *os.File, columns, rows int) error {
	size := &unix.Winsize{Row: uint16(min(max(rows, 1), 10_000)), Col: uint16(min(max(columns, 1), 10_000))}
	return unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, size)
}
