//go:build linux && (amd64 || arm64)

package observe

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// initName is the argv[0] under which this executable makes things ready for
// the command and then becomes it.
const initName = "repro-capture-init"

// socketFD is the descriptor on which it talks to the process that observes.
const socketFD = 3

// request is what it is to make ready; the command follows as arguments.
type request struct {
	View   string  // mount point for the view; empty: none
	Places []place // overlays
	Dir    string
	Files  bool // report calls that name files, too
	Alone  bool // in a user namespace
}

// What it says, each with the descriptor it comes with, or a text.
const (
	saysDevice   = 'F' // the FUSE device
	saysListener = 'L' // what the filter reports to
	saysNo       = 'E' // this machine does not let it
	saysNoStart  = 'X' // the command cannot be started
)

func init() {
	if len(os.Args) < 3 || os.Args[0] != initName {
		return
	}
	runtime.LockOSThread() // filters belong to threads
	var r request
	err := json.Unmarshal([]byte(os.Args[1]), &r)
	if err == nil {
		err = r.becomeCommand(os.Args[2:])
	}
	kind := byte(saysNo)
	if errors.As(err, new(*StartError)) {
		kind = saysNoStart
		err = errors.Unwrap(err)
	}
	_ = say(kind, -1, err.Error())
	os.Exit(127)
}

// becomeCommand returns only if it fails.
func (r *request) becomeCommand(args []string) error {
	unix.CloseOnExec(socketFD)
	if r.View != "" {
		if err := r.enterView(); err != nil {
			return err
		}
	}
	if err := os.Chdir(r.Dir); err != nil {
		return &StartError{args[0], err}
	}
	name, err := exec.LookPath(args[0])
	if err != nil && !errors.Is(err, exec.ErrDot) {
		return &StartError{args[0], err}
	}
	if errors.Is(err, exec.ErrDot) {
		name = "./" + name
	}
	if err := installFilter(r.Files); err != nil {
		return err
	}
	return &StartError{args[0], unix.Exec(name, args, os.Environ())}
}

// enterView makes the view the root of this mount namespace.
func (r *request) enterView() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts private: %w", err)
	}
	device, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("/dev/fuse: %w", err)
	}
	data := fmt.Sprintf("fd=%d,rootmode=40000,user_id=%d,group_id=%d,max_read=%d,allow_other,default_permissions", device, os.Getuid(), os.Getgid(), maxRead)
	flags := uintptr(unix.MS_NODEV | unix.MS_NOATIME)
	if r.Alone {
		flags |= unix.MS_NOSUID
	}
	if err := unix.Mount("repro capture", r.View, "fuse.repro", flags, data); err != nil {
		return fmt.Errorf("mount a view: %w", err)
	}
	if err := say(saysDevice, device, ""); err != nil {
		return err
	}
	unix.Close(device)
	for _, p := range r.Places {
		options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", escape(r.View+p.Path), escape(p.Upper), escape(p.Work))
		if r.Alone {
			options += ",userxattr"
		}
		err := unix.Mount("overlay", r.View+p.Path, "overlay", unix.MS_NODEV|unix.MS_NOATIME, options)
		if err != nil {
			return fmt.Errorf("overlay over %s: %w", p.Path, err)
		}
	}
	for _, dir := range ofKernel {
		if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
			continue
		}
		if err := unix.Mount(dir, r.View+dir, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("show %s: %w", dir, err)
		}
	}
	if err := changeRoot(r.View); err != nil {
		return err
	}
	if r.Alone {
		if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
			return fmt.Errorf("drop capabilities: %w", err)
		}
	}
	return nil
}

// escape writes a path as an option of the kernel's overlay takes it.
func escape(name string) string {
	return strings.NewReplacer(`\`, `\\`, `,`, `\,`, `:`, `\:`).Replace(name)
}

// changeRoot makes dir the root. Where the machine runs from its initial
// ramdisk, which pivot_root(2) refuses to leave, dir covers it.
func changeRoot(dir string) error {
	if err := os.Chdir(dir); err != nil {
		return fmt.Errorf("enter the view: %w", err)
	}
	err := unix.PivotRoot(".", ".")
	if err == nil {
		if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
			return fmt.Errorf("leave the machine's root: %w", err)
		}
		return nil
	}
	if !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("change the root: %w", err)
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("change the root: %w", err)
	}
	return unix.Chroot(".")
}

// installFilter has the kernel report calls of this thread and its children,
// and hands over the descriptor on which it does.
func installFilter(files bool) error {
	lines := program(files)
	prog := unix.SockFprog{Len: uint16(len(lines)), Filter: &lines[0]}
	const newListener, waitKillable = 0x8, 0x20 // linux/seccomp.h
	install := func(flags uintptr) (uintptr, unix.Errno) {
		fd, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
		return fd, errno
	}
	try := func() (fd uintptr, errno unix.Errno) {
		if fd, errno = install(newListener | waitKillable); errno == unix.EINVAL { // Linux before 5.19
			fd, errno = install(newListener)
		}
		return fd, errno
	}
	fd, errno := try()
	if errno == unix.EACCES { // without privileges, none may be gained later
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("forbid new privileges: %w", err)
		}
		fd, errno = try()
	}
	runtime.KeepAlive(lines)
	if errno != 0 {
		return fmt.Errorf("watch system calls: %w", errno)
	}
	err := say(saysListener, int(fd), "")
	unix.Close(int(fd))
	return err
}

// say sends one message to the process that observes.
func say(kind byte, fd int, text string) error {
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	if err := unix.Sendmsg(socketFD, append([]byte{kind}, text...), rights, nil, 0); err != nil {
		return fmt.Errorf("talk to the observer: %w", err)
	}
	return nil
}

// heard is one message.
type heard struct {
	kind byte
	fd   int
	text string
}

// hear waits for a message; false when the other end is closed, as it is when
// the command was started.
func hear(socket int) (heard, bool) {
	buf, control := make([]byte, 4096), make([]byte, unix.CmsgSpace(4))
	for {
		n, on, _, _, err := unix.Recvmsg(socket, buf, control, unix.MSG_CMSG_CLOEXEC)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			return heard{}, false
		}
		h := heard{kind: buf[0], fd: -1, text: string(buf[1:n])}
		if messages, err := unix.ParseSocketControlMessage(control[:on]); err == nil && len(messages) == 1 {
			if fds, err := unix.ParseUnixRights(&messages[0]); err == nil && len(fds) == 1 {
				h.fd = fds[0]
			}
		}
		return h, true
	}
}

// fdPath names an open descriptor, as go-fuse takes it.
func fdPath(fd int) string { return filepath.Join("/dev/fd", strconv.Itoa(fd)) }
