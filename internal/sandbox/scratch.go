//go:build linux && (amd64 || arm64)

package sandbox

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"

	"repro/internal/sandbox/inside"
)

// Prepare makes dir, which must not exist, with what a program will write in
// it. What the program writes is then found in the directory that [Upper]
// names.
func Prepare(dir string) error {
	if err := MakePrivate(dir); err != nil {
		return err
	}
	for _, sub := range []string{Upper(dir), filepath.Join(dir, "work")} {
		if err := os.Mkdir(sub, 0o755); err != nil {
			return err
		}
	}
	return ChangeOwner(dir)
}

// MakePrivate makes a directory that no other user of the machine can enter.
func MakePrivate(dir string) error { return os.Mkdir(dir, 0o700) }

// ChangeOwner makes dir and all that is in it belong to the user of the host whom
// programs are, where that is another than the caller.
func ChangeOwner(dir string) error {
	o := owner()
	if !o.drop {
		return nil
	}
	return filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(name, o.uid, o.gid)
	})
}

// Upper is the directory below scratch whose files the program wrote: the
// upper layer of an overlay, with character devices 0/0 where it removed files
// of the layers below.
func Upper(scratch string) string { return filepath.Join(scratch, "upper") }

// CPUs returns the numbers of the processors that this process may use.
func CPUs() []int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return count(runtime.NumCPU())
	}
	var cpus []int
	for n := range len(set) * 64 {
		if set.IsSet(n) {
			cpus = append(cpus, n)
		}
	}
	return cpus
}

func count(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// CheckDisk fails with a [*FullError] if a program that writes below dir would
// be killed at once.
func CheckDisk(dir string) error {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: dir, Err: err}
	}
	defer unix.Close(fd)
	full, err := inside.FullDisk(fd)
	if err != nil {
		return &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	if full != nil {
		return &FullError{full}
	}
	return nil
}
