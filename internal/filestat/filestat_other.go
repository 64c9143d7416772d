//go:build !linux

package filestat

import (
	"errors"
	"io/fs"
)

// PlainFile asks for nothing here.
const PlainFile = 0

// IsWhiteout is false: there are no overlays here.
func IsWhiteout(fs.FileInfo) bool { return false }

// Stamp returns the time of the last change of content alone.
func Stamp(info fs.FileInfo) (inode uint64, modified, changed int64) {
	return 0, info.ModTime().UnixNano(), 0
}

// IsOurs is true: this is not known here.
func IsOurs(fs.FileInfo) bool { return true }

// Links is 1: this is not known here.
func Links(fs.FileInfo) uint64 { return 1 }

// MakeWhiteout fails: there are no overlays here.
func MakeWhiteout(string) error { return errors.ErrUnsupported }
