package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// bareRoot runs a command as user 65534 with a folder as the root of a mount
// namespace of its own, which has this machine's /dev and /sys, and a /proc:
// capture.bare FOLDER COMMAND ARG...
func bareRoot(args []string) error {
	if len(args) < 2 {
		return errors.New("usage: capture.bare FOLDER COMMAND [ARG...]")
	}
	if os.Getenv(inNamespace) == "" {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		cmd := exec.Command(self, append([]string{"capture.bare"}, args...)...)
		cmd.Env = append(os.Environ(), inNamespace+"=1")
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
		return cmd.Run()
	}
	if err := os.Unsetenv(inNamespace); err != nil {
		return err
	}
	if err := enterRoot(args[0]); err != nil {
		return err
	}
	const nobody = 65534
	if err := errors.Join(syscall.Setgroups(nil), syscall.Setresgid(nobody, nobody, nobody), syscall.Setresuid(nobody, nobody, nobody)); err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", args[1], syscall.Exec(args[1], args[1:], os.Environ()))
}

const inNamespace = "REPRO_BENCH_NAMESPACE"

func enterRoot(root string) error {
	mount := func(from, to, kind string, flags uintptr) error {
		if err := syscall.Mount(from, to, kind, flags, ""); err != nil {
			return fmt.Errorf("mount %s: %w", to, err)
		}
		return nil
	}
	err := errors.Join(
		mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE), mount(root, root, "", syscall.MS_BIND),
		mount("proc", filepath.Join(root, "proc"), "proc", 0),
		mount("/dev", filepath.Join(root, "dev"), "", syscall.MS_BIND|syscall.MS_REC), mount("/sys", filepath.Join(root, "sys"), "", syscall.MS_BIND|syscall.MS_REC))
	if err != nil {
		return err
	}
	if err := os.Chdir(root); err != nil {
		return err
	}
	if err := syscall.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	return syscall.Unmount(".", syscall.MNT_DETACH)
}
