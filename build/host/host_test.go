package host

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repro/format/tree"
)

// unpack writes the tree below n into a new folder.
func unpack(t *testing.T, n *tree.Node) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "proc"), 0o755); err != nil { // $ORIGIN needs it
		t.Fatal(err)
	}
	for name, n := range n.All() {
		at := filepath.Join(dir, name)
		var err error
		switch n.Mode.Type() {
		case fs.ModeDir:
			err = os.MkdirAll(at, 0o755)
		case fs.ModeSymlink:
			err = os.Symlink(n.Target, at)
		case 0:
			err = copyFile(at, n)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func copyFile(at string, n *tree.Node) error {
	r, err := n.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.OpenFile(at, os.O_CREATE|os.O_WRONLY, n.Mode.Perm()|0o200)
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, r); err != nil {
		return err
	}
	return w.Close()
}

func gather(t *testing.T, programs, files []string) *Closure {
	t.Helper()
	c, err := Gather(context.Background(), programs, files, Options{Path: DefaultPath})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// inside runs a command with dir as its root folder.
func inside(t *testing.T, dir string, argv ...string) string {
	t.Helper()
	bwrap, err := exec.LookPath("bwrap")
	if err != nil {
		t.Skipf("needs bwrap")
	}
	cmd := exec.Command(bwrap, append([]string{"--unshare-all", "--clearenv", "--setenv", "PATH", strings.Join(DefaultPath, ":"), "--setenv", "LC_ALL", "C.UTF-8", "--ro-bind", dir, "/", "--proc", "/proc", "--"}, argv...)...)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("%q: %v\n%s", argv, err, problems.String())
	}
	return out.String()
}

func TestShellAndAwkRunAlone(t *testing.T) {
	c := gather(t, []string{"sh", "awk", "env", "cat"}, nil)
	dir := unpack(t, c.Tree)
	if got := inside(t, dir, "sh", "-c", "awk 'BEGIN { printf \"%.15g\", exp(1) }' | cat"); got != "2.71828182845905" {
		t.Errorf("got %q", got)
	}
	if len(c.Path) > 0 {
		t.Errorf("path %q beyond the default", c.Path)
	}
}

// TestPythonRunsAlone needs what Debian's linker configuration and
// alternatives do for numpy: libblas.so.3 lies behind /etc/alternatives.
func TestPythonRunsAlone(t *testing.T) {
	if testing.Short() {
		t.Skip("copies some 200 MB")
	}
	if out, err := exec.Command("/usr/bin/python3", "-c", "import numpy").CombinedOutput(); err != nil {
		t.Skipf("needs /usr/bin/python3 with numpy: %s", out)
	}
	c := gather(t, []string{"/usr/bin/python3"}, []string{"/usr/lib/python3", "/usr/lib/python3.*", "/etc/python3*"})
	dir := unpack(t, c.Tree)
	got := inside(t, dir, "python3", "-c", "import numpy; print(numpy.linalg.det(numpy.eye(3)), 'ä')")
	if got != "1.0 ä\n" {
		t.Errorf("got %q", got)
	}
}

func TestTheSameTwice(t *testing.T) {
	a, b := gather(t, []string{"awk", "sh"}, nil), gather(t, []string{"sh", "awk"}, nil)
	if x, y := names(a.Tree), names(b.Tree); !slices.Equal(x, y) {
		t.Errorf("order of the programs changes the closure:\n%q\n%q", x, y)
	}
}

// What env starts is looked up as it will be inside the image, not in the PATH
// of whoever builds it.
func TestEnvDoesNotAskTheBuildersPath(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "script")
	mine := filepath.Join(dir, "mine")
	if err := errors.Join(
		os.WriteFile(script, []byte("#!/usr/bin/env sh\ntrue\n"), 0o755),
		os.Mkdir(mine, 0o755),
		os.WriteFile(filepath.Join(mine, "sh"), []byte("#!/bin/true\n"), 0o755),
	); err != nil {
		t.Fatal(err)
	}
	var trees [2]string
	for i, search := range [][]string{DefaultPath, append([]string{mine}, DefaultPath...)} {
		c, err := Gather(context.Background(), []string{script}, nil, Options{Path: search})
		if err != nil {
			t.Fatal(err)
		}
		trees[i] = strings.Join(names(c.Tree), "\n")
	}
	if trees[0] != trees[1] {
		t.Errorf("another PATH gives other files:\n%s\nand\n%s", trees[0], trees[1])
	}
}

func names(n *tree.Node) []string {
	var all []string
	for name := range n.All() {
		all = append(all, name)
	}
	return all
}

func TestLoaderCacheIsWhatLdconfigReads(t *testing.T) {
	c := gather(t, []string{"/bin/sh"}, nil)
	cache := c.Tree.Lookup("etc/ld.so.cache")
	if cache == nil {
		t.Skipf("needs a machine with glibc")
	}
	file := filepath.Join(t.TempDir(), "cache")
	if err := copyFile(file, cache); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("/sbin/ldconfig", "-p", "-C", file).CombinedOutput()
	if err != nil {
		t.Skipf("needs ldconfig: %s", out)
	}
	if !strings.Contains(string(out), "libc.so.6 (libc6") || !strings.Contains(string(out), "=> /") {
		t.Errorf("ldconfig reads\n%s", out)
	}
}

func TestCompareNames(t *testing.T) {
	sorted := []string{"libA.so", "liba.so.1", "liba.so.2", "liba.so.10", "libab.so", "libz.so.1"}
	for i, a := range sorted {
		for j, b := range sorted {
			if got := compareNames(a, b); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("compareNames(%q, %q) = %d", a, b, got)
			}
		}
	}
}
