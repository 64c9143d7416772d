package capture

import (
	"path"
	"slices"
	"strings"
)

// InTemporary returns the programs that a step ran and the files that it read
// in /tmp, of which an image keeps nothing: ENV-13. What it made there itself is
// not among them.
func (r *Record) InTemporary(s Step) (programs, read []string) {
	temporary := func(name string) bool { return strings.HasPrefix(name, "/tmp/") && !inside(name, r.Folder) }
	for _, p := range s.Programs {
		if temporary(p.Path) {
			programs = append(programs, p.Path)
		}
	}
	for _, f := range s.Files {
		if f.Read && temporary(f.Path) {
			read = append(read, f.Path)
		}
	}
	return programs, read
}

// WroteOutside returns the files that a step made or changed outside of the
// experiment's folder, where no result is looked for. Those of programs' own
// are left out: what is hidden, bytecode, and what lies in /tmp or /dev.
func (r *Record) WroteOutside(s Step) (names []string) {
	for _, w := range s.Written {
		hidden := slices.ContainsFunc(strings.Split(w.Path, "/"), func(e string) bool {
			return strings.HasPrefix(e, ".") || e == "__pycache__"
		})
		if !hidden && !inside(w.Path, r.Folder) && !inside(w.Path, "/tmp") && !inside(w.Path, "/dev") && !inside(w.Path, "/var/tmp") {
			names = append(names, w.Path)
		}
	}
	return names
}

// ReadOutside returns the files that a step read and that look like data which lie
// outside of the experiment's folder: they come into the image as part of its
// environment, where no recipe says whence they are and under which licence.
// Those of packages, systems and environments are none, nor are programs, and
// what is hidden or in /tmp.
func (r *Record) ReadOutside(s Step) (names []string) {
	for _, f := range s.Files {
		system := slices.ContainsFunc([]string{"/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/opt", "/etc", "/var", "/tmp", "/proc", "/sys", "/dev", "/run", "/nix", "/gnu"},
			func(dir string) bool { return inside(f.Path, dir) })
		hidden := slices.ContainsFunc(strings.Split(f.Path, "/"), func(e string) bool { return strings.HasPrefix(e, ".") || e == "__pycache__" })
		if f.Read && !f.Executable && f.Package == "" && !system && !hidden && !inside(f.Path, r.Folder) && !IsLibrary(f.Path) &&
			!strings.Contains(path.Base(f.Path), ".so") && !isEnvironment("/", f.Path[1:]) {
			names = append(names, f.Path)
		}
	}
	return names
}
