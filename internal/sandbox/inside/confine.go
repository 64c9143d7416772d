//go:build linux && (amd64 || arm64)

package inside

import (
	"errors"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"repro/internal/sandbox/kernel"
)

// Rights on files of Landlock's second version that rules about one file can
// give: execute, write, read. Those to truncate and for devices came later.
const (
	landlockFileRights = 1<<0 | 1<<1 | 1<<2 | 1<<14 | 1<<15
	landlockReadDir    = 1 << 3
)

// LandlockWithout returns rules that allow everything in / but what lies in hidden,
// a folder right below it: of that, names can be listed and nothing opened. Nothing
// can be made or removed in / itself.
func LandlockWithout(hidden string) (*os.File, error) {
	version := LandlockVersion()
	if version < 2 {
		return nil, errors.New("the kernel has no Landlock 2")
	}
	rights := uint64(1)<<landlockRights[min(version, len(landlockRights)-1)] - 1
	set, size := landlockRuleset{files: rights}, unsafe.Sizeof(uint64(0))
	if version >= LandlockScopes {
		set.scoped, size = kernel.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET|kernel.LANDLOCK_SCOPE_SIGNAL, unsafe.Sizeof(set)
	}
	fd, _, errno := syscall.Syscall(kernel.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&set)), size, 0)
	if errno != 0 {
		return nil, &stepError{"make rules of Landlock", errno}
	}
	rules := os.NewFile(fd, "landlock")
	entries, err := os.ReadDir("/")
	if err == nil {
		err = allowBeneath(rules, "/", rights&landlockReadDir)
	}
	for _, e := range entries {
		if name := "/" + e.Name(); err == nil && name != hidden {
			err = allowBeneath(rules, name, rights)
		}
	}
	if err != nil {
		rules.Close()
		return nil, err
	}
	return rules, nil
}

// allowBeneath gives rights on what lies below name, or on it if it is a file.
func allowBeneath(rules *os.File, name string, rights uint64) error {
	at, err := syscall.Open(name, kernel.O_PATH|syscall.O_CLOEXEC, 0)
	if errors.Is(err, syscall.ENOENT) {
		return nil // a link that leads nowhere
	}
	if err != nil {
		return &os.PathError{Op: "open", Path: name, Err: err}
	}
	defer syscall.Close(at)
	var info syscall.Stat_t
	if err := syscall.Fstat(at, &info); err != nil {
		return &os.PathError{Op: "stat", Path: name, Err: err}
	}
	if info.Mode&syscall.S_IFMT != syscall.S_IFDIR {
		rights &= landlockFileRights
	}
	rule := landlockBeneath{allowed: rights, parent: int32(at)}
	_, _, errno := syscall.Syscall6(kernel.SYS_LANDLOCK_ADD_RULE, rules.Fd(), kernel.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	runtime.KeepAlive(&rule)
	if errno != 0 {
		return &os.PathError{Op: "allow", Path: name, Err: errno}
	}
	return nil
}

// Confine takes from the calling thread, which is locked, every privilege, and
// gives it limits, the rules of Landlock in a descriptor, and a filter of system
// calls. What the thread executes next has them too. The number of processes is
// not limited: a container shares the count with all that its user runs.
func Confine(l Limits, filter []byte, landlock int) error {
	if len(filter) == 0 || len(filter)%filterLine != 0 {
		return errors.New("no filter of system calls")
	}
	for _, bound := range limits(l) {
		if bound.resource == kernel.RLIMIT_NPROC {
			continue
		}
		if _, errno := raw(syscall.SYS_PRLIMIT64, 0, bound.resource, uintptr(unsafe.Pointer(&bound.value)), 0); errno != 0 {
			return &stepError{launchStages[launchLimits], errno}
		}
	}
	for c := uintptr(0); c <= lastCapability; c++ {
		if _, errno := raw(syscall.SYS_PRCTL, syscall.PR_CAPBSET_DROP, c, 0, 0); errno != 0 {
			break // none left, or no right to, and then no new privileges are
		}
	}
	_, _ = raw(syscall.SYS_PRCTL, kernel.PR_CAP_AMBIENT, kernel.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0)
	header, none := capabilityHeader{version: kernel.LINUX_CAPABILITY_VERSION_3}, [2]capabilitySet{}
	if _, errno := raw(syscall.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none)), 0, 0); errno != 0 {
		return &stepError{launchStages[launchCapabilities], errno}
	}
	if _, errno := raw(syscall.SYS_PRCTL, kernel.PR_SET_NO_NEW_PRIVS, 1, 0, 0); errno != 0 {
		return &stepError{launchStages[launchPrivileges], errno}
	}
	if _, errno := raw(kernel.SYS_LANDLOCK_RESTRICT_SELF, uintptr(landlock), 0, 0, 0); errno != 0 {
		return &stepError{launchStages[launchLandlock], errno}
	}
	program := filterProgram{lines: uint16(len(filter) / filterLine), first: &filter[0]}
	if _, errno := raw(kernel.SYS_SECCOMP, kernel.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&program)), 0); errno != 0 {
		return &stepError{launchStages[launchFilter], errno}
	}
	return nil
}

// WatchMemory kills all processes but process 1, which is the caller's, when they
// hold more memory than limit, until stop is called; which reports whether they did.
func WatchMemory(limit int64) (stop func() bool) {
	var over atomic.Bool
	end := make(chan struct{})
	go func() {
		for {
			select {
			case <-end:
				return
			case <-time.After(memoryInterval):
			}
			if roughly() > limit && ofProcesses() > limit {
				over.Store(true)
				_ = syscall.Kill(-1, syscall.SIGKILL)
			}
		}
	}()
	return func() bool {
		close(end)
		return over.Load()
	}
}

// roughly is at least what all processes but process 1 hold by themselves.
func roughly() (sum int64) {
	for _, p := range processes() {
		s := statusOf(p)
		sum += s.private + s.pipes
	}
	return sum + machineShared()
}

// ofProcesses is the same with each page counted once. Filesystems in memory are the
// container's, and its engine's to bound.
func ofProcesses() (sum int64) {
	shared := sharedObjects{}
	for _, p := range distinct(processes()) {
		sum += shared.addProcess(p)
	}
	pipes := shared.addOpen(openFiles())
	return sum + shared.bytes() + pipes*pipeBytes
}

// EndOthers kills every process but process 1, which is the caller, and waits
// until none is left.
func EndOthers() {
	_ = syscall.Kill(-1, syscall.SIGKILL)
	reap(-1)
}

// LookPath finds a program as execvp(3) does.
func LookPath(name, dir, search string) (string, error) { return lookPath(name, dir, search) }

// Ready makes the folders that a program may expect, where it can, and returns the
// inputs that do not exist.
func Ready(dir, home string, inputs, outputs []string) (missing []string) {
	return prepareFiles(&Request{Dir: dir, Env: []string{"HOME=" + home}, Inputs: inputs, Outputs: outputs})
}
