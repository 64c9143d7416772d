//go:build linux && (amd64 || arm64)

package inside

import (
	"errors"
	"io"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"repro/internal/sandbox/kernel"
)

// launch is a program ready to be started. Between fork and exec its process
// has much to do that syscall.ForkExec knows nothing of, and only raw system
// calls to do it with: the Go runtime does not survive a fork. So everything
// is prepared here, in the form in which the kernel takes it.
type launch struct {
	name      *byte
	args, env []*byte // ending in nil
	dir       *byte
	stdin     int
	terminal  bool // stdin is one, and is to be its controlling terminal
	report    int  // end of a pipe: stage and errno if a call fails
	landlock  int  // descriptor of its rules; -1: none here
	group     int  // descriptor that moves its writer into the control group; 0: none

	proc   uintptr // where the files of idMaps are
	idMaps [3]struct {
		file    *byte
		content []byte
	}
	limits []limit
	header capabilityHeader
	none   [2]capabilitySet
	filter filterProgram
	mask   uint64 // no signal
	plain  bool   // do not randomise the address space
	self   byte   // "0", whoever writes it
	failed [2]uintptr
}

// Stages of a launch, to name the one that failed.
const (
	launchGroup = iota // the one that may fail
	launchSession
	launchAddresses
	launchDir
	launchStdin
	launchUser
	launchLimits
	launchCapabilities
	launchPrivileges
	launchLandlock
	launchFilter
	launchExec
)

var launchStages = [...]string{
	launchGroup: "enter its control group", launchSession: "start a session", launchAddresses: "fix addresses",
	launchDir: "enter the working directory", launchStdin: "open standard input",
	launchUser: "enter a user namespace of its own", launchLimits: "limit resources",
	launchCapabilities: "drop capabilities", launchPrivileges: "forbid new privileges",
	launchLandlock: "restrict itself to files below the root", launchFilter: "filter system calls", launchExec: "execute",
}

// Structures of capset(2) and seccomp(2).
type (
	capabilityHeader struct {
		version uint32
		pid     int32
	}
	capabilitySet [3]uint32 // effective, permitted, inheritable
	filterProgram struct {
		lines uint16
		first *byte
	}
)

// filterLine is the size of an instruction, in bytes.
const filterLine = 8

// lastCapability is above every capability that any kernel knows.
const lastCapability = 63

func newLaunch(name string, req *Request, stdin, report int) (*launch, error) {
	l := &launch{
		stdin: stdin, report: report, landlock: newLandlock(), limits: limits(req.Limits), plain: req.FixedAddresses,
		group: req.Group, self: '0',
	}
	var err error
	if l.name, err = syscall.BytePtrFromString(name); err != nil {
		return nil, err
	}
	if l.dir, err = syscall.BytePtrFromString(req.Dir); err != nil {
		return nil, err
	}
	if l.args, err = syscall.SlicePtrFromStrings(req.Args); err != nil {
		return nil, err
	}
	if l.env, err = syscall.SlicePtrFromStrings(req.Env); err != nil {
		return nil, err
	}
	// A user namespace inside the one that owns the mounts: the program could
	// not touch them with all the capabilities of its own namespace, and does
	// not learn from its map who it is on the host.
	root := "/proc/"
	if l.proc = atCWD; req.hostProc != 0 {
		root, l.proc = "", uintptr(req.hostProc)
	}
	for i, f := range []struct{ name, content string }{
		{"self/setgroups", "deny"}, {"self/uid_map", SameUser}, {"self/gid_map", SameUser},
	} {
		if l.idMaps[i].file, err = syscall.BytePtrFromString(root + f.name); err != nil {
			return nil, err
		}
		l.idMaps[i].content = []byte(f.content)
	}
	l.header.version = kernel.LINUX_CAPABILITY_VERSION_3
	if len(req.Filter) == 0 || len(req.Filter)%filterLine != 0 {
		return nil, errors.New("no filter of system calls")
	}
	l.filter = filterProgram{lines: uint16(len(req.Filter) / filterLine), first: &req.Filter[0]}
	return l, nil
}

