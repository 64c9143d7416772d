package host

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"repro/internal/distinfo"
)

// distribution is one installed Python package: what pip calls by one name.
type distribution struct {
	info     string   // its *.dist-info or *.egg-info
	parts    []string // files and folders of it, directly in the site's folder
	requires []string // normalised names of others
	declared bool     // requires is the whole of it; Debian often leaves it out
}

// site is a folder of Python packages.
type site struct {
	dir     string
	byName  map[string]*distribution // by normalised name
	modules map[string]*distribution // by top-level module
}

// distributions adds the modules and what their distributions ask for. Of a
// module in several folders the first counts, as for Python itself.
func (g *gatherer) distributions(dirs, modules []string) error {
	var sites []*site
	for _, dir := range dirs {
		sites = append(sites, g.readSite(dir))
	}
	taken := map[*distribution]bool{}
	var take func(s *site, d *distribution) error
	take = func(s *site, d *distribution) error {
		if taken[d] {
			return nil
		}
		taken[d] = true
		for _, part := range append([]string{d.info}, d.parts...) {
			if err := g.extra(path.Join(s.dir, part)); err != nil {
				return err
			}
			if data := s.data(part); data != "" {
				if err := g.extra(data); err != nil {
					return err
				}
			}
		}
		for _, name := range d.requires {
			for _, other := range sites {
				if next := other.byName[name]; next != nil {
					if err := take(other, next); err != nil {
						return err
					}
					break
				}
			}
		}
		if !d.declared {
			modules = append(modules, g.importedBy(s.dir, d.parts)...)
		}
		return nil
	}
	for i := 0; i < len(modules); i++ { // distributions add to it
		module := modules[i]
		for _, s := range sites {
			if d := s.modules[module]; d != nil {
				if err := take(s, d); err != nil {
					return err
				}
				break
			}
			if files := g.moduleFiles(s.dir, module); len(files) > 0 { // no distribution knows it
				for _, file := range files {
					if err := g.extra(file); err != nil {
						return err
					}
				}
				break
			}
		}
	}
	return nil
}

// data is where Debian keeps what upstream has among a module's own files: that
// of matplotlib in /usr/share/matplotlib.
func (s *site) data(part string) string {
	prefix, debian := strings.CutSuffix(s.dir, "/lib/python3/dist-packages")
	part = strings.TrimSuffix(part, ".py")
	if !debian || path.Ext(part) != "" {
		return ""
	}
	return path.Join(prefix, "share", part)
}

// moduleFiles lists what a module of that name consists of in dir.
func (g *gatherer) moduleFiles(dir, module string) []string {
	var files []string
	for _, pattern := range []string{module, module + ".py", module + ".*.so", module + ".so", module + ".libs"} {
		files = append(files, g.m.glob(path.Join(dir, pattern))...)
	}
	return files
}

// readSite reads which distributions lie in a folder.
func (g *gatherer) readSite(dir string) *site {
	s := &site{dir: dir, byName: map[string]*distribution{}, modules: map[string]*distribution{}}
	for _, info := range append(g.m.glob(path.Join(dir, "*.dist-info")), g.m.glob(path.Join(dir, "*.egg-info"))...) {
		name, _, _ := strings.Cut(path.Base(info), "-")
		d := &distribution{info: path.Base(info)}
		d.parts = g.partsOf(dir, info, name)
		d.requires, d.declared = g.requirements(info)
		s.byName[distinfo.Normalised(name)] = d
		for _, part := range d.parts {
			module, _, _ := strings.Cut(part, ".")
			if s.modules[module] == nil {
				s.modules[module] = d
			}
		}
	}
	return s
}

// partsOf lists what of a folder belongs to a distribution: by its list of
// files, or by its list of modules, or by its name.
func (g *gatherer) partsOf(dir, info, name string) []string {
	record, _ := g.m.beginning(path.Join(info, "RECORD"), MaxSource)
	if parts := distinfo.Parts(distinfo.Files(record)); len(parts) > 0 {
		return parts
	}
	top, _ := g.m.beginning(path.Join(info, "top_level.txt"), MaxSource)
	modules := distinfo.Modules(top)
	if len(modules) == 0 {
		modules = []string{name, strings.ToLower(name)}
	}
	var parts []string
	for _, module := range modules {
		for _, file := range g.moduleFiles(dir, module) {
			parts = append(parts, path.Base(file))
		}
	}
	slices.Sort(parts)
	return slices.Compact(parts)
}

// requirements lists what a distribution asks for whatever is wanted of it, and
// whether it says so at all.
func (g *gatherer) requirements(info string) (names []string, declared bool) {
	for _, file := range []string{"METADATA", "PKG-INFO", ""} {
		if text, err := g.m.beginning(path.Join(info, file), MaxSource); err == nil {
			declared = declared || file == "METADATA"
			names = append(names, distinfo.Parse(text).Requires...)
		}
	}
	if text, err := g.m.beginning(path.Join(info, "requires.txt"), MaxSource); err == nil {
		names = append(names, distinfo.Requires(text)...)
	}
	return names, declared || len(names) > 0
}

// unindented finds imports that run whenever a file is loaded: not those that
// a function or a try makes.
var unindented = regexp.MustCompile(`(?m)^(?:from\s+([A-Za-z_]\w*)[\w.]*\s+import\b|import\s+([A-Za-z_]\w*))`)

// besides are folders and files of a package whose files only tests and other programs load.
var besides = []string{"tests", "testing", "test", "_testing", "sphinxext", "backends", "conftest.py", "setup.py", "__pycache__"}

// importedBy lists the modules that the parts of a distribution import.
func (g *gatherer) importedBy(dir string, parts []string) []string {
	found := map[string]bool{}
	for _, part := range parts {
		real, _, err := g.m.resolve(path.Join(dir, part), nil)
		if err != nil || g.root.Lookup(real) == nil {
			continue
		}
		for name, n := range g.root.Lookup(real).All() {
			if path.Ext(path.Join(part, name)) != ".py" || !n.Mode.IsRegular() ||
				slices.ContainsFunc(strings.Split(name, "/"), func(elem string) bool { return slices.Contains(besides, elem) }) {
				continue
			}
			text, err := g.m.beginning(path.Join(real, name), MaxSource)
			if err != nil {
				continue
			}
			for _, m := range unindented.FindAllSubmatch(text, -1) {
				found[string(m[1])+string(m[2])] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}
