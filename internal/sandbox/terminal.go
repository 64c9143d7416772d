//go:build linux && (amd64 || arm64)

package sandbox

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// A program that talks to a person gets a new terminal, made by the sandbox's
// devpts. The caller holds the other end and copies between the two, so that the
// program cannot do anything to the caller's own terminal.

// conversation is the caller's side: it feeds the program's descriptor 0.
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

// begin starts copying; process 1 has its own ends by now.
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

// started feeds the program, which has started. Nothing is read before that: if
// the program cannot be started, the caller may try in another way.
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

// end waits until nothing is copied any more.
func (v *conversation) end() {
	if v.feed != nil {
		v.feed.Close()
	}
	if v.outer != nil {
		<-v.done
		v.outer.Close()
	}
}

// close gives up a conversation that never began.
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
