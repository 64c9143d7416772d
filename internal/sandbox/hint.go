//go:build linux && (amd64 || arm64)

package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"repro/internal/sandbox/inside"
)

// namespaceHint says why this machine may have refused user namespaces, or a
// capability in them, with the error err, and what its administrator can do.
func namespaceHint(err error) string {
	for _, k := range []struct{ file, refuses, hint string }{
		{"/proc/sys/user/max_user_namespaces", "0",
			"user namespaces are switched off, as on some clusters of the Red Hat family; the administrator can allow them: echo user.max_user_namespaces=15000 >/etc/sysctl.d/90-userns.conf && sysctl --system"},
		{"/proc/sys/kernel/unprivileged_userns_clone", "0",
			"user namespaces are for root only, as on Debian before 11; the administrator can allow them: echo kernel.unprivileged_userns_clone=1 >/etc/sysctl.d/90-userns.conf && sysctl --system"},
		{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", apparmorHint()},
	} {
		if setting(k.file) == k.refuses {
			return k.hint
		}
	}
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EUSERS):
		return "there are as many user namespaces as this machine allows, or so many around this process; the administrator can allow more: sysctl user.max_user_namespaces=15000"
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EINVAL):
		return kernelHint()
	case !errors.Is(err, fs.ErrPermission):
		return ""
	case filtered():
		return "a system call filter around this process forbids it, as in a container or a job of a batch system; Docker: start the container with --security-opt seccomp=unconfined --security-opt systempaths=unconfined --device /dev/fuse; Kubernetes: seccompProfile Unconfined and procMount Unmasked; else ask the administrator to run repro outside"
	}
	return "user namespaces are forbidden by a security module such as SELinux or AppArmor, or this process is in a chroot: ask the administrator"
}

// apparmorHint is what Ubuntu since 23.10 wants.
func apparmorHint() string {
	program, err := os.Executable()
	if err != nil {
		program = "/usr/local/bin/repro"
	}
	return fmt.Sprintf("AppArmor gives user namespaces only to programs with a profile, as on Ubuntu since 23.10; the administrator can install one: "+
		"printf 'abi <abi/4.0>,\\nprofile repro %s flags=(unconfined) { userns, }\\n' >/etc/apparmor.d/repro && apparmor_parser -r /etc/apparmor.d/repro", program)
}

func kernelHint() string {
	return fmt.Sprintf("this kernel, %s, is too old or was built without what a sandbox needs: Linux 5.2 at least, 5.11 for overlays", setting("/proc/sys/kernel/osrelease"))
}

// filtered reports whether there is a system call filter around this process.
func filtered() bool {
	b, _ := os.ReadFile("/proc/self/status")
	return strings.Contains(string(b), "\nSeccomp:\t2")
}

func setting(file string) string {
	b, _ := os.ReadFile(file)
	return strings.TrimSpace(string(b))
}

// setupHint says what to do if the kernel allowed the namespaces but then refused
// a part of the setup.
func setupHint(what string, err error) string {
	switch {
	case errors.Is(err, unix.ENOSYS):
		return kernelHint()
	case what == inside.Proc:
		return "inside a container whose /proc is masked, no new /proc may be mounted; Docker: start the container with --security-opt systempaths=unconfined; Podman: --security-opt unmask=ALL; Kubernetes: procMount Unmasked"
	case what == Fuse:
		return fuseHint
	case what == Overlay:
		return fmt.Sprintf("overlays in user namespaces need Linux 5.11 and a scratch directory on a local filesystem; TMPDIR is %s", os.TempDir())
	case errors.Is(err, fs.ErrPermission):
		return namespaceHint(err)
	}
	return ""
}
