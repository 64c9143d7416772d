package cli

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// smallTools makes a folder, which the caller removes, with this machine's busybox
// and a link for each tool that it is: what a person who looks around in an image
// expects, and a captured environment has only of what was used.
func smallTools(busybox string) (dir string, err error) {
	from, err := exec.LookPath(busybox)
	if err != nil {
		return "", err
	}
	if err := isStatic(from); err != nil {
		return "", fmt.Errorf("%s: %w", from, err)
	}
	names, err := exec.Command(from, "--list").Output()
	if err != nil {
		return "", fmt.Errorf("%s --list: %w", from, err)
	}
	if dir, err = os.MkdirTemp("", "repro-tools-"); err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(dir)
		}
	}()
	if err := errors.Join(os.Chmod(dir, 0o755), copyProgram(from, filepath.Join(dir, "busybox"))); err != nil {
		return "", err
	}
	for _, name := range strings.Fields(string(names)) {
		if name == "busybox" || strings.Contains(name, "/") {
			continue
		}
		if err := os.Symlink("busybox", filepath.Join(dir, name)); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// isStatic reports why a program needs libraries to start, which an image may not
// have, or has others.
func isStatic(name string) error {
	f, err := elf.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("is not linked statically")
		}
	}
	return nil
}

func copyProgram(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Chmod(0o755), out.Close())
}
