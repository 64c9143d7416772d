//go:build linux && (amd64 || arm64)

package inside

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"syscall"

	"repro/internal/sandbox/kernel"
)

// prepareFiles makes the directories that the program may expect and returns
// the inputs that do not exist. It runs inside the new root.
func prepareFiles(req *Request) (missing []string) {
	syscall.Umask(0)
	const shared = fs.ModeDir | fs.ModeSticky | 0o777
	for _, dir := range []string{"/tmp", "/var/tmp"} {
		if info, err := os.Stat(dir); err == nil && info.Mode() == shared {
			continue // to set it would copy the directory up
		}
		_ = os.MkdirAll(dir, shared.Perm()|fs.ModeSticky)
		_ = os.Chmod(dir, shared.Perm()|fs.ModeSticky)
	}
	syscall.Umask(0o022)
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

// protect readies this process to live beside the program.
func protect(req *Request, isolation *Isolation) error {
	if len(req.CPUs) > 0 {
		if err := kernel.SetAffinity(req.CPUs); err != nil {
			return &stepError{"choose processors", err}
		}
	}
	// Out of the caller's session keyring, into an empty one.
	_ = kernel.JoinSessionKeyring()
	// When the machine runs out of memory, this is what it should take first.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0)
	isolation.Clocks = isolation.Proc && newClocks() // of which the file, too, is closed to a process that is not dumpable
	// Not dumpable: nothing inside may look at process 1 or, through
	// /proc/1/exe, at the host's copy of this program.
	if err := kernel.Prctl(syscall.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return &stepError{"protect process 1", err}
	}
	return nil
}

// execute starts the program, waits for it, ends whatever it left running and
// adds up what all of them took.
func execute(req *Request, count writeCount, isolation Isolation, started func(Isolation)) Outcome {
	if len(req.Args) == 0 { // only asked whether all this is possible
		return Outcome{Stage: StageDone}
	}
	wrote := count.bytes()
	pid, err := startProgram(req, &isolation)
	if refused, ok := errors.AsType[*stepError](err); ok {
		return failedSetup(refused)
	}
	if err != nil {
		return failedStart(err)
	}
	started(isolation)
	watch := &memoryWatch{segments: req.files.segments, queues: req.files.queues, sockets: !req.Net}
	if !isolation.Group {
		watch.start(req.Memory)
	}
	disk := &diskWatch{}
	disk.start(req.upper, req.Limits)
	status := reap(pid)
	_ = syscall.Kill(-1, syscall.SIGKILL)
	reap(-1)
	disk.end(req.upper, req.Limits, status != 0)

	out := Outcome{
		Stage: StageDone, Exit: status.ExitStatus(), OutOfMemory: watch.exceeded(), OverDisk: disk.tooBig.Load(),
		Written: count.bytes() - wrote,
	}
	if why := disk.full.Load(); why != nil {
		out.Full = *why
	}
	if status.Signaled() {
		out.Exit, out.Signal = -1, int(status.Signal())
	}
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u) == nil {
		out.CPU = u.Utime.Nano() + u.Stime.Nano()
		out.MaxRSS = u.Maxrss << 10
	}
	return out
}

// reap waits for children, orphans that were given to process 1 among them,
// until pid has ended or, with -1, none is left.
func reap(pid int) syscall.WaitStatus {
	for {
		var status syscall.WaitStatus
		got, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return status
		case got == pid:
			return status
		}
	}
}

func failedStart(err error) Outcome {
	o := Outcome{Stage: StageStart, Text: err.Error()}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		o.Errno = int(errno)
	}
	return o
}

// lookPath finds a program as execvp(3) does.
func lookPath(name, dir, search string) (string, error) {
	if indexByte(name, '/') >= 0 {
		return name, nil
	}
	found := error(fs.ErrNotExist)
	for elem := range parts(search, ':') {
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
		if v, ok := cutPrefix(e, name+"="); ok {
			value = v
		}
	}
	return value
}
