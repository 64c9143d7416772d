package host

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
)

// libraries knows where the machine's loader looks for libraries. Variants
// for newer CPUs (glibc-hwcaps) are left out, so that an image loads the same
// library on every machine.
type libraries struct {
	musl     bool
	system   []string // ld.so.conf (or musl's path file) and the default folders
	lib      []string // what $LIB can be
	platform string
}

// triplets name Debian's folders.
var triplets = map[string]string{
	"amd64": "x86_64-linux-gnu", "386": "i386-linux-gnu", "arm64": "aarch64-linux-gnu",
	"arm": "arm-linux-gnueabihf", "riscv64": "riscv64-linux-gnu", "ppc64le": "powerpc64le-linux-gnu",
	"s390x": "s390x-linux-gnu", "loong64": "loongarch64-linux-gnu", "ppc64": "powerpc64-linux-gnu",
}

// newLibraries reads how the loader interp looks for libraries.
func newLibraries(m machine, a arch, interp string) *libraries {
	triplet := triplets[a.goarch()]
	cpu, _, _ := strings.Cut(triplet, "-")
	l := &libraries{lib: []string{"lib/" + triplet, "lib64", "lib"}, platform: cpu}
	if base := path.Base(interp); strings.HasPrefix(base, "ld-musl-") {
		l.musl = true
		l.lib = []string{"lib"}
		l.system = []string{"/lib", "/usr/local/lib", "/usr/lib"}
		if dirs := m.lines("/etc/" + strings.TrimSuffix(base, ".so.1") + ".path"); dirs != nil {
			l.system = splitPaths(dirs)
		}
		return l
	}
	l.system = append(m.loaderConf("/etc/ld.so.conf", 0),
		"/lib/"+triplet, "/usr/lib/"+triplet, "/lib64", "/usr/lib64", "/lib", "/usr/lib")
	return l
}

// maxConf bounds the lines of a loader's configuration and how deep its files
// include each other.
const (
	maxConf      = 10_000
	maxConfDepth = 8
)

// loaderConf returns the folders that an ld.so.conf lists.
func (m machine) loaderConf(name string, depth int) []string {
	var dirs []string
	for _, line := range m.lines(name) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t,:", r) })
		switch {
		case len(words) == 0 || words[0] == "hwcap":
		case words[0] == "include":
			for _, pattern := range words[1:] {
				if !path.IsAbs(pattern) {
					pattern = path.Join(path.Dir(name), pattern)
				}
				for _, file := range m.glob(pattern) {
					if depth < maxConfDepth {
						dirs = append(dirs, m.loaderConf(file, depth+1)...)
					}
				}
			}
		default:
			for _, dir := range words {
				if path.IsAbs(dir) {
					dirs = append(dirs, path.Clean(dir))
				}
			}
		}
	}
	return dirs
}

// lines returns the lines of a small text file, nil if there is none.
func (m machine) lines(name string) []string {
	real, info, err := m.resolve(name, nil)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(m.file(real))
	if err != nil {
		return nil
	}
	defer f.Close()
	lines := []string{}
	for s := bufio.NewScanner(io.LimitReader(f, 1<<20)); s.Scan() && len(lines) < maxConf; {
		lines = append(lines, strings.TrimSpace(s.Text()))
	}
	return lines
}

// loaded is a library in one process: where it was found and who asked for it.
type loaded struct {
	*object
	found string // path as the loader opened it, for $ORIGIN
	by    *loaded
}

// link adds what the ELF file at full needs: its loader and, breadth first as
// loaders do, its libraries and theirs. The first program fixes the
// architecture.
func (g *gatherer) link(obj *object, full string) error {
	if obj.arch.goarch() == "" {
		return fmt.Errorf("%s: programs for %s are not supported", full, obj.arch)
	}
	if g.arch == (arch{}) {
		g.arch, g.first = obj.arch, full
	}
	if obj.arch != g.arch {
		return fmt.Errorf("%s is for %s, but %s is for %s: one image has one architecture", full, obj.arch, g.first, g.arch)
	}
	if obj.interp != "" {
		if _, _, err := g.place(obj.interp); err != nil {
			return fmt.Errorf("%s: its loader: %w", full, err)
		}
		if g.libs == nil {
			g.libs = newLibraries(g.m, g.arch, obj.interp)
		}
	}
	if len(obj.needed) == 0 {
		return nil
	}
	if g.libs == nil {
		g.libs = newLibraries(g.m, g.arch, "")
	}
	return g.load(&loaded{object: obj, found: obj.real})
}

// load adds the libraries of one process that starts with the file start.
func (g *gatherer) load(start *loaded) error {
	have := map[string]bool{path.Base(start.interp): true}
	for queue := []*loaded{start}; len(queue) > 0; queue = queue[1:] {
		l := queue[0]
		for _, name := range l.needed {
			if have[name] || g.libs.builtin(name) {
				continue
			}
			have[name] = true
			next, err := g.find(name, l)
			if err != nil {
				return err
			}
			queue = append(queue, next)
		}
	}
	return nil
}

// builtin reports whether musl's loader answers for name itself.
func (l *libraries) builtin(name string) bool {
	return l.musl && (strings.HasPrefix(name, "libc.") || strings.HasPrefix(name, "ld-musl-"))
}

// find places the library that by asks for.
func (g *gatherer) find(name string, by *loaded) (*loaded, error) {
	if strings.Contains(name, "/") {
		for _, full := range g.libs.expand(name, path.Dir(by.found)) {
			if l := g.try(full, by); l != nil {
				return l, nil
			}
		}
		return nil, fmt.Errorf("%s needs the library %s, which is not there", by.found, name)
	}
	for _, dir := range g.libs.private(by) {
		if l := g.try(path.Join(dir, name), by); l != nil {
			return l, nil
		}
	}
	if !by.nodefl {
		for _, dir := range g.libs.system {
			if l := g.try(path.Join(dir, name), by); l != nil {
				if g.system[name] == "" {
					g.system[name] = l.found
				}
				return l, nil
			}
		}
	}
	return nil, fmt.Errorf("%s needs the library %s, which is not there", by.found, name)
}

// private returns the folders that ELF headers name, in the order of the
// loader: glibc follows DT_RPATH of the object and of those that asked for it
// only where there is no DT_RUNPATH, musl takes both for the same.
func (l *libraries) private(by *loaded) []string {
	var dirs []string
	add := func(of *loaded, paths []string) {
		for _, dir := range paths {
			dirs = append(dirs, l.expand(dir, path.Dir(of.found))...)
		}
	}
	for of := by; of != nil; of = of.by {
		switch {
		case l.musl:
			add(of, slices.Concat(of.rpath, of.runpath))
		case by.runpath == nil && of.runpath == nil:
			add(of, of.rpath)
		}
	}
	if !l.musl {
		add(by, by.runpath)
	}
	return dirs
}

// try places the library at full if it is one for the right architecture.
func (g *gatherer) try(full string, by *loaded) *loaded {
	real, info, err := g.m.resolve(full, nil)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	obj, err := g.object(real)
	if err != nil || obj == nil || obj.arch != g.arch {
		return nil
	}
	if _, _, err := g.place(full); err != nil {
		return nil
	}
	return &loaded{object: obj, found: full, by: by}
}
