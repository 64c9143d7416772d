//go:build linux && (amd64 || arm64)

package inside

import (
	"os"
	"syscall"
)

// filesAtOnce is how many files go with one message, of which the kernel lets
// 253 pass.
const filesAtOnce = 250

// SendFiles hands files to the other end of a socket. What arrives first is how
// many.
func SendFiles(socket int, fds []int) error {
	var w wire
	w.put(int64(len(fds)))
	for {
		some := fds[:min(len(fds), filesAtOnce)]
		var rights []byte
		if len(some) > 0 {
			rights = syscall.UnixRights(some...)
		}
		if err := syscall.Sendmsg(socket, w.b, rights, nil, 0); err != nil {
			return os.NewSyscallError("sendmsg", err)
		}
		if fds = fds[len(some):]; len(fds) == 0 {
			return nil
		}
	}
}

// ReceiveFiles waits for at most limit files from the other end; it fails when
// that is closed.
func ReceiveFiles(socket, limit int) ([]int, error) {
	var fds []int
	for {
		all, some, err := receive(socket)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return nil, os.NewSyscallError("recvmsg", err)
		}
		fds = append(fds, some...)
		switch {
		case all < 0 || all > int64(limit) || int64(len(fds)) > all || len(some) == 0 && all > 0:
			return nil, syscall.EBADMSG
		case int64(len(fds)) == all:
			return fds, nil
		}
	}
}

// receive takes one message.
func receive(socket int) (all int64, fds []int, err error) {
	w, control := wire{b: make([]byte, 8), reading: true}, make([]byte, syscall.CmsgSpace(4*filesAtOnce))
	n, oobn, _, _, err := syscall.Recvmsg(socket, w.b, control, syscall.MSG_CMSG_CLOEXEC)
	if err == nil && n < len(w.b) {
		err = syscall.ECONNRESET
	}
	if err != nil {
		return 0, nil, err
	}
	if oobn == 0 {
		return w.take(), nil, nil
	}
	messages, err := syscall.ParseSocketControlMessage(control[:oobn])
	if err != nil || len(messages) != 1 {
		return 0, nil, syscall.EBADMSG
	}
	fds, err = syscall.ParseUnixRights(&messages[0])
	return w.take(), fds, err
}
