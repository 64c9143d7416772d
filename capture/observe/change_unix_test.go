//go:build linux && (amd64 || arm64)

package observe

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestChangesSettle(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	read := func(name string) string {
		b, err := os.ReadFile(at(name))
		if err != nil {
			return "none"
		}
		return string(b)
	}
	c := Change{Path: at("deep/x"), Before: write(t, at("kept/before"), "old"), After: write(t, at("kept/after"), "new")}
	if err := c.Keep(); err != nil || read("deep/x") != "new" || read("kept/after") != "none" || read("kept/before") != "old" {
		t.Errorf("kept: %v, %q", err, read("deep/x"))
	}
	if err := c.Undo(); err != nil || read("deep/x") != "old" {
		t.Errorf("undone: %v, %q", err, read("deep/x"))
	}
	if err := (Change{Path: at("deep/x")}).Keep(); err != nil || read("deep/x") != "none" {
		t.Errorf("removed: %v, %q", err, read("deep/x"))
	}
	if err := (Change{Path: at("deep/none")}).Keep(); err != nil {
		t.Errorf("removed what is not there: %v", err)
	}
	stays := Change{Path: write(t, at("same"), "s"), After: at("same")}
	if err := stays.Keep(); err != nil || read("same") != "s" {
		t.Errorf("what is there already: %v, %q", err, read("same"))
	}
	write(t, at("folder/in"), "x")
	if err := (Change{Path: at("folder"), After: write(t, at("kept/file"), "file")}).Keep(); err != nil || read("folder") != "file" {
		t.Errorf("in a folder's place: %v, %q", err, read("folder"))
	}
	if err := (Change{Path: at("lost"), After: at("kept/none")}).Keep(); err == nil {
		t.Error("what is not there was kept")
	}
}

// TestMoveAcross moves as from one filesystem to another: content, permissions and
// times, over what was there, and links as links.
func TestMoveAcross(t *testing.T) {
	dir := t.TempDir()
	from, to := write(t, filepath.Join(dir, "from"), "content"), write(t, filepath.Join(dir, "to"), "old")
	day := time.Unix(1_500_000_000, 0)
	if err := os.Chtimes(from, day, day); err != nil {
		t.Fatal(err)
	}
	if err := moveAcross(from, to); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(to)
	if err != nil || info.Mode().Perm() != 0o640 || !info.ModTime().Equal(day) || info.Size() != 7 {
		t.Errorf("moved: %v, %v", info, err)
	}
	if err := os.Symlink("target", from); err != nil {
		t.Fatal(err)
	}
	if err := moveAcross(from, to); err != nil {
		t.Fatal(err)
	}
	if target, err := os.Readlink(to); err != nil || target != "target" {
		t.Errorf("link to %q, %v", target, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left %v, %v", entries, err)
	}
}

func TestPlaces(t *testing.T) {
	if got, want := outermost([]string{"/b/c", "/a", "/a/b", "/ab", "/b/c/", "/b/cd"}), []string{"/a", "/ab", "/b/c", "/b/cd"}; !slices.Equal(got, want) {
		t.Errorf("outermost %q, want %q", got, want)
	}
	for _, c := range []struct {
		name, dir string
		want      bool
	}{{"/a", "/a", true}, {"/a/b", "/a", true}, {"/ab", "/a", false}, {"/a", "/", true}, {"/", "/a", false}} {
		if inside(c.name, c.dir) != c.want {
			t.Errorf("%s inside %s: %t", c.name, c.dir, !c.want)
		}
	}
	if got := variable([]string{"A=1", "AB=2", "A=3"}, "A"); got != "3" {
		t.Errorf("A is %q", got)
	}
	if got := variable(nil, "A"); got != "" {
		t.Errorf("A is %q", got)
	}
	real, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	file := write(t, filepath.Join(real, "file"), "")
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	got := writable(Command{Dir: real, Own: real, Writable: []string{link, file, "/", "/proc/self", "relative", real + "/none"}, Env: []string{"HOME=" + real + "/none", "TMPDIR=/proc"}})
	want := outermost([]string{real, "/tmp", "/var/tmp"})
	if !slices.Equal(got, want) {
		t.Errorf("writable %q, want %q", got, want)
	}
}

func TestMerged(t *testing.T) {
	got := merged([]Change{
		{Path: "/b", Before: "/b"}, {Path: "/b", After: "/up/b", Link: true}, {Path: "/a", After: "/up/a"}, {Path: "/a", Before: "/a"}, {Path: "/c", Before: "/c"},
	})
	want := []Change{{Path: "/a", Before: "/a", After: "/up/a"}, {Path: "/b", Before: "/b", After: "/up/b", Link: true}, {Path: "/c", Before: "/c"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestUnixAddress(t *testing.T) {
	for raw, want := range map[string]string{"/run/x\x00rest": "/run/x", "\x00name\x00": "@name", "\x00": "", "": "", "/whole": "/whole", "\x00a": "@a"} {
		if got := unixAddress([]byte(raw)); got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		o    Observation
		want int
	}{{Observation{Exit: 3}, 3}, {Observation{}, 0}, {Observation{Exit: -1, signal: 9}, 137}, {Observation{Interrupted: true}, 130}, {Observation{Interrupted: true, Exit: 2}, 2}} {
		if got := c.o.Status(); got != c.want {
			t.Errorf("%+v: status %d, want %d", c.o, got, c.want)
		}
	}
}

func TestStarter(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"#!/bin/sh\n": "/bin/sh", "#! /usr/bin/env python3\nx": "/usr/bin/env", "#!relative\n": "", "#!\n": "", "text": "", "": "", "\x7fELFbroken": "", "#!/bin/sh -e": "/bin/sh",
	} {
		if got := starter(write(t, filepath.Join(dir, "f"), text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := starter("/bin/sh"); filepath.Base(got)[:2] != "ld" {
		t.Errorf("/bin/sh is started by %q", got)
	}
	if got := starter(filepath.Join(dir, "none")); got != "" {
		t.Errorf("what is not there is started by %q", got)
	}
}
