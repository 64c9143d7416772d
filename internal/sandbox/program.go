//go:build linux && (amd64 || arm64)

package sandbox

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// prepareFiles makes the directories that the program may expect and returns
// the inputs that do not exist. It runs inside the new root.
func prepareFiles(req *request) (missing []string) {
	unix.Umask(0)
	for _, dir := range []string{"/tmp", "/var/tmp"} {
		_ = os.MkdirAll(dir, 0o777|fs.ModeSticky)
		_ = os.Chmod(dir, 0o777|fs.ModeSticky)
	}
	unix.Umask(0o022)
	_ = os.MkdirAll(req.Dir, 0o755)
	for _, name := range req.Outputs {
		_ = os.MkdirAll(path.Dir(name), 0o755)
	}
	_ = os.MkdirAll(variable(req.Env, "HOME"), 0o755)
	for _, name := range req.Inputs {
		if _, err := os.Stat(name); err != nil {
			missing = append(missing, name)
		}
	}
	return missing
}

// confine takes away from this process, and so from the program, whatever is
// not needed to run it. There is no way back.
func confine(req *request) error {
	if err := limit(req.Limits); err != nil {
		return err
	}
	if len(req.CPUs) > 0 {
		var set unix.CPUSet
		for _, n := range req.CPUs {
			set.Set(n)
		}
		if err := unix.SchedSetaffinity(0, &set); err != nil {
			return &stepError{"choose processors", err}
		}
	}
	if err := dropCapabilities(); err != nil {
		return &stepError{"drop capabilities", err}
	}
	// Not dumpable: nothing inside may look at process 1 or, through
	// /proc/1/exe, at the host's copy of this program.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return &stepError{"protect process 1", err}
	}
	_ = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0) // dropping capabilities cleared it
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return &stepError{"forbid new privileges", err}
	}
	if err := installFilter(); err != nil {
		return &stepError{"filter system calls", err}
	}
	return nil
}

func limit(l Limits) error {
	for _, r := range []struct {
		what     string
		resource int
		value    int64
	}{
		{"core dumps", unix.RLIMIT_CORE, 0},
		{"stack", unix.RLIMIT_STACK, stackSize},
		{"processes", unix.RLIMIT_NPROC, orDefault(l.Processes, DefaultProcesses)},
		{"open files", unix.RLIMIT_NOFILE, orDefault(l.OpenFiles, DefaultOpenFiles)},
		{"locked memory", unix.RLIMIT_MEMLOCK, 64 << 10},
		{"memory", unix.RLIMIT_DATA, orDefault(l.Memory, -1)},
		{"file size", unix.RLIMIT_FSIZE, orDefault(l.FileSize, -1)},
	} {
		var now unix.Rlimit
		if err := unix.Getrlimit(r.resource, &now); err != nil {
			return &stepError{"limit " + r.what, err}
		}
		want := min(uint64(r.value), now.Max) // -1 is infinity
		if err := unix.Setrlimit(r.resource, &unix.Rlimit{Cur: want, Max: want}); err != nil {
			return &stepError{"limit " + r.what, err}
		}
	}
	return nil
}

func orDefault(n, def int64) int64 {
	if n == 0 {
		return def
	}
	return n
}

// lastCapability is above every capability that any kernel knows.
const lastCapability = 63

// dropCapabilities empties the bounding and ambient sets of this thread, which
// the program inherits, and the other sets of every thread.
func dropCapabilities() error {
	for c := uintptr(0); c <= lastCapability; c++ {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
			if errors.Is(err, unix.EINVAL) {
				break
			}
			return err
		}
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return err
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET,
		uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none[0])), 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// execute starts the program, waits for it, ends whatever it left running and
// adds up what all of them took.
func execute(req *request) outcome {
	if len(req.Args) == 0 { // only asked whether all this is possible
		return outcome{Stage: stageDone}
	}
	name, err := lookPath(req.Args[0], req.Dir, variable(req.Env, "PATH"))
	if err != nil {
		return failedStart(err)
	}
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		return failedSetup(&stepError{"open /dev/null", err})
	}
	pid, err := syscall.ForkExec(name, req.Args, &syscall.ProcAttr{
		Dir: req.Dir, Env: req.Env, Files: []uintptr{null.Fd(), 1, 2},
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return failedStart(err)
	}
	status := reap(pid)
	_ = unix.Kill(-1, unix.SIGKILL)
	reap(-1)

	out := outcome{Stage: stageDone, Exit: status.ExitStatus()}
	if status.Signaled() {
		out.Exit, out.Signal = -1, int(status.Signal())
	}
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_CHILDREN, &u) == nil {
		out.CPU = u.Utime.Nano() + u.Stime.Nano()
		out.MaxRSS = u.Maxrss << 10
	}
	return out
}

// reap waits for children, orphans that were given to process 1 among them,
// until pid has ended or, with -1, none is left.
func reap(pid int) unix.WaitStatus {
	for {
		var status unix.WaitStatus
		got, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return status
		case got == pid:
			return status
		}
	}
}

func failedStart(err error) outcome {
	o := outcome{Stage: stageStart, Text: err.Error()}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		o.Errno = int(errno)
	}
	return o
}

// lookPath finds a program as execvp(3) does.
func lookPath(name, dir, search string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	found := error(fs.ErrNotExist)
	for elem := range strings.SplitSeq(search, ":") {
		candidate := path.Join(elem, name)
		if !path.IsAbs(candidate) {
			candidate = path.Join(dir, candidate)
		}
		info, err := os.Stat(candidate)
		if err != nil || info.IsDir() {
			continue
		}
		if info.Mode()&0o111 != 0 {
			return candidate, nil
		}
		found = fs.ErrPermission
	}
	return "", found
}

// variable returns the value of a variable in env, the last one if it stands
// there twice.
func variable(env []string, name string) string {
	value := ""
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			value = v
		}
	}
	return value
}
