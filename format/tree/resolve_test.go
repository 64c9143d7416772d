package tree_test

import (
	"errors"
	"io/fs"
	"testing"

	"repro/format/tree"
)

func TestResolve(t *testing.T) {
	root := tree.NewDir()
	for name, n := range map[string]*tree.Node{
		"usr/bin/sh":   tree.NewFile(0o755, []byte("sh")),
		"bin":          tree.NewSymlink("usr/bin"),
		"usr/bin/bash": tree.NewSymlink("/bin/sh"),
		"up":           tree.NewSymlink("../../../usr/./bin/../bin/bash"),
		"loop":         tree.NewSymlink("loop2"),
		"loop2":        tree.NewSymlink("/loop"),
		"dangling":     tree.NewSymlink("nothing"),
	} {
		if err := root.Put(name, n); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		last bool
		want string // "": an error
	}{
		{"/bin/sh", true, "usr/bin/sh"},
		{"bin/bash", true, "usr/bin/sh"},
		{"bin/bash", false, "usr/bin/bash"},
		{"bin", false, "bin"},
		{"bin/", false, "bin"},
		{"bin", true, "usr/bin"},
		{"up", true, "usr/bin/sh"},
		{"/../../up", false, "up"},
		{"usr/../bin/../../..", true, ""},
		{"loop", true, "error"},
		{"loop", false, "loop"},
		{"dangling", true, "missing"},
		{"usr/bin/sh/x", true, "missing"},
		{"nothing", false, "missing"},
	} {
		at, n, err := root.Resolve(c.name, c.last)
		switch {
		case c.want == "missing" || c.want == "error":
			if err == nil || errors.Is(err, fs.ErrNotExist) != (c.want == "missing") {
				t.Errorf("%s: %v, want %s", c.name, err, c.want)
			}
		case err != nil || at != c.want || n != root.Lookup(c.want):
			t.Errorf("%s, last %v: %q, %v; want %q", c.name, c.last, at, err, c.want)
		}
	}
}
