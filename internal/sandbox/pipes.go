//go:build linux && (amd64 || arm64)

package sandbox

import (
	"io"
	"os"
	"sync"
)

// pipes copy what the program prints to the caller's writers, so that the program
// never gets a file of the caller's, such as its terminal.
type pipes struct {
	stdout, stderr *os.File // ends to write into
	copies         sync.WaitGroup
}

// newPipes makes the pipes and starts to copy.
func newPipes(stdout, stderr io.Writer, who identity) (*pipes, error) {
	p := &pipes{}
	var err error
	if p.stdout, err = p.start(stdout, who); err != nil {
		return nil, err
	}
	if same(stdout, stderr) {
		p.stderr = p.stdout // one pipe keeps the order in which lines were printed
		return p, nil
	}
	if p.stderr, err = p.start(stderr, who); err != nil {
		p.stdout.Close()
		return nil, err
	}
	return p, nil
}

func (p *pipes) start(w io.Writer, who identity) (*os.File, error) {
	if w == nil {
		w = io.Discard
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	// Programs open /dev/stdout again, which asks who owns the pipe.
	if who.drop {
		if err := write.Chown(who.uid, who.gid); err != nil {
			read.Close()
			write.Close()
			return nil, err
		}
	}
	p.copies.Go(func() {
		defer read.Close()
		if _, err := io.Copy(w, read); err != nil {
			_, _ = io.Copy(io.Discard, read) // the program must not notice
		}
	})
	return write, nil
}

// release closes the caller's ends, once the sandbox has its own.
func (p *pipes) release() {
	p.stdout.Close()
	if p.stderr != p.stdout {
		p.stderr.Close()
	}
}

// wait returns when all that was printed has been copied: when no process of
// the sandbox is left and release was called.
func (p *pipes) wait() { p.copies.Wait() }

// same reports whether a and b are one writer. Writers whose type cannot be
// compared are not.
func same(a, b io.Writer) (equal bool) {
	defer func() { _ = recover() }()
	return a == b
}
