package squashfs

import (
	"syscall"
	"unsafe"
)

// hugePage is the size in bytes of the large pages of most machines.
const hugePage = 2 << 20

// askForLargePages asks the kernel to back b by large pages, and returns where
// in b the first of them begins. It is advice: where there are none, or they
// are switched off, nothing changes.
func askForLargePages(b []byte) int {
	start := -uintptr(unsafe.Pointer(unsafe.SliceData(b))) % hugePage
	if end := uintptr(len(b)) - (uintptr(len(b))-start)%hugePage; end > start {
		_ = syscall.Madvise(b[start:end], syscall.MADV_HUGEPAGE)
	}
	return int(start)
}
