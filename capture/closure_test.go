package capture

import (
	"errors"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"repro/format/manifest"
)

// TestStanding: folders and links of the experiment's own, which no recipe
// names, are where the steps found them.
func TestStanding(t *testing.T) {
	r := &Record{Version: Version, Folder: "/home/a/paper", Steps: []Step{
		{
			Name: "one", Command: []string{"sh"}, Dir: "/home/a/paper",
			Folders: []string{"/home/a/paper", "/home/a/paper/logs", "/home/a/paper/.ssh"},
			Links: []Link{
				{"/home/a/paper/data", "real"}, {"/home/a/paper/sub/up", "../real/x"}, {"/home/a/paper/sub/all", ".."},
				{"/home/a/paper/out", "/home/a/paper/real/y"}, {"/home/a/paper/big", "../../b/store"}, {"/home/a/paper/far", "/mnt/far"},
				{"/home/a/paper/latest", "real/x"},
			},
			Written: []Written{{Path: "/home/a/paper/tidy/x.rds"}, {Path: "/home/a/paper/latest"}, {Path: "/home/a/paper/logs/one.log"}},
		},
		{
			Name: "two", Command: []string{"sh"}, Dir: "/home/a/paper",
			Folders: []string{"/home/a/paper/tidy", "/home/a/paper/scratch"}, Links: []Link{{"/home/a/paper/latest", "real/x"}},
		},
	}}
	want := map[string]string{
		"": "", "logs": "", "scratch": "", "sub": "",
		"data": "real", "sub/up": "../real/x", "sub/all": "..", "out": "/paper/real/y", "big": "/home/b/store", "far": "/mnt/far",
	}
	for name, folder := range map[string]string{"where it was": "", "moved": "/srv/elsewhere"} {
		c, err := r.Closure(ClosureOptions{Folder: folder})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for at, n := range c.Tree.Lookup(Paper).All() {
			got[at] = n.Target
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: has %v, want %v", name, got, want)
		}
	}
}

// closureOf plants a machine's files and returns a record of one step that read
// them, with the folder they are in; the experiment is paper below that.
func closureOf(t *testing.T, files map[string]string) (*Record, string) {
	t.Helper()
	dir := plant(t, files)
	s := Step{Name: "one", Command: []string{"sh"}, Dir: dir + "/paper"}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		s.Files = append(s.Files, File{Path: path.Join(dir, name), Digest: manifest.DigestOf([]byte(files[name])), Size: int64(len(files[name])), Read: true})
	}
	return &Record{Version: Version, Folder: dir + "/paper", Steps: []Step{s}}, dir
}

