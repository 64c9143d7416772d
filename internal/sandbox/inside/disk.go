//go:build linux && (amd64 || arm64)

package inside

import (
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"repro/internal/sandbox/kernel"
)

// A program is killed before the disk that it writes to is full: others live
// there too.
const (
	diskReserve = 1 << 30 // bytes that are left free, but at most
	diskShare   = 20      // one part in so many of the disk
	inodeShare  = 50      // and of its inodes
)

// How often the disk is looked at: twice as often as the fastest disk could
// fill what is left.
const (
	diskSpeed       = 8 << 30 // bytes a second
	inodeSpeed      = 1 << 20 // files a second
	minDiskInterval = 20 * time.Millisecond
	maxDiskInterval = time.Second
	walkInterval    = 5 * time.Second
	walkShare       = 50  // one part in so many of its time that process 1 spends on counting files
	maxWatchedDepth = 512 // of directories in directories, where files are counted
)

// diskWatch kills the program when the disk is nearly full, or its files are
// more than it may have.
type diskWatch struct {
	before space // when the program began
	full   atomic.Pointer[string]
	tooBig atomic.Bool
}

// start watches the directory that fd is open on, where the program's files
// come to lie, until process 1 ends.
func (w *diskWatch) start(fd int, l Limits) {
	var err error
	if w.before, err = spaceOf(fd); err != nil {
		return
	}
	go func() {
		lastWalk, rest := time.Now(), walkInterval
		for now := w.before; ; {
			time.Sleep(w.pause(now, l))
			if now, err = spaceOf(fd); err != nil {
				continue
			}
			if w.isFull(now) {
				_ = syscall.Kill(-1, syscall.SIGKILL)
			}
			suspect := w.suspects(now, l)
			began := time.Now()
			idle := began.Sub(lastWalk)
			if suspect && idle < rest/walkShare || !suspect && (idle < rest || !l.bounded()) {
				continue
			}
			if usageBelow(fd).exceeds(l) {
				w.tooBig.Store(true)
				_ = syscall.Kill(-1, syscall.SIGKILL)
			}
			lastWalk = time.Now()
			rest = max(walkInterval, walkShare*lastWalk.Sub(began))
		}
	}()
}

// end looks once more when every process is gone: a program may have met the
// end of the disk, or gone beyond its limits, since the last look. One that
// ended well is not blamed for a disk that is nearly full.
func (w *diskWatch) end(fd int, l Limits, failed bool) {
	now, err := spaceOf(fd)
	if err != nil {
		return
	}
	if failed {
		w.isFull(now)
	}
	if (l.bounded() || w.suspects(now, l)) && usageBelow(fd).exceeds(l) {
		w.tooBig.Store(true)
	}
}

// isFull notes why nothing more should be written, if so.
func (w *diskWatch) isFull(now space) bool {
	why := now.full()
	if why != nil {
		text := why.Error()
		w.full.Store(&text)
	}
	return why != nil
}

// suspects reports whether so much less is left that the program's files must
// be counted. What others write to the same disk makes a program suspect, no
// more; what they remove can hide it from that, but not from a count.
func (w *diskWatch) suspects(now space, l Limits) bool {
	return l.Disk > 0 && less(w.before.free, now.free) > uint64(l.Disk) ||
		less(w.before.freeInodes, now.freeInodes) > uint64(l.files())
}

// pause is the shorter of what the disk and the limits allow.
func (w *diskWatch) pause(now space, l Limits) time.Duration {
	before := w.before
	pause := now.pause()
	if l.Disk > 0 {
		left := less(uint64(l.Disk), less(before.free, now.free))
		pause = min(pause, time.Second*time.Duration(left>>20)/(2*diskSpeed>>20))
	}
	if now.totalInodes > 0 {
		left := less(uint64(l.files()), less(before.freeInodes, now.freeInodes))
		pause = min(pause, time.Second*time.Duration(left>>4)/(2*inodeSpeed>>4))
	}
	return max(pause, minDiskInterval)
}

// usage is a number of files, and the bytes of disk that they take.
type usage struct {
	files, bytes int64
	hidden       bool // some may not have been counted
}

func (t usage) exceeds(l Limits) bool {
	return l.Disk > 0 && t.bytes > l.Disk || t.files > l.files() || t.hidden
}

// usageBelow counts the files in the directory that fd is open on, and those that
// were removed but that a process of the sandbox still has open.
func usageBelow(fd int) (t usage) {
	t.dir(fd, 0)
	seen := map[[2]uint64]bool{}
	for _, name := range openFiles() {
		var st syscall.Stat_t
		if syscall.Stat(name, &st) != nil || st.Nlink > 0 || st.Mode&syscall.S_IFMT != syscall.S_IFREG {
			continue
		}
		if id := [2]uint64{st.Dev, st.Ino}; !seen[id] {
			seen[id] = true
			t.add(&st)
		}
	}
	return t
}

func (t *usage) add(st *syscall.Stat_t) {
	t.files++
	t.bytes += st.Blocks * 512
}

// dir counts the entries of a directory. The program is at work there: what is
// gone by now does not count, no link is followed, and what is nested so deep
// that it cannot be counted is too much.
func (t *usage) dir(fd, depth int) {
	if depth > maxWatchedDepth {
		t.hidden = true
		return
	}
	copied, err := syscall.Openat(fd, ".", syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	f := os.NewFile(uintptr(copied), strconv.Itoa(copied))
	defer f.Close()
	for {
		names, err := f.Readdirnames(1024)
		for _, name := range names {
			var st syscall.Stat_t
			if kernel.StatAt(copied, name, &st) != nil {
				continue
			}
			t.add(&st)
			if st.Mode&syscall.S_IFMT != syscall.S_IFDIR {
				continue
			}
			if inner, err := syscall.Openat(copied, name, kernel.O_PATH|syscall.O_DIRECTORY|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0); err == nil {
				t.dir(inner, depth+1)
				syscall.Close(inner)
			}
		}
		if err != nil {
			return
		}
	}
}
