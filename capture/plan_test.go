package capture

import (
	"maps"
	"slices"
	"testing"

	"repro/format/tree"
)

func TestIsCode(t *testing.T) {
	ran := Step{Programs: []Program{{Path: "/p/tool"}}}
	for _, c := range []struct {
		rel  string
		exec bool
		path string
		want bool
	}{
		{"a.py", false, "/p/a.py", true}, {"sub/B.R", false, "/p/sub/B.R", true}, {"sub/Makefile", false, "/p/sub/Makefile", true},
		{"tool", true, "/p/tool", true}, {"tool", false, "/p/tool", false}, {"other", true, "/p/other", false}, {"x.csv", false, "/p/x.csv", false}, {"Makefile.csv", false, "/p/Makefile.csv", false},
	} {
		if got := isCode(c.rel, File{Path: c.path, Executable: c.exec}, ran); got != c.want {
			t.Errorf("%s, executable %t: code %t", c.path, c.exec, got)
		}
	}
}

func TestPlainPath(t *testing.T) {
	for rel, want := range map[string]bool{
		"a b.csv": true, "é.csv": true, "a/!b": true, "a~": true, "": true,
		"!a": false, "~a": false, " a": false, "a ": false, "a*": false, "a?": false, "[a": false, `a\b`: false, "a\nb": false, "a\x7f": false, "]a": true,
	} {
		if plainPath(rel) != want {
			t.Errorf("%q: %t", rel, !want)
		}
	}
	r := &Record{Folder: "/home/a/paper"}
	for name, want := range map[string]string{"/home/a/paper/x": "x", "/home/a/paper": "", "/home/a/paperx": "", "/home/a/paper/a*": ""} {
		if got, own := r.ownFile(name); got != want || own != (want != "") {
			t.Errorf("%s: %q, own %t", name, got, own)
		}
	}
}

func TestReadLater(t *testing.T) {
	r := &Record{Folder: "/home/a/paper", Steps: []Step{
		step("a", "+x.csv", "+y.csv", "+z.csv", "own.csv"), step("b", "x.csv", "?y.csv", "+w.csv", "w.csv"), step("c", "own.csv"),
	}}
	if got, want := slices.Sorted(maps.Keys(r.readLater(r.makers()))), []string{"x.csv"}; !slices.Equal(got, want) {
		t.Errorf("read later %q, want %q", got, want)
	}
}

// TestSums notes what files must hold: the same file of two steps once, others'
// contents must agree, and one of the experiment's that a step between them made
// is held to none.
func TestSums(t *testing.T) {
	c := &closing{record: &Record{}, root: tree.NewDir(), sums: map[string]Sum{}}
	s := &Step{Name: "two"}
	for _, sum := range []Sum{{Name: "/lib", Want: "1"}, {Name: "/own", Rel: "own", Want: "1"}, {Name: "/same", Rel: "same", Want: "1"}, {Name: "/other", Want: "1"}} {
		if !c.sum(sum, s) {
			t.Errorf("%s: known before", sum.Name)
		}
	}
	for _, sum := range []Sum{{Name: "/lib", Want: "1"}, {Name: "/own", Rel: "own", Want: "2"}, {Name: "/same", Rel: "same", Want: "1"}, {Name: "/other", Want: "2"}} {
		if c.sum(sum, s) {
			t.Errorf("%s: not known", sum.Name)
		}
	}
	if got, want := slices.Sorted(maps.Keys(c.sums)), []string{"/lib", "/other", "/same"}; !slices.Equal(got, want) {
		t.Errorf("sums of %q, want %q", got, want)
	}
	if len(c.problems) != 1 || c.problems[0].Error() != `/other: step "two" read 2, an earlier one read 1: capture that again` {
		t.Errorf("problems %v", c.problems)
	}
}
