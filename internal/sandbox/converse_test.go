//go:build linux && (amd64 || arm64)

package sandbox

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestStandardInput(t *testing.T) {
	c, out := newCommand(t, "cat; readlink /proc/self/fd/0 | tr -d '0-9'")
	c.Stdin = strings.NewReader("typed\n")
	if r, err := Run(t.Context(), c); err != nil || r.Exit != 0 {
		t.Fatal(r, err)
	}
	if got, want := out.String(), "typed\npipe:[]\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What a program that is not there would have read is still there for another
// try.
func TestStandardInputUnread(t *testing.T) {
	c, _ := newCommand(t, "")
	c.Args = []string{"/no/such/program"}
	typed := strings.NewReader("typed\n")
	c.Stdin = typed
	if _, err := Run(t.Context(), c); err == nil || typed.Len() != 6 {
		t.Errorf("%v, %d bytes are left", err, typed.Len())
	}
}

// TestTerminal talks to a shell over a terminal that is not ours.
func TestTerminal(t *testing.T) {
	c, _ := newCommand(t, "test -t 0 && test -t 1 && test -t 2 && echo x >/dev/tty && read line && echo \"<$line>\"; exit 3")
	var got bytes.Buffer
	c.Terminal = func(master *os.File) {
		defer master.Close()
		if _, err := io.WriteString(master, "hello\n"); err != nil {
			t.Error(err)
		}
		_, _ = io.Copy(&got, master)
	}
	r, err := Run(t.Context(), c)
	if err != nil || r.Exit != 3 {
		t.Fatalf("%+v %v", r, err)
	}
	if !strings.Contains(got.String(), "<hello>") {
		t.Errorf("the terminal showed %q", &got)
	}
}

func TestBind(t *testing.T) {
	dir, err := os.MkdirTemp("", "repro-bind-") // where the program's user may look
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "note"), []byte("from outside\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	c, out := newCommand(t, "cat /mnt/in/note; echo a 2>/dev/null >/mnt/in/new || echo read-only; echo b >/mnt/out/made; cat /one/file")
	c.Binds = []Bind{
		{Source: dir, Target: "/mnt/in"}, {Source: dir, Target: "/mnt/out", Write: true},
		{Source: filepath.Join(dir, "note"), Target: "/one/file"},
	}
	if r, err := Run(t.Context(), c); err != nil || r.Exit != 0 {
		t.Fatalf("%+v %v\n%s", r, err, out)
	}
	if got, want := out.String(), "from outside\nread-only\nfrom outside\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "made")); string(b) != "b\n" {
		t.Errorf("%q %v", b, err)
	}
	for _, target := range []string{"/proc", "/dev/shm", "/", "relative", "/a/../b"} {
		c.Binds = []Bind{{Source: dir, Target: target}}
		if _, err := Run(t.Context(), c); err == nil {
			t.Errorf("bind to %q was accepted", target)
		}
	}
}

// TestBindBehindLink makes the place of a bind a link of the image's, out of
// the root as the host sees it.
func TestBindBehindLink(t *testing.T) {
	c, out := newCommand(t, "echo ran")
	if err := os.Symlink("/etc", filepath.Join(Upper(c.Scratch), "mnt")); err != nil {
		t.Fatal(err)
	}
	c.Binds = []Bind{{Source: t.TempDir(), Target: "/mnt/in"}}
	if _, err := Run(t.Context(), c); err == nil {
		t.Errorf("a link was followed: %s", out)
	}
}
