//go:build !linux

package rerun

import "os/exec"

func ownGroup(*exec.Cmd) {}

func signalEnd(cmd *exec.Cmd) { killGroup(cmd) }
func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
