package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// played are the experiments that tests play: those whose programs are small,
// and which need no network.
var played = []string{"fortran", "make", "perl", "python", "r", "tools", "venv"}

// TestExperiments takes experiments from the folder to a signed image in two
// commands and no line, and has another user run it where there is nothing else.
func TestExperiments(t *testing.T) {
	if testing.Short() {
		t.Skip("plays whole experiments")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil || os.Getuid() != 0 {
		t.Skip("needs root and /dev/fuse")
	}
	dir, err := os.MkdirTemp("/var/lib", "repro-test") // steps have a /tmp of their own
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	for name, pkg := range map[string]string{"repro": "repro/cmd/repro", "bench": "repro/internal/bench"} {
		cmd := exec.Command("go", "build", "-o", filepath.Join(bin, name), pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build: %v\n%s", err, out)
		}
	}
	repro, key := filepath.Join(bin, "repro"), filepath.Join(dir, "author")
	if out, err := exec.Command(repro, "key", "new", "--no-passphrase", key).CombinedOutput(); err != nil {
		t.Fatalf("key: %v\n%s", err, out)
	}
	all, err := readExperiments()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if !slices.Contains(played, e.name) {
			continue
		}
		t.Run(e.name, func(t *testing.T) {
			if lacks := e.missing(); lacks != "" {
				t.Skipf("this machine has no %s", lacks)
			}
			p, err := e.setUp(filepath.Join(dir, e.name))
			if err != nil {
				t.Fatal(err)
			}
			c, err := p.complete(repro, key, filepath.Join(bin, "bench"))
			if err != nil {
				t.Fatal(err)
			}
			if len(c.absent) > 0 || c.read < 3 {
				t.Errorf("of %d files that were read, %q are not in the image", c.read, c.absent)
			}
			if !c.again {
				t.Errorf("not reproduced:\n%s", c.verdict)
			}
			if c.commands != 2 || c.lines != 0 {
				t.Errorf("%d commands and %d lines", c.commands, c.lines)
			}
		})
	}
}

func TestReadExperiments(t *testing.T) {
	all, err := readExperiments()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 12 {
		t.Errorf("%d experiments", len(all))
	}
	for _, bad := range []string{"", "run: x\n", "-- a --\nb\n"} {
		if _, err := parseExperiment("bad", []byte(bad)); err == nil {
			t.Errorf("%q: taken", bad)
		}
	}
	e, err := parseExperiment("x", []byte("Words.\nneeds: no-such-program\nenv: A=$HOME B=2\nrun: a b\n\n-- c --\nd\n"))
	if err != nil || e.missing() != "no-such-program" || !slices.Equal(e.env, []string{"A=$HOME", "B=2"}) || !slices.Equal(e.run, []string{"a", "b"}) {
		t.Errorf("%+v, %v", e, err)
	}
}

// TestStraceLines reads what strace writes.
func TestStraceLines(t *testing.T) {
	for _, c := range []struct {
		line, opened, executed string
		written                bool
	}{
		{line: `12 openat(AT_FDCWD</w>, "x", O_RDONLY|O_CLOEXEC) = 3</w/x>`, opened: "/w/x"},
		{line: `12 openat(AT_FDCWD</w>, "x", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</w/x>`, opened: "/w/x", written: true},
		{line: `12 openat(AT_FDCWD</w>, "x", O_RDONLY) = -1 ENOENT (No such file or directory)`},
		{line: `12 <... openat resumed>) = 4</w/y>`, opened: "/w/y"},
		{line: `12 execve("/bin/sh", ["sh"], 0x7 /* 9 vars */) = 0`, executed: "/bin/sh"},
	} {
		opened, executed := "", ""
		if m := openedLine.FindStringSubmatch(c.line); m != nil {
			opened = m[1]
		}
		if m := executedLine.FindStringSubmatch(c.line); m != nil {
			executed = m[1]
		}
		if opened != c.opened || executed != c.executed || onlyWritten.MatchString(c.line) != c.written {
			t.Errorf("%s: opened %q, executed %q", c.line, opened, executed)
		}
	}
}
