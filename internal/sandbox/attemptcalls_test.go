//go:build linux && (amd64 || arm64)

package sandbox

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// connects speaks to a socket.
func connects(network, address string) func() error {
	return func() error {
		c, err := net.Dial(network, address)
		if err == nil {
			_, err = c.Write([]byte("x"))
			c.Close()
		}
		return err
	}
}

// becomesAnother runs a program that prints its user's number.
func becomesAnother(name string) func() error {
	return func() error {
		out, err := exec.Command(name, "-u").Output()
		if err != nil {
			return err
		}
		if strings.TrimSpace(string(out)) == strconv.Itoa(UID) {
			return errors.New("the same user")
		}
		return nil
	}
}

func call(trap uintptr, args ...uintptr) error {
	var a [6]uintptr
	copy(a[:], args)
	_, _, errno := unix.RawSyscall6(trap, a[0], a[1], a[2], a[3], a[4], a[5])
	if errno != 0 {
		return errno
	}
	return nil
}

// forked ends the child where a clone that should have been refused made one.
func forked(err error) error {
	if err == nil && os.Getppid() != 1 {
		syscall.Exit(0)
	}
	return err
}

func ptr(s string) uintptr {
	p, _ := unix.BytePtrFromString(s)
	return uintptr(unsafe.Pointer(p))
}

func fdErr(_ int, err error) error { return err }

func opens(name string) error {
	f, err := os.Open(name)
	if err == nil {
		f.Close()
	}
	return err
}

// wantHost succeeds if name holds what only the host's root has.
func wantHost(name string) error { return opens(name + os.Getenv("HOST_FILE")) }

func writes(name, content string) func() error {
	return func() error {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		if isNull(f) {
			return errors.New("is /dev/null")
		}
		_, err = f.WriteString(content)
		return err
	}
}

func reads(name string) func() error {
	return func() error {
		b, err := os.ReadFile(name)
		if err == nil && len(b) == 0 {
			err = errors.New("empty")
		}
		return err
	}
}

func isNull(f *os.File) bool {
	var st unix.Stat_t
	return unix.Fstat(int(f.Fd()), &st) == nil && st.Rdev == unix.Mkdev(1, 3)
}

func sockets(domain, typ, proto int) func() error {
	return func() error { return fdErr(unix.Socket(domain, typ, proto)) }
}

func hostPID(f func(int) error) error {
	pid, err := strconv.Atoi(os.Getenv("HOST_PID"))
	if err != nil {
		return nil
	}
	if pid < 4096 {
		return errors.New("cannot be told from a process in here")
	}
	return f(pid)
}
