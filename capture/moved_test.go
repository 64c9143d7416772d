package capture

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMoved builds a closure of an experiment that has been moved since: what it
// read in its own folder is taken from where that lies now, and its old name
// still leads there.
func TestMoved(t *testing.T) {
	base := plant(t, map[string]string{
		"now/.venv/pyvenv.cfg": "", "now/.venv/lib/x.py": "1\n", "now/data/a.csv": "1\n", "now/data/b.csv": "2\n", "now/data/c.txt": "",
		"now/data/made.csv": "", "now/data/.hidden.csv": "", "now/code.py": "", "now/other.py": "", "else/tool": "x",
	})
	if real, err := filepath.EvalSymlinks(base); err == nil {
		base = real
	}
	now, tool := filepath.Join(base, "now"), filepath.Join(base, "else/tool")
	sum := func(name string) File {
		w := &wanted{at: name}
		w.read(make([]byte, 64), nil)
		return File{Digest: w.digest, Size: w.size, Read: true}
	}
	file := func(as, name string) File {
		f := sum(name)
		f.Path = as
		return f
	}
	r := &Record{Version: Version, Folder: "/was", Packages: []Package{{Kind: "pypi", Name: "x", Where: "/was/.venv/lib", Records: []string{"/was/.venv/lib/x.py", tool}}}, Steps: []Step{{
		Name: "s", Command: []string{"python"}, Dir: "/was", Absolute: true,
		Programs: []Program{{Parent: -1, Path: "/was/.venv/bin/python", Dir: "/was/data"}, {Parent: -1, Path: "/wasted", Dir: "/"}},
		Files:    []File{file("/was/.venv/lib/x.py", now+"/.venv/lib/x.py"), file("/was/data/a.csv", now+"/data/a.csv"), file("/was/code.py", now+"/code.py"), file(tool, tool)},
		Links:    []Link{{"/was/.venv/l", "x"}}, Folders: []string{"/was/data"},
		Listed:   []Listing{{Path: "/was/data", Names: []string{"a.csv"}}, {Path: "/was", Names: []string{"code.py"}}},
		Written:  []Written{{Path: "/was/data/made.csv", After: sum(tool).Digest}},
		NotTaken: []Omission{{Kind: "file", Name: "/was/.env"}},
	}}}
	m := r.moved(now)
	s := m.Steps[0]
	for _, got := range [][2]string{
		{s.Dir, now}, {s.Programs[0].Path, now + "/.venv/bin/python"}, {s.Programs[0].Dir, now + "/data"}, {s.Programs[1].Path, "/wasted"},
		{s.Files[1].Path, now + "/data/a.csv"}, {s.Files[3].Path, tool}, {s.Links[0].Path, now + "/.venv/l"}, {s.Folders[0], now + "/data"},
		{s.Listed[0].Path, now + "/data"}, {s.Written[0].Path, now + "/data/made.csv"}, {s.NotTaken[0].Name, now + "/.env"},
		{m.Packages[0].Where, now + "/.venv/lib"}, {m.Packages[0].Records[0], now + "/.venv/lib/x.py"}, {m.Packages[0].Records[1], tool}, {m.Folder, now},
		{r.Folder, "/was"}, {r.Steps[0].Files[1].Path, "/was/data/a.csv"}, {r.Packages[0].Records[0], "/was/.venv/lib/x.py"},
	} {
		if got[0] != got[1] {
			t.Errorf("%s, want %s", got[0], got[1])
		}
	}
	if r.moved("/was") != r {
		t.Error("moved to where it is")
	}
	if got := r.Added(now); !slices.Equal(got, []string{"data/b.csv"}) {
		t.Errorf("added: %q", got)
	}
	if err := os.Remove(now + "/data/b.csv"); err != nil {
		t.Fatal(err)
	}
	if got := r.Added(now); len(got) != 0 {
		t.Errorf("added: %q", got)
	}
	c, err := r.Closure(ClosureOptions{Folder: now})
	if err != nil {
		t.Fatal(err)
	}
	if n := c.Tree.Lookup("/paper/.venv/lib/x.py"); n == nil {
		t.Error("what the folder's environment has is missing")
	}
	if n := c.Tree.Lookup("/was"); n == nil || n.Target != Paper {
		t.Errorf("the old name: %+v", n)
	}
	if n := c.Tree.Lookup(now); n != nil {
		t.Errorf("the new name is in the image: %+v", n)
	}
}

// TestOpenRecordMoved: what is captured again may have named the old folder.
func TestOpenRecordMoved(t *testing.T) {
	dir := t.TempDir()
	r := &Record{Version: Version, Folder: "/was", Steps: []Step{
		{Name: "one", Command: []string{"sh"}, Dir: "/was"}, {Name: "two", Command: []string{"sh"}, Dir: "/was", Absolute: true},
	}}
	text, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, FileName), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := openRecord(dir, "two"); err != nil || got.Folder != dir || len(got.Steps) != 2 {
		t.Errorf("captured again: %+v, %v", got, err)
	}
	if _, err := openRecord(dir, "one"); err == nil || !strings.Contains(err.Error(), `which step "two" names by its path`) {
		t.Errorf("another step was captured: %v", err)
	}
}
