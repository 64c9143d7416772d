//go:build linux && (amd64 || arm64)

package inside

import (
	"os"
	"strconv"
	"syscall"

	"repro/internal/sandbox/kernel"
)

// standardInput returns what becomes the program's descriptor 0, and whether
// that is a terminal for its descriptors 0 to 2.
func standardInput(req *Request) (f *os.File, terminal bool, err error) {
	switch {
	case req.Terminal != 0:
		f, err = openTerminal(req.Terminal)
		return f, true, err
	case req.Stdin != 0:
		return os.NewFile(uintptr(req.Stdin), "stdin"), false, nil
	}
	f, err = os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		return nil, false, &stepError{"open /dev/null", err}
	}
	return f, false, nil
}

// openTerminal makes a terminal and hands its other end to the caller.
func openTerminal(socket int) (*os.File, error) {
	defer syscall.Close(socket)
	const what = "make a terminal"
	master, err := syscall.Open("/dev/pts/ptmx", syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, &stepError{what, err}
	}
	defer syscall.Close(master)
	var locked, n int32
	if err := kernel.Ioctl(master, kernel.TIOCSPTLCK, &locked); err != nil {
		return nil, &stepError{what, err}
	}
	if err := kernel.Ioctl(master, kernel.TIOCGPTN, &n); err != nil {
		return nil, &stepError{what, err}
	}
	name := "/dev/pts/" + strconv.Itoa(int(n))
	f, err := os.OpenFile(name, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, &stepError{what, err}
	}
	if err := SendFiles(socket, []int{master}); err != nil {
		f.Close()
		return nil, &stepError{what, err}
	}
	return f, nil
}
