package atomicfile

import (
	"os"

	"golang.org/x/sys/unix"
)

// startFlush has the kernel begin to write dirty pages to the disk.
func startFlush(f *os.File, off, n int64) {
	_ = unix.SyncFileRange(int(f.Fd()), off, n, unix.SYNC_FILE_RANGE_WRITE)
}
