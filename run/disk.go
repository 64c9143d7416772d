package run

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A run stops before the disk that holds its scratch directory is full:
// others live there too.
const (
	diskInterval = time.Second
	diskReserve  = 1 << 30 // bytes that are left free, but at most
	diskShare    = 20      // one part in so many of the disk
	inodeShare   = 50      // and of its inodes
)

// usage is what a filesystem has and has left; zero totals are unknown.
type usage struct {
	free, total             uint64 // bytes
	freeInodes, totalInodes uint64
}

// full says why nothing more should be written, or nil.
func (u usage) full() error {
	reserve := min(diskReserve, u.total/diskShare)
	switch {
	case u.total > 0 && u.free < reserve:
		return fmt.Errorf("less than %d MiB of disk are left", reserve>>20)
	case u.totalInodes > 0 && u.freeInodes < u.totalInodes/inodeShare:
		return errors.New("the disk has hardly any inodes left")
	}
	return nil
}

// checkDisk fails if the scratch directory's disk is full, or nearly.
func checkDisk(dir string) error {
	u, err := diskUsage(dir)
	if err != nil {
		return fmt.Errorf("scratch directory: %w", err)
	}
	if err := u.full(); err != nil {
		return &MachineError{Err: fmt.Errorf("scratch directory %s: %w", dir, err),
			Hint: "name another place for what steps write, or set TMPDIR"}
	}
	return nil
}

// watchDisk calls stop when the disk runs full. It returns when ctx ends.
func watchDisk(ctx context.Context, dir string, stop func(error)) {
	tick := time.NewTicker(diskInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := checkDisk(dir); err != nil {
				stop(err)
				return
			}
		}
	}
}
