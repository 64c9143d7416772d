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

func TestReadOutside(t *testing.T) {
	home := plant(t, map[string]string{"venv/pyvenv.cfg": "", "conda/conda-meta/history": ""})
	r := &Record{Folder: "/home/a/paper"}
	s := Step{}
	add := func(name string, change func(*File)) {
		f := File{Path: name, Read: true}
		if change != nil {
			change(&f)
		}
		s.Files = append(s.Files, f)
	}
	for _, name := range []string{
		"/usr/share/x.csv", "/opt/tool/data.bin", "/etc/fonts.conf", "/home/a/.config/x", "/home/a/.cache/y.csv", "/tmp/x.csv", "/home/a/paper/x.csv",
		"/home/a/lib/site-packages/x/data.csv", "/home/a/lib/libx.so.1", home + "/venv/share/x.csv", home + "/conda/etc/x.conf", "/home/a/__pycache__/x",
	} {
		add(name, nil)
	}
	add("/data/looked.csv", func(f *File) { f.Read = false })
	add("/data/program", func(f *File) { f.Executable = true })
	add("/data/owned.csv", func(f *File) { f.Package = "deb:x:all" })
	add("/data/big.csv", nil)
	add("/home/a/paper2/x.csv", nil)
	add("/usrdata/x.csv", nil)
	if got, want := r.ReadOutside(s), []string{"/data/big.csv", "/home/a/paper2/x.csv", "/usrdata/x.csv"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