// start forks and executes. The errno is the program's own, from execve, or
// that of the stage that failed.
func (l *launch) start() (pid int, stage int, errno syscall.Errno) {
	// A signal handler would run on a runtime that is not there.
	all, old := ^uint64(0), uint64(0)
	raw(syscall.SYS_RT_SIGPROCMASK, kernel.SIG_SETMASK, uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&old)), 8)
	child, failed := l.fork()
	raw(syscall.SYS_RT_SIGPROCMASK, kernel.SIG_SETMASK, uintptr(unsafe.Pointer(&old)), 0, 8)
	runtime.KeepAlive(l)
	return int(child), launchUser, failed
}

// fork returns in the parent only.
//
//go:noinline
//go:norace
//go:nosplit
func (l *launch) fork() (uintptr, syscall.Errno) {
	child, errno := raw(syscall.SYS_CLONE, syscall.CLONE_NEWUSER|uintptr(syscall.SIGCHLD), 0, 0, 0)
	if errno != 0 || child != 0 {
		return child, errno
	}
	l.failed[0], l.failed[1] = l.run()
	raw(syscall.SYS_WRITE, uintptr(l.report), uintptr(unsafe.Pointer(&l.failed)), unsafe.Sizeof(l.failed), 0)
	for {
		raw(syscall.SYS_EXIT_GROUP, 127, 0, 0, 0)
	}
}

// run is what the child does. It returns only if a call failed.
//
//go:norace
//go:nosplit
func (l *launch) run() (stage uintptr, errno uintptr) {
	if l.group != 0 {
		if _, e := raw(syscall.SYS_WRITE, uintptr(l.group), uintptr(unsafe.Pointer(&l.self)), 1, 0); e != 0 {
			l.failed[0], l.failed[1] = launchGroup, uintptr(e)
			raw(syscall.SYS_WRITE, uintptr(l.report), uintptr(unsafe.Pointer(&l.failed)), unsafe.Sizeof(l.failed), 0)
		}
	}
	if _, e := raw(syscall.SYS_SETSID, 0, 0, 0, 0); e != 0 {
		return launchSession, uintptr(e)
	}
	if l.plain {
		if _, e := raw(syscall.SYS_PERSONALITY, kernel.ADDR_NO_RANDOMIZE, 0, 0, 0); e != 0 {
			return launchAddresses, uintptr(e)
		}
	}
	if _, e := raw(syscall.SYS_CHDIR, uintptr(unsafe.Pointer(l.dir)), 0, 0, 0); e != 0 {
		return launchDir, uintptr(e)
	}
	if _, e := raw(syscall.SYS_DUP3, uintptr(l.stdin), 0, 0, 0); e != 0 {
		return launchStdin, uintptr(e)
	}
	if l.terminal {
		if e := l.takeTerminal(); e != 0 {
			return launchStdin, uintptr(e)
		}
	}
	if e := l.mapUser(); e != 0 {
		return launchUser, uintptr(e)
	}
	for i := range l.limits {
		if _, e := raw(syscall.SYS_PRLIMIT64, 0, l.limits[i].resource, uintptr(unsafe.Pointer(&l.limits[i].value)), 0); e != 0 {
			return launchLimits, uintptr(e)
		}
	}
	if e := l.dropCapabilities(); e != 0 {
		return launchCapabilities, uintptr(e)
	}
	if _, e := raw(syscall.SYS_PRCTL, kernel.PR_SET_NO_NEW_PRIVS, 1, 0, 0); e != 0 {
		return launchPrivileges, uintptr(e)
	}
	if l.landlock >= 0 {
		if _, e := raw(kernel.SYS_LANDLOCK_RESTRICT_SELF, uintptr(l.landlock), 0, 0, 0); e != 0 {
			return launchLandlock, uintptr(e)
		}
	}
	if _, e := raw(kernel.SYS_SECCOMP, kernel.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&l.filter)), 0); e != 0 {
		return launchFilter, uintptr(e)
	}
	raw(syscall.SYS_RT_SIGPROCMASK, kernel.SIG_SETMASK, uintptr(unsafe.Pointer(&l.mask)), 0, 8)
	_, e := raw(syscall.SYS_EXECVE, uintptr(unsafe.Pointer(l.name)),
		uintptr(unsafe.Pointer(&l.args[0])), uintptr(unsafe.Pointer(&l.env[0])), 0)
	return launchExec, uintptr(e)
}

