//go:build linux && (amd64 || arm64)

package sandbox

import (
	"context"
	"os"
	"time"

	"repro/internal/sandbox/inside"
)

// The kernel takes a FUSE mount only from the user namespace in which its
// device was opened. So process 1 opens the device, makes the mount and hands
// the device out, to be served from where the image is. Where the caller is
// root, whom process 1 is not, root does all of that.

// served is the lowest layer of a sandbox, where the caller serves it.
type served struct {
	device *os.File // of a mount that was made here; nil: process 1 makes it
	inner  *os.File // process 1's end of the socket on which it hands out the device
	outer  *os.File
	done   chan error
	stop   context.CancelFunc
}

// serveLowest makes ready what process 1 is given for the lowest layer: a
// detached mount, or its end of a socket.
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

// begin serves the layer until the sandbox is gone. Inner is no longer needed
// here.
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

// end returns when nothing is served any more; process 1 is gone.
func (s *served) end() error {
	s.stop()
	var err error
	select {
	case err = <-s.done:
	case <-time.After(endPatience):
		err = ErrStuck
	}
	if s.outer != nil {
		s.outer.Close()
	}
	return err
}

// close is for what never began.
func (s *served) close() {
	for _, f := range []*os.File{s.device, s.inner, s.outer} {
		if f != nil {
			f.Close()
		}
	}
}
