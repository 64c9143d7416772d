//go:build !linux

package mount

import (
	"context"
	"fmt"
	"os"
	"runtime"

	"repro/format/tree"
)

// Server serves one mount.
type Server struct{}

// Wait returns at once.
func (s *Server) Wait() {}

// Close does nothing.
func (s *Server) Close() error { return nil }

// Device is an open FUSE device.
type Device struct{ f *os.File }

var errHere = fmt.Errorf("%w: images are mounted on Linux, not on %s", ErrUnavailable, runtime.GOOS)

// OpenDevice fails.
func OpenDevice() (*Device, error) { return nil, errHere }

// NewDevice takes over a descriptor.
func NewDevice(f *os.File) *Device { return &Device{f} }

// File returns the descriptor.
func (d *Device) File() *os.File { return d.f }

// Close closes the descriptor.
func (d *Device) Close() error { return d.f.Close() }

// Mount fails.
func (d *Device) Mount(string, Options) error { return errHere }

func serve(context.Context, *tree.View, string, Options) (*Server, error) { return nil, errHere }

func serveDevice(context.Context, *tree.View, *Device, Options) (*Server, error) {
	return nil, errHere
}

// Kernel fails.
func Kernel(*os.File, int64, int64, *os.File) (*os.File, error) { return nil, errHere }
