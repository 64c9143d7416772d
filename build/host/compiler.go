package host

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// compiler adds what GCC at program opens and starts: its own folder, the
// assembler and the linker, what every program is linked with, and of the
// machine's headers and libraries those that the experiment's code includes and
// names.
func (g *gatherer) compiler(program string) error {
	real, prefix := g.beside(program)
	name := path.Base(program)
	cxx, fortran := strings.Contains(name, "++"), strings.Contains(name, "fortran")
	version := compilerVersion.FindString(path.Base(real))
	targets := map[string]bool{}
	for _, pattern := range []string{"lib/gcc/*/*", "lib64/gcc/*/*", "libexec/gcc/*/*"} {
		for _, dir := range g.m.glob(path.Join(prefix, pattern)) {
			target := path.Base(path.Dir(dir))
			if version != "" && "-"+path.Base(dir) != version || strings.Contains(path.Base(real), "-linux-") && !strings.HasPrefix(path.Base(real), target) {
				continue // another release, or one that compiles for another machine
			}
			if err := g.compilerFolder(dir, cxx, fortran); err != nil {
				return err
			}
			targets[target] = true
		}
	}
	if len(targets) == 0 {
		return nil // not GCC, or not where it lies elsewhere
	}
	if err := g.helpers("as", "ld", "ar", "ranlib"); err != nil {
		return err
	}
	libraries, headers := []string{path.Join(prefix, "lib64"), path.Join(prefix, "lib")}, []string{path.Join(prefix, "local/include"), path.Join(prefix, "include")}
	for target := range targets {
		libraries = append(libraries, path.Join(prefix, "lib", target))
		headers = append(headers, path.Join(prefix, "include", target))
	}
	slices.Sort(libraries)
	slices.Sort(headers)
	if cxx {
		for _, dir := range headers {
			for _, standard := range g.m.glob(path.Join(dir, "c++", strings.TrimPrefix(version, "-")+"*")) {
				if err := g.extra(standard); err != nil {
					return err
				}
				headers = append(headers, standard)
			}
		}
	}
	if err := g.linked(libraries); err != nil {
		return err
	}
	return g.included(headers)
}

var compilerVersion = regexp.MustCompile(`-[0-9][0-9.]*$`)

// compilerFolder adds GCC's own folder, but for what only compiles other
// languages, profiles, and looks for faults at run time.
func (g *gatherer) compilerFolder(dir string, cxx, fortran bool) error {
	only := []string{"lto1", "plugin", "install-tools", "cc1obj", "cc1objplus", "d21", "gnat1", "go1", "gm2", "adalib", "adainclude"}
	if !cxx {
		only = append(only, "cc1plus")
	}
	if !fortran {
		only = append(only, "f951")
	}
	if n := g.root.Lookup(dir); n != nil && n.Entries["collect2"] != nil { // of another compiler in it
		for _, name := range []string{"cc1plus", "f951"} {
			if !slices.Contains(only, name) {
				if err := g.extra(path.Join(dir, name)); err != nil {
					return err
				}
			}
		}
		return nil
	}
	_, err := g.standard(dir, func(name string) bool {
		base := path.Base(name)
		return slices.Contains(only, base) || sanitizers.MatchString(base)
	})
	return err
}

var sanitizers = regexp.MustCompile(`^lib(asan|hwasan|lsan|tsan|ubsan)[._]`)

// startFiles and alwaysLinked are what a program is linked with that names
// nothing.
var (
	startFiles   = []string{"crt1.o", "Scrt1.o", "rcrt1.o", "gcrt1.o", "crti.o", "crtn.o", "Mcrt1.o"}
	alwaysLinked = []string{"c", "c_nonshared", "m", "mvec", "pthread", "dl", "rt", "util", "gcc_s", "stdc++", "gfortran", "quadmath", "gomp"}
)

// namedLibrary finds a library that a build file names.
var namedLibrary = regexp.MustCompile(`(?:^|[\s"'=])-l([A-Za-z0-9_+.-]+)`)

// linked adds start files and libraries as the linker opens them.
func (g *gatherer) linked(dirs []string) error {
	names := slices.Clone(alwaysLinked)
	for s := range g.sources("Makefile", "makefile", "GNUmakefile", ".mk", ".sh", ".in", "CMakeLists.txt", ".toml", ".py") {
		for _, m := range namedLibrary.FindAllSubmatch(s.Text(), -1) {
			names = append(names, string(m[1]))
		}
	}
	for _, dir := range dirs {
		for _, name := range startFiles {
			if err := g.extra(path.Join(dir, name)); err != nil {
				return err
			}
		}
		for _, name := range names {
			for _, end := range []string{".so", ".a"} {
				library := path.Join(dir, "lib"+name+end)
				if end == ".a" && g.has(path.Join(dir, "lib"+name+".so")) {
					continue // the linker takes the shared one
				}
				if err := g.extra(library); err != nil {
					return err
				}
				if text, err := g.m.beginning(library, 4096); err == nil && end == ".so" {
					for _, other := range scriptFiles.FindAll(text, -1) { // a script of the linker's
						if err := g.extra(string(other)); err != nil {
							return err
						}
					}
				}
			}
		}
	}
	return nil
}

var scriptFiles = regexp.MustCompile(`/[A-Za-z0-9_+./-]+\.(?:so[0-9.]*|a)\b`)

var includes = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*(?:include|include_next|import)[ \t]*[<"]([^>"\n]+)[>"]`)

// included adds the headers that the code includes, and those that these do,
// whatever the conditions.
func (g *gatherer) included(dirs []string) error {
	todo := []string{"stdc-predef.h"}
	find := func(text []byte) {
		for _, m := range includes.FindAllSubmatch(text, -1) {
			todo = append(todo, string(m[1]))
		}
	}
	for s := range g.sources(".c", ".h", ".cc", ".cpp", ".cxx", ".c++", ".hh", ".hpp", ".hxx", ".inl", ".f", ".f90", ".pyx") {
		find(s.Text())
	}
	done := map[string]bool{}
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		if done[name] {
			continue
		}
		done[name] = true
		for _, dir := range dirs {
			header := path.Join(dir, name)
			text, err := g.m.beginning(header, MaxSource)
			if err != nil {
				continue
			}
			if err := g.extra(header); err != nil {
				return err
			}
			for _, m := range includes.FindAllSubmatch(text, -1) {
				beside := path.Join(path.Dir(name), string(m[1])) // as "x.h" is looked for first
				todo = append(todo, string(m[1]), beside)
			}
		}
	}
	return nil
}