// takeTerminal makes descriptor 0 the controlling terminal and the standard
// output and error too.
//
//go:norace
//go:nosplit
func (l *launch) takeTerminal() syscall.Errno {
	for fd := uintptr(1); fd <= 2; fd++ {
		if _, e := raw(syscall.SYS_DUP3, 0, fd, 0, 0); e != 0 {
			return e
		}
	}
	_, e := raw(syscall.SYS_IOCTL, 0, syscall.TIOCSCTTY, 0, 0)
	return e
}

// mapUser gives the child in its new user namespace the numbers that it had.
//
//go:norace
//go:nosplit
func (l *launch) mapUser() syscall.Errno {
	// The files below belong to root in a process that is not dumpable, as
	// process 1 is. This memory is a copy of its own by now.
	if _, e := raw(syscall.SYS_PRCTL, syscall.PR_SET_DUMPABLE, 1, 0, 0); e != 0 {
		return e
	}
	for i := range l.idMaps {
		m := &l.idMaps[i]
		fd, e := raw(syscall.SYS_OPENAT, l.proc, uintptr(unsafe.Pointer(m.file)), syscall.O_WRONLY|syscall.O_CLOEXEC, 0)
		if e != 0 {
			return e
		}
		if _, e = raw(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(&m.content[0])), uintptr(len(m.content)), 0); e != 0 {
			return e
		}
		raw(syscall.SYS_CLOSE, fd, 0, 0, 0)
	}
	return 0
}

// dropCapabilities empties every set of capabilities.
//
//go:norace
//go:nosplit
func (l *launch) dropCapabilities() syscall.Errno {
	for c := uintptr(0); c <= lastCapability; c++ {
		if _, e := raw(syscall.SYS_PRCTL, syscall.PR_CAPBSET_DROP, c, 0, 0); e == syscall.EINVAL {
			break
		} else if e != 0 {
			return e
		}
	}
	if _, e := raw(syscall.SYS_PRCTL, kernel.PR_CAP_AMBIENT, kernel.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0); e != 0 {
		return e
	}
	_, e := raw(syscall.SYS_CAPSET, uintptr(unsafe.Pointer(&l.header)), uintptr(unsafe.Pointer(&l.none)), 0, 0)
	return e
}

// atCWD is AT_FDCWD as an argument of a raw call.
const atCWD = ^uintptr(99)

// raw makes a system call of at most four arguments, behind the runtime's back.
//
//go:norace
//go:nosplit
func raw(call, a, b, c, d uintptr) (uintptr, syscall.Errno) {
	r, _, e := syscall.RawSyscall6(call, a, b, c, d, 0, 0)
	return r, e
}

// startProgram starts the program that req names, and says in isolation what
// stands around it.
func startProgram(req *Request, isolation *Isolation) (pid int, err error) {
	name, err := lookPath(req.Args[0], req.Dir, variable(req.Env, "PATH"))
	if err != nil {
		return 0, err
	}
	stdin, terminal, err := standardInput(req)
	if err != nil {
		return 0, err
	}
	defer stdin.Close()
	read, write, err := os.Pipe()
	if err != nil {
		return 0, &stepError{"make a pipe", err}
	}
	defer read.Close()
	l, err := newLaunch(name, req, int(stdin.Fd()), int(write.Fd()))
	if err != nil {
		write.Close()
		return 0, err
	}
	l.terminal = terminal
	if l.landlock >= 0 {
		isolation.Landlock = LandlockVersion()
	}
	fixFirstPID(req.files.firstPID)
	pid, stage, errno := l.start()
	write.Close()
	if errno != 0 {
		return 0, &stepError{launchStages[stage], errno}
	}
	refused, err := launched(read)
	isolation.Group = l.group != 0 && refused == nil
	if refused != nil {
		isolation.NoGroup = refused.Error()
	}
	return pid, err
}

// launched waits until the program is executed, or says why it was not, and
// separately why it is not in its control group.
func launched(read *os.File) (noGroup, err error) {
	var failed [2]uintptr
	b := unsafe.Slice((*byte)(unsafe.Pointer(&failed)), unsafe.Sizeof(failed))
	for {
		if n, _ := io.ReadFull(read, b); n != len(b) {
			return noGroup, nil // closed by execve
		}
		errno := syscall.Errno(failed[1])
		switch failed[0] {
		case launchGroup:
			noGroup = &stepError{launchStages[launchGroup], errno}
			continue
		case launchExec, launchDir:
			return noGroup, errno
		}
		return noGroup, &stepError{launchStages[min(int(failed[0]), launchExec)], errno}
	}
}
