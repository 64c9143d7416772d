//go:build linux && (amd64 || arm64)

package sandbox

import (
	"encoding/binary"
	"os"

	"golang.org/x/sys/unix"
)

// newSocket makes a pair of sockets: inner is process 1's.
func newSocket() (inner, outer *os.File, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	return os.NewFile(uintptr(pair[0]), "inner"), os.NewFile(uintptr(pair[1]), "outer"), nil
}

// filesAtOnce is how many files go with one message, of which the kernel lets
// 253 pass.
const filesAtOnce = 250

// sendFiles hands files to the other end.
func sendFiles(socket int, fds []int) error {
	var number [4]byte
	binary.LittleEndian.PutUint32(number[:], uint32(len(fds)))
	for {
		some := fds[:min(len(fds), filesAtOnce)]
		var rights []byte
		if len(some) > 0 {
			rights = unix.UnixRights(some...)
		}
		if err := unix.Sendmsg(socket, number[:], rights, nil, 0); err != nil {
			return os.NewSyscallError("sendmsg", err)
		}
		if fds = fds[len(some):]; len(fds) == 0 {
			return nil
		}
	}
}

// receiveFiles waits for at most limit files from the other end; it fails when
// that is closed.
func receiveFiles(socket, limit int) ([]int, error) {
	var fds []int
	for {
		number, control := make([]byte, 4), make([]byte, unix.CmsgSpace(4*filesAtOnce))
		n, oobn, _, _, err := unix.Recvmsg(socket, number, control, unix.MSG_CMSG_CLOEXEC)
		switch {
		case err == unix.EINTR:
			continue
		case err == nil && n < len(number):
			err = unix.ECONNRESET
		}
		if err != nil {
			return nil, os.NewSyscallError("recvmsg", err)
		}
		if oobn > 0 {
			messages, err := unix.ParseSocketControlMessage(control[:oobn])
			if err != nil || len(messages) != 1 {
				return nil, unix.EBADMSG
			}
			some, err := unix.ParseUnixRights(&messages[0])
			if err != nil {
				return nil, unix.EBADMSG
			}
			fds = append(fds, some...)
		}
		all := int(binary.LittleEndian.Uint32(number))
		switch {
		case all > limit || len(fds) > all || oobn == 0 && all > 0:
			return nil, unix.EBADMSG
		case len(fds) == all:
			return fds, nil
		}
	}
}

// receiveFile waits for one file from process 1.
func receiveFile(socket *os.File, name string) (*os.File, error) {
	fds, err := receiveFiles(int(socket.Fd()), 1)
	if err == nil && len(fds) != 1 {
		err = unix.EBADMSG
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fds[0]), name), nil
}
