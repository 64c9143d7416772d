package capture

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// plant writes files below a folder.
func plant(t *testing.T, files map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestOwners(t *testing.T) {
	dir := plant(t, map[string]string{
		"v/lib/site-packages/num-1.2.dist-info/METADATA":   "Metadata-Version: 2.1\nName: num\nVersion: 1.2\n\nVersion: of the text\n",
		"v/lib/site-packages/num-1.2.dist-info/RECORD":     "num/__init__.py,sha256=x,1\nnum/core.so,,\n",
		"v/lib/site-packages/old-3.egg-info/PKG-INFO":      "Name: old\nVersion: 3\n",
		"v/lib/site-packages/old-3.egg-info/top_level.txt": "old\n",
		"c/conda-meta/zlib-1.3.json":                       `{"name": "zlib", "version": "1.3", "subdir": "linux-64", "files": ["lib/libz.so"]}`,
		"r/library/MASS/DESCRIPTION":                       "Package: MASS\nVersion: 7.3\nBuilt: R 4.2.2; ; 2022\n",
		"r/project/DESCRIPTION":                            "Package: mine\nVersion: 1\n", // of a source, not installed
	})
	at := func(name string) string { return filepath.Join(dir, name) }
	want := map[string]string{
		at("v/lib/site-packages/num/__init__.py"): "pypi:num@" + at("v/lib/site-packages"),
		at("v/lib/site-packages/num/core.so"):     "pypi:num@" + at("v/lib/site-packages"),
		at("v/lib/site-packages/num/other.py"):    "",
		at("v/lib/site-packages/old/x.py"):        "pypi:old@" + at("v/lib/site-packages"),
		at("v/lib/site-packages/older/x.py"):      "",
		at("c/lib/libz.so"):                       "conda:zlib@" + at("c"),
		at("c/lib/libother.so"):                   "",
		at("r/library/MASS/R/MASS.rdb"):           "cran:MASS@" + at("r/library"),
		at("r/project/R/mine.R"):                  "",
	}
	var names []string
	for name := range want {
		names = append(names, name)
	}
	owners, packages := findOwners(names)
	for name, id := range want {
		if owners[name] != id {
			t.Errorf("%s: of %q, want %q", name, owners[name], id)
		}
	}
	var versions []string
	for _, p := range packages {
		versions = append(versions, p.Name+" "+p.Version)
		for _, r := range p.Records {
			if !isFile(r) {
				t.Errorf("%s: record %s is not there", p.Name, r)
			}
		}
	}
	if want := []string{"zlib 1.3", "MASS 7.3", "num 1.2", "old 3"}; !slices.Equal(versions, want) {
		t.Errorf("packages %q, want %q", versions, want)
	}
}

func TestDpkg(t *testing.T) {
	db := plant(t, map[string]string{
		"status":              "Package: tool\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:2-3\n\nPackage: lib\nArchitecture: i386\nVersion: 4\n\nPackage: lib\nArchitecture: amd64\nVersion: 5\n",
		"info/tool.list":      "/.\n/opt\n/opt/tool\n/opt/tool.txt\n",
		"info/lib:amd64.list": "/opt/lib.so\n",
		"info/lib:i386.list":  "/opt/lib32.so",
	})
	o := &owners{wanted: map[string]string{"/opt/tool": "", "/opt/lib.so": "", "/opt/lib32.so": "", "/opt/none": ""}, packages: map[string]*Package{}}
	o.dpkg(db)
	for name, want := range map[string]string{"/opt/tool": "deb:tool:amd64", "/opt/lib.so": "deb:lib:amd64", "/opt/lib32.so": "deb:lib:i386", "/opt/none": ""} {
		if o.wanted[name] != want {
			t.Errorf("%s: of %q, want %q", name, o.wanted[name], want)
		}
	}
	if p := o.packages["deb:lib:i386"]; p == nil || p.Version != "4" {
		t.Errorf("lib for i386: %+v", p)
	}
	whole := Package{Kind: "deb", Records: []string{filepath.Join(db, "copyright"), filepath.Join(db, "info/tool.list")}}
	if got := filesOf(whole); !slices.Contains(got, "/opt/tool.txt") {
		t.Errorf("files of the package: %q", got)
	}
	if p := o.packages["deb:tool:amd64"]; p == nil || p.Version != "1:2-3" || p.Records[0] != filepath.Join(db, "info/tool.list") {
		t.Errorf("tool: %+v", p)
	}
}

func TestClosure(t *testing.T) {
	dir := plant(t, map[string]string{
		"paper/run.sh": "x", "paper/.venv/pyvenv.cfg": "home = /usr/bin\n", "paper/.venv/lib/m.py": "y",
		"lib/site-packages/num-1.dist-info/METADATA": "Name: num\nVersion: 1\n", "lib/site-packages/num-1.dist-info/RECORD": "num/a.py,,\nnum/b.py,,\nnum/my.key,,\n",
		"lib/site-packages/num/a.py": "a", "lib/site-packages/num/b.py": "b", "extra/one": "1", "extra/id_rsa": "2",
	})
	at := func(name string) string { return filepath.Join(dir, name) }
	file := func(name, content string) File {
		w := &wanted{at: at(name)}
		w.read(make([]byte, 64), nil)
		return File{Path: at(name), Digest: w.digest, Size: int64(len(content)), Read: true}
	}
	r := &Record{Version: Version, Folder: at("paper"), Steps: []Step{{
		Name: "all", Command: []string{"sh"}, Dir: at("paper"), Absolute: true,
		Files:   []File{file("paper/run.sh", "x"), file("paper/.venv/lib/m.py", "y"), file("lib/site-packages/num/a.py", "a")},
		Links:   []Link{{at("alias"), "lib"}},
		Folders: []string{at("empty")},
	}}}
	r.own()
	has := func(o ClosureOptions) func(name string) bool {
		t.Helper()
		c, err := r.Closure(o)
		if err != nil {
			t.Fatal(err)
		}
		return func(name string) bool { return c.Tree.Lookup(name) != nil }
	}
	small, whole, named := has(ClosureOptions{}), has(ClosureOptions{Whole: true}), has(ClosureOptions{Files: []string{at("extra/*")}})
	for _, name := range []string{at("lib/site-packages/num/a.py"), at("alias"), at("empty"), "/paper/.venv/lib/m.py", at("lib/site-packages/num-1.dist-info/METADATA"), at("paper")} {
		if !small(name) || !whole(name) {
			t.Errorf("%s is missing", name)
		}
	}
	for _, name := range []string{"/paper/run.sh", at("lib/site-packages/num/b.py"), at("extra/one"), at("lib/site-packages/num/my.key")} {
		if small(name) {
			t.Errorf("%s was taken", name)
		}
	}
	if c, err := r.Closure(ClosureOptions{}); err != nil || c.Tree.Lookup(at("paper")).Target != Paper {
		t.Errorf("the experiment's folder does not lead to %s: %v", Paper, err)
	}
	if !whole(at("lib/site-packages/num/b.py")) {
		t.Error("the package is not whole")
	}
	if !named(at("extra/one")) || !named(at("extra/id_rsa")) {
		t.Error("what was named is missing")
	}
	if _, err := r.Closure(ClosureOptions{Files: []string{at("no-such")}}); err == nil {
		t.Error("a file that is not there was taken")
	}
}
