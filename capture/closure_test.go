package capture

import (
	"maps"
	"testing"
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
