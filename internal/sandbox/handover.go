//go:build linux && (amd64 || arm64)

package sandbox

import (
	"os"

	"golang.org/x/sys/unix"
)

// newSocket makes a pair of sockets over which process 1, with inner, hands a
// file to the caller, with outer.
func newSocket() (inner, outer *os.File, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	return os.NewFile(uintptr(pair[0]), "inner"), os.NewFile(uintptr(pair[1]), "outer"), nil
}

// sendFile hands fd to the other end.
func sendFile(socket, fd int) error {
	return unix.Sendmsg(socket, []byte{0}, unix.UnixRights(fd), nil, 0)
}

// receiveFile waits for a file from process 1; it fails when that has ended.
func receiveFile(socket *os.File, name string) (*os.File, error) {
	data, control := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := unix.Recvmsg(int(socket.Fd()), data, control, unix.MSG_CMSG_CLOEXEC)
	if err == nil && n == 0 {
		err = unix.ECONNRESET
	}
	if err != nil {
		return nil, os.NewSyscallError("recvmsg", err)
	}
	messages, err := unix.ParseSocketControlMessage(control[:oobn])
	if err != nil || len(messages) != 1 {
		return nil, unix.EBADMSG
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return nil, unix.EBADMSG
	}
	return os.NewFile(uintptr(fds[0]), name), nil
}