func TestClosureOfFiles(t *testing.T) {
	r, dir := closureOf(t, map[string]string{"lib/x.so": "library", "bin/run": "program", "paper/data.csv": "1", "paper/made.csv": "2", "paper/.venv/pyvenv.cfg": "v", "home/.netrc": "planted"})
	s := &r.Steps[0]
	if err := os.Chmod(dir+"/bin/run", 0o755); err != nil {
		t.Fatal(err)
	}
	s.Files = slices.DeleteFunc(s.Files, func(f File) bool { return path.Base(f.Path) == ".netrc" })
	s.Links = []Link{{dir + "/lib/link.so", "x.so"}, {dir + "/lib/x.so", "elsewhere"}}
	s.Folders = []string{dir + "/empty", dir + "/home/.ssh", dir + "/paper/sub"}
	s.Written = []Written{{Path: dir + "/paper/made.csv", After: digest}}
	s.Files = slices.DeleteFunc(s.Files, func(f File) bool { return path.Base(f.Path) == "made.csv" })
	c, err := r.Closure(ClosureOptions{})
	if err != nil {
		t.Fatal(err)
	}
	content := func(name string) string {
		n := c.Tree.Lookup(name)
		if n == nil {
			return "none"
		}
		if n.IsDir() {
			return "folder"
		}
		if n.Target != "" {
			return "-> " + n.Target
		}
		f, err := n.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		b, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for name, want := range map[string]string{
		dir + "/lib/x.so": "library", dir + "/bin/run": "program", dir + "/lib/link.so": "-> x.so", dir + "/empty": "folder", "/paper/sub": "folder",
		dir + "/home/.ssh": "none", dir + "/home/.netrc": "none", "/paper/data.csv": "none", "/paper/made.csv": "none", "/paper/.venv/pyvenv.cfg": "v",
	} {
		if got := content(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if c.Tree.Lookup(dir+"/bin/run").Mode.Perm()&0o100 == 0 || c.Tree.Lookup(dir+"/lib/x.so").Mode.Perm()&0o100 != 0 {
		t.Error("what can be executed")
	}
	sums := map[string]string{}
	for _, s := range c.Sums {
		sums[strings.TrimPrefix(s.Name, dir)] = s.Rel
		if (s.Node == nil) != (s.Rel != "") || s.Want == "" {
			t.Errorf("sum %+v", s)
		}
	}
	if want := map[string]string{"/lib/x.so": "", "/bin/run": "", "/paper/data.csv": "data.csv", "/paper/.venv/pyvenv.cfg": ""}; !maps.Equal(sums, want) {
		t.Errorf("sums of %q, want %q", sums, want)
	}
	if err := os.WriteFile(dir+"/bin/run", []byte("longer program"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Tree.Lookup(dir + "/bin/run").Open(); err == nil || !strings.Contains(err.Error(), "changed while the image was built") {
		t.Errorf("a file that changed is read: %v", err)
	}

	// What is named comes along whatever it is; what is not there is said.
	c, err = r.Closure(ClosureOptions{Files: []string{dir + "/home", dir + "/li*/x.so"}})
	if err == nil || !strings.Contains(err.Error(), "run: has ") {
		t.Errorf("a changed program: %v", err)
	}
	r.Steps[0].Files = slices.DeleteFunc(r.Steps[0].Files, func(f File) bool { return path.Base(f.Path) == "run" })
	if c, err = r.Closure(ClosureOptions{Files: []string{dir + "/home", dir + "/li*/x.so"}}); err != nil || content(dir+"/home/.netrc") != "planted" {
		t.Errorf("a secret that is named: %v", err)
	}
	if _, err = r.Closure(ClosureOptions{Files: []string{dir + "/none*"}}); err == nil || !strings.Contains(err.Error(), "no such file on this machine") {
		t.Errorf("named and not there: %v", err)
	}
}

// TestClosureIsStale holds that all that is no longer as it was read is said.
func TestClosureIsStale(t *testing.T) {
	r, dir := closureOf(t, map[string]string{"a": "1", "b": "1", "c": "1", "paper/own": "1"})
	second := r.Steps[0]
	second.Name, second.Exit = "two", 1
	second.Files = []File{{Path: dir + "/c", Digest: digest, Size: 1, Read: true}, {Path: dir + "/paper/own", Digest: digest, Size: 1, Read: true}}
	r.Steps = append(r.Steps, second)
	for name, text := range map[string]string{"a": "12", "b": ""} {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(dir + "/b"); err != nil {
		t.Fatal(err)
	}
	_, err := r.Closure(ClosureOptions{})
	stale, ok := errors.AsType[*StaleError](err)
	if !ok || len(stale.Problems) != 4 {
		t.Fatalf("problems: %v", err)
	}
	for i, want := range []string{
		dir + "/a: has " + string(manifest.DigestOf([]byte("12"))) + `, but step "one" read ` + string(manifest.DigestOf([]byte("1"))),
		dir + "/b: no such file or directory: it was read when step \"one\" was captured",
		`step "two" failed when it was captured`,
		dir + `/c: step "two" read ` + string(digest) + ", an earlier one read " + string(manifest.DigestOf([]byte("1"))),
	} {
		if !strings.Contains(stale.Problems[i].Error(), want) {
			t.Errorf("problem %d: %v, want %s", i, stale.Problems[i], want)
		}
	}
	for range 30 {
		r.Steps[0].Files = append(r.Steps[0].Files, File{Path: dir + "/none", Digest: digest})
	}
	_, err = r.Closure(ClosureOptions{})
	if stale, _ := errors.AsType[*StaleError](err); len(stale.Problems) != 21 || stale.Problems[20].Error() != "and 14 more" {
		t.Errorf("many problems: %d, the last %v", len(stale.Problems), stale.Problems[len(stale.Problems)-1])
	}
}
