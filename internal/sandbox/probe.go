//go:build linux && (amd64 || arm64)

package sandbox

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"repro/internal/rmtree"
)

// Probe reports whether this machine can run programs in a sandbox, with a /proc
// or without: nil, or an [*UnavailableError] that says what it refuses.
func Probe(withoutProc bool) error {
	dir, err := os.MkdirTemp("", "repro-probe-")
	if err != nil {
		return err
	}
	defer rmtree.Remove(dir)
	root, scratch := filepath.Join(dir, "root"), filepath.Join(dir, "scratch")
	for _, name := range mountPoints {
		if err := os.MkdirAll(filepath.Join(root, name), 0o755); err != nil {
			return err
		}
	}
	if err := Prepare(scratch); err != nil {
		return err
	}
	// Not a program: what is tried last is to execute it, when all else has worked.
	_, err = Run(context.Background(), Command{Lower: []string{root}, Scratch: scratch, Dir: "/", Args: []string{"/dev/null"}, WithoutProc: withoutProc})
	if _, refused := errors.AsType[*StartError](err); refused {
		return nil
	}
	return err
}
