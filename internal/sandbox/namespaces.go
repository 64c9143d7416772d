//go:build linux && (amd64 || arm64)

package sandbox

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"repro/internal/sandbox/inside"
)

// namespaces are those in which process 1 is started, each with the file in
// /proc/self/ns that says whether the kernel has it. There is no network
// namespace if the host's network is shared. The time namespace is made later.
var namespaces = []struct {
	name, file string
	flag       uintptr
}{
	{"user", "user", unix.CLONE_NEWUSER}, {"mount", "mnt", unix.CLONE_NEWNS}, {"pid", "pid", unix.CLONE_NEWPID},
	{"ipc", "ipc", unix.CLONE_NEWIPC}, {"uts", "uts", unix.CLONE_NEWUTS}, {"network", "net", unix.CLONE_NEWNET},
	{"cgroup", "cgroup", unix.CLONE_NEWCGROUP},
}

// wantedNamespaces returns the namespaces to make. Without control groups in the
// kernel it leaves out theirs; all others are required.
func wantedNamespaces(net bool) (flags uintptr, names []string) {
	for _, n := range namespaces {
		if n.flag == unix.CLONE_NEWNET && net {
			continue
		}
		if _, err := os.Lstat("/proc/self/ns/" + n.file); n.flag == unix.CLONE_NEWCGROUP && err != nil {
			continue
		}
		flags |= n.flag
		names = append(names, n.name)
	}
	return flags, names
}

// completed adds to isolation what process 1 does not know.
func completed(w Isolation, net bool, noGroup error) Isolation {
	if noGroup != nil {
		w.NoGroup = noGroup.Error()
	}
	if _, w.Namespaces = wantedNamespaces(net); w.Clocks {
		w.Namespaces = append(w.Namespaces, "time")
	}
	return w
}

// initCommand is this executable as process 1 of new namespaces.
func initCommand(net bool, socket *os.File) *exec.Cmd {
	host := owner()
	flags, _ := wantedNamespaces(net)
	return &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{inside.Name}, Dir: "/", ExtraFiles: []*os.File{socket},
		Env: []string{"GOMAXPROCS=1"}, // it mostly waits: more threads would cost more to start than they do
		SysProcAttr: &syscall.SysProcAttr{
			Cloneflags:                 flags,
			UidMappings:                []syscall.SysProcIDMap{{ContainerID: UID, HostID: host.uid, Size: 1}},
			GidMappings:                []syscall.SysProcIDMap{{ContainerID: GID, HostID: host.gid, Size: 1}},
			GidMappingsEnableSetgroups: host.drop,
			Credential:                 &syscall.Credential{Uid: UID, Gid: GID, NoSetGroups: !host.drop},
			AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_SETPCAP,
				unix.CAP_DAC_OVERRIDE, unix.CAP_FOWNER, unix.CAP_SYS_TIME, unix.CAP_SYS_CHROOT},
			Pdeathsig: unix.SIGKILL,
			Setsid:    true, // away from the caller's terminal
		},
	}
}
