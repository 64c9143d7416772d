package host

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// python adds the standard library of the Python at program, and the packages
// that the experiment's code imports with all that these ask for.
func (g *gatherer) python(program string) error {
	lib := g.pythonLibrary(program)
	if lib == "" {
		return nil
	}
	added, err := g.standard(lib, notStandard)
	if err != nil || !added {
		return err
	}
	sites := g.sites(program, lib)
	for _, site := range sites { // so that Python puts them on its path
		if _, _, err := g.place(site); err != nil {
			return err
		}
	}
	return g.distributions(sites, g.imported())
}

// pythonLibrary returns the folder of the standard library of the Python at
// program, or "".
func (g *gatherer) pythonLibrary(program string) string {
	real, prefix := g.beside(program)
	version := strings.TrimPrefix(path.Base(real), "python")
	if !strings.Contains(version, ".") {
		version += ".*"
	}
	for _, lib := range []string{"lib", "lib64"} {
		for _, dir := range g.m.glob(path.Join(prefix, lib, "python"+version)) {
			if g.has(path.Join(dir, "encodings")) {
				return dir
			}
		}
	}
	return ""
}

// notStandard are parts of a Python's library folder that no script reads:
// tests, windows, what builds extensions; and packages, which are taken by name.
func notStandard(name string) bool {
	base := path.Base(name)
	return slices.Contains([]string{"site-packages", "dist-packages", "test", "tests", "idlelib", "turtledemo", "ensurepip", "lib2to3", "tkinter"}, base) ||
		strings.HasPrefix(base, "config-") || strings.HasPrefix(base, "_tkinter.")
}

// sites lists the folders in which the Python at program looks for packages,
// in its order: of the virtual environment that it lies in, and of the machine
// unless that environment keeps it out.
func (g *gatherer) sites(program, lib string) (sites []string) {
	add := func(dirs ...string) {
		for _, dir := range dirs {
			if g.has(dir) && !slices.Contains(sites, dir) {
				sites = append(sites, dir)
			}
		}
	}
	version := path.Base(lib)
	venv := path.Dir(path.Dir(program))
	if config := path.Join(venv, "pyvenv.cfg"); g.has(config) {
		if g.extra(config) == nil {
			add(path.Join(venv, "lib", version, "site-packages"), path.Join(venv, "lib64", version, "site-packages"))
		}
		if !slices.ContainsFunc(g.m.lines(config), systemSites.MatchString) {
			return sites
		}
	}
	prefix := path.Dir(path.Dir(lib))
	add(path.Join(prefix, "local/lib", version, "dist-packages"), path.Join(prefix, "lib/python3/dist-packages"), path.Join(lib, "site-packages"))
	return sites
}

var systemSites = regexp.MustCompile(`(?i)^include-system-site-packages\s*=\s*true`)

// imports finds "import a, b.c as d" and "from a.b import c" at the beginning
// of a line, in a notebook's JSON too.
var imports = regexp.MustCompile(`(?m)^[\s"]*(?:from\s+([A-Za-z_]\w*)[\w.]*\s+import\b|import\s+([A-Za-z_][\w., ]*))`)

// imported lists the top-level modules that the experiment's code and the
// Python scripts among the programs import, in byte order.
func (g *gatherer) imported() []string {
	found := map[string]bool{}
	scan := func(text []byte) {
		for _, m := range imports.FindAllSubmatch(text, -1) {
			if len(m[1]) > 0 {
				found[string(m[1])] = true
			}
			for name := range strings.SplitSeq(string(m[2]), ",") {
				if words := strings.Fields(name); len(words) > 0 {
					top, _, _ := strings.Cut(words[0], ".")
					found[top] = true
				}
			}
		}
	}
	for s := range g.sources(".py", ".ipynb", ".pyx", ".smk", "Snakefile", ".qmd", ".rmd", ".sh") {
		scan(s.Text())
	}
	for _, program := range g.programs {
		if words, err := g.m.shebang(program); err == nil && len(words) > 0 && strings.Contains(strings.Join(words, " "), "python") {
			if text, err := g.m.beginning(program, MaxSource); err == nil {
				scan(text)
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}
