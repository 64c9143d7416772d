package capture

import (
	"slices"
	"testing"
)

func TestOutside(t *testing.T) {
	r := &Record{Folder: "/tmp/paper"}
	s := Step{
		Programs: []Program{{Path: "/usr/bin/sh"}, {Path: "/tmp/paper/prog"}, {Path: "/tmp/prog"}},
		Files:    []File{{Path: "/tmp/in", Read: true}, {Path: "/tmp/seen"}, {Path: "/tmp/paper/x", Read: true}, {Path: "/data/x", Read: true}, {Path: "/tmp/paper2/x", Read: true}},
	}
	for _, p := range []string{
		"/tmp/paper/a", "/tmp/scratch", "/tmp/paper2/b", "/var/tmp/c", "/dev/shm/d", "/home/a/.cache/e", "/home/a/m/__pycache__/f.pyc",
		"/home/a/out/g.csv", "/tmpx/h",
	} {
		s.Written = append(s.Written, Written{Path: p})
	}
	programs, read := r.InTemporary(s)
	if !slices.Equal(programs, []string{"/tmp/prog"}) || !slices.Equal(read, []string{"/tmp/in", "/tmp/paper2/x"}) {
		t.Errorf("in /tmp: programs %q, read %q", programs, read)
	}
	if got := r.WroteOutside(s); !slices.Equal(got, []string{"/home/a/out/g.csv", "/tmpx/h"}) {
		t.Errorf("wrote outside: %q", got)
	}
}
