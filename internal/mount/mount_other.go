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

var errHere = fmt.Errorf("%w: images are mounted on Linux, not on %s", ErrUnavailable, runtime.GOOS)

func serve(context.Context, *tree.View, string, Options) (*Server, error) { return nil, errHere }

func serveDevice(context.Context, *tree.View, *os.File, Options) (*Server, error) {
	return nil, errHere
}

// Kernel fails.
func Kernel(*os.File, int64, int64, *os.File) (*os.File, error) { return nil, errHere }
