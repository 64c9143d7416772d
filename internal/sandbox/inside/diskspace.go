//go:build linux && (amd64 || arm64)

package inside

import (
	"errors"
	"strconv"
	"syscall"
	"time"
)

// space is what a filesystem has and has left; zero totals are unknown.
type space struct {
	free, total             uint64 // bytes
	freeInodes, totalInodes uint64
}

func spaceOf(fd int) (space, error) {
	var st syscall.Statfs_t
	if err := syscall.Fstatfs(fd, &st); err != nil {
		return space{}, err
	}
	size := uint64(st.Bsize)
	return space{free: st.Bavail * size, total: st.Blocks * size, freeInodes: st.Ffree, totalInodes: st.Files}, nil
}

// full says why nothing more should be written, or nil.
func (s space) full() error {
	reserve := s.reserve()
	switch {
	case s.total > 0 && s.free < reserve.free:
		return errors.New("less than " + strconv.FormatUint(reserve.free>>20, 10) + " MiB of disk are left")
	case s.totalInodes > 0 && s.freeInodes < reserve.freeInodes:
		return errors.New("the disk has hardly any inodes left")
	}
	return nil
}

func (s space) reserve() space {
	return space{free: min(diskReserve, s.total/diskShare), freeInodes: s.totalInodes / inodeShare}
}

// pause is how long nothing can happen that should have been seen.
func (s space) pause() time.Duration {
	reserve := s.reserve()
	pause := maxDiskInterval
	if s.total > 0 {
		pause = min(pause, time.Second*time.Duration(less(s.free, reserve.free)>>20)/(2*diskSpeed>>20))
	}
	if s.totalInodes > 0 {
		pause = min(pause, time.Second*time.Duration(less(s.freeInodes, reserve.freeInodes)>>4)/(2*inodeSpeed>>4))
	}
	return max(pause, minDiskInterval)
}

// less is a-b, or 0.
func less(a, b uint64) uint64 { return a - min(a, b) }

// FullDisk says why nothing more should be written to the filesystem of the
// file that fd is open on: full is nil if it has room.
func FullDisk(fd int) (full, err error) {
	s, err := spaceOf(fd)
	if err != nil {
		return nil, err
	}
	return s.full(), nil
}
