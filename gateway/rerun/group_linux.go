package rerun

import (
	"os/exec"
	"syscall"
)

// ownGroup keeps the signals of a terminal from the process, and has the kernel
// tell it to end when its worker dies.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

func signalEnd(cmd *exec.Cmd) { _ = cmd.Process.Signal(syscall.SIGTERM) }
func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
