package atomicfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"repro/internal/atomicfile"
)

// TestResume goes on with what was left, under a name of its own for each tag.
func TestResume(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "out")
	begin := func(tag, want string) *atomicfile.File {
		t.Helper()
		f, err := atomicfile.Resume(name, tag, 0o666)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 100)
		if n, _ := f.ReadAt(b, 0); string(b[:n]) != want {
			t.Errorf("%s: there is %q, want %q", tag, b[:n], want)
		}
		return f
	}
	f := begin("one", "")
	if err := f.Close(); err != nil || len(names(t, dir)) != 0 {
		t.Errorf("an empty start stays: %q, %v", names(t, dir), err)
	}
	f = begin("one", "")
	if _, err := f.WriteAt([]byte("half"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := atomicfile.Resume(name, "one", 0o666); !errors.Is(err, atomicfile.ErrBusy) {
		t.Errorf("two at work on one file: %v", err)
	}
	begin("two", "").Close()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(name); err == nil {
		t.Error("a half file has its name")
	}
	f = begin("one", "half")
	if _, err := f.WriteAt([]byte(" and half"), 4); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(name); err != nil || string(b) != "half and half" {
		t.Errorf("%q, %v", b, err)
	}
	f = begin("three", "")
	f.WriteAt([]byte("wrong"), 0)
	if err := f.Discard(); err != nil {
		t.Fatal(err)
	}
	begin("three", "").Close()
	if got := names(t, dir); runtime.GOOS != "windows" && len(got) != 1 {
		t.Errorf("left: %q", got)
	}
}

// TestResumeFollowsNoLink writes through no link that somebody laid.
func TestResumeFollowsNoLink(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege there")
	}
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	if err := os.WriteFile(victim, []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, filepath.Join(dir, ".out.tag.part")); err != nil {
		t.Fatal(err)
	}
	if f, err := atomicfile.Resume(filepath.Join(dir, "out"), "tag", 0o666); err == nil {
		f.Close()
		t.Error("opened a link")
	}
}
