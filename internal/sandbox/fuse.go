//go:build linux && (amd64 || arm64)

package sandbox

import (
	"context"
	"os"
	"time"

	"repro/internal/sandbox/inside"
)

// The kernel accepts a FUSE mount only from the user namespace in which its device
// was opened. So process 1 opens the device, mounts it, and passes it to the
// caller, who serves it. If the caller is root, the caller opens and mounts it.

// served is the lowest layer of a sandbox, where the caller serves it.
type served struct {
	device *os.File // of a mount that was made here; nil: process 1 makes it
	inner  *os.File // process 1's end of the socket on which it hands out the device
	outer  *os.File
	done   chan error
	stop   context.CancelFunc
}

// serveLowest prepares what process 1 gets for the lowest layer: a detached mount,
// or its end of a socket.
func serveLowest() (*served, error) {
	s := &served{}
	if o := owner(); o.drop {
		fd, err := inside.OpenFuse()
		if err != nil {
			return nil, &UnavailableError{What: Fuse, Err: err, Hint: fuseHint}
		}
		s.device = os.NewFile(uintptr(fd), inside.FuseDevice)
		detached, err := inside.MountFuse(fd, o.uid, o.gid)
		if err != nil {
			s.close()
			return nil, &UnavailableError{What: Fuse, Err: err, Hint: fuseHint}
		}
		s.inner = os.NewFile(uintptr(detached), "layers")
		return s, nil
	}
	var err error
	s.inner, s.outer, err = newSocket()
	return s, err
}

// source is how process 1 is told of the layer; number is that of inner.
func (s *served) source(number int) inside.Source {
	return inside.Source{File: number, Device: s.device == nil}
}

// begin serves the layer until the sandbox has ended. It closes inner.
func (s *served) begin(ctx context.Context, serve func(context.Context, *os.File) error) {
	s.inner.Close()
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx)) // programs are killed first
	s.done = make(chan error, 1)
	go func() {
		device := s.device
		if device == nil {
			file, err := receiveFile(s.outer, inside.FuseDevice)
			if err != nil {
				s.done <- nil // process 1 says why
				return
			}
			device = file
		}
		s.done <- serve(ctx, device)
	}()
}

// end waits until nothing is served any more. Process 1 has ended.
func (s *served) end() error {
	s.stop()
	var err error
	select {
	case err = <-s.done:
	case <-time.After(endPatience):
		err = errStuck
	}
	if s.outer != nil {
		s.outer.Close()
	}
	return err
}

// close gives up what never began.
func (s *served) close() {
	for _, f := range []*os.File{s.device, s.inner, s.outer} {
		if f != nil {
			f.Close()
		}
	}
}
