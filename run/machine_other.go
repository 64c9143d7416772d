//go:build !linux

package run

import (
	"io/fs"
	"os"
	"runtime"
)

const plainFile = 0

func cpuModel() string      { return "" }
func memorySize() int64     { return 0 }
func kernelVersion() string { return runtime.GOOS }

func isWhiteout(fs.FileInfo) bool { return false }

func stampOf(info fs.FileInfo) (inode uint64, modified, changed int64) {
	return 0, info.ModTime().UnixNano(), 0
}

func ownedByUs(fs.FileInfo) bool { return true }

func lockFile(*os.File, bool) bool { return true }
