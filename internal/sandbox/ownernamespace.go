//go:build linux && (amd64 || arm64)

package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"repro/internal/sandbox/inside"
)

// OwnerNamespace returns a user namespace in which user and group 0 are those of
// the machine whom programs are. With it, a filesystem whose files belong to root
// can be mounted so that they belong to programs. The caller is root.
func OwnerNamespace() (*os.File, error) {
	inner, outer, err := newSocket()
	if err != nil {
		return nil, err
	}
	defer outer.Close() // ends the process below, which waits for a request
	defer inner.Close()
	o := owner()
	cmd := &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{inside.Name}, Env: []string{}, Dir: "/", ExtraFiles: []*os.File{inner},
		SysProcAttr: &syscall.SysProcAttr{
			Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWPID,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: o.uid, Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: o.gid, Size: 1}},
		},
	}
	if err := cmd.Start(); err != nil {
		return nil, &UnavailableError{What: "create namespaces", Err: err, Hint: namespaceHint(err)}
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	return os.Open(fmt.Sprintf("/proc/%d/ns/user", cmd.Process.Pid))
}
