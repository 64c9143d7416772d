//go:build linux && (amd64 || arm64)

package sandbox

import (
	"os"

	"golang.org/x/sys/unix"

	"repro/internal/sandbox/inside"
)

// newSocket makes a pair of sockets: inner is process 1's.
func newSocket() (inner, outer *os.File, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	return os.NewFile(uintptr(pair[0]), "inner"), os.NewFile(uintptr(pair[1]), "outer"), nil
}

// receiveFile waits for one file from process 1.
func receiveFile(socket *os.File, name string) (*os.File, error) {
	fds, err := inside.ReceiveFiles(int(socket.Fd()), 1)
	if err == nil && len(fds) != 1 {
		err = unix.EBADMSG
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fds[0]), name), nil
}
