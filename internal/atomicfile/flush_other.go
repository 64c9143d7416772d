//go:build !linux

package atomicfile

import (
	"errors"
	"os"
)

func startFlush(*os.File, int64, int64) {}

func syncFilesystem(string) error { return errors.ErrUnsupported }
