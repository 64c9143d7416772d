package host

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// rHelpers are programs that R's own scripts start.
var rHelpers = []string{"sh", "sed", "uname", "rm", "which"}

// r adds the R that program belongs to, and the packages that the experiment's
// code loads with all that these ask for.
func (g *gatherer) r(program string) error {
	home := g.rHome(program)
	if home == "" {
		return nil
	}
	added, err := g.standard(home, func(name string) bool {
		return documents(name) || slices.Contains([]string{"site-library", "tests"}, path.Base(name)) || strings.HasPrefix(name, "library/")
	})
	if err != nil || !added {
		return err
	}
	for _, dir := range []string{"/etc/R", "/usr/share/R"} { // Debian's parts of it; its home links to them
		if strings.HasPrefix(home, "/usr/lib") {
			if _, err := g.standard(dir, documents); err != nil {
				return err
			}
		}
	}
	if err := g.start(path.Join(home, "bin/R")); err != nil {
		return err
	}
	if err := g.helpers(rHelpers...); err != nil {
		return err
	}
	return g.rPackages(home, append(rBase, g.loaded()...))
}

// rHome is the folder that R calls R_HOME, or "".
func (g *gatherer) rHome(program string) string {
	real, prefix := g.beside(program)
	for _, dir := range []string{path.Dir(path.Dir(real)), path.Join(prefix, "lib/R"), path.Join(prefix, "lib64/R")} {
		if g.has(path.Join(dir, "library/base/DESCRIPTION")) {
			return dir
		}
	}
	return ""
}

// rBase are the packages that R loads by itself, and those that these load.
var rBase = []string{"base", "compiler", "datasets", "grDevices", "graphics", "grid", "methods", "parallel", "splines", "stats", "stats4", "tools", "translations", "utils"}

var loads = regexp.MustCompile(`\b(?:library|require|requireNamespace|loadNamespace)\s*\(\s*["']?([A-Za-z][A-Za-z0-9.]*)|\b([A-Za-z][A-Za-z0-9.]*):::?[A-Za-z.]`)

// loaded lists the packages that the experiment's R code names.
func (g *gatherer) loaded() []string {
	found := map[string]bool{}
	for s := range g.sources(".r", ".rmd", ".qmd", ".rnw", ".ipynb") {
		for _, m := range loads.FindAllSubmatch(s.Text(), -1) {
			found[string(m[1])+string(m[2])] = true
		}
		if strings.EqualFold(path.Ext(s.Name), ".rmd") {
			found["rmarkdown"] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// rPackages adds packages and all that they depend on, from the first of R's
// libraries that has each.
func (g *gatherer) rPackages(home string, names []string) error {
	libraries := []string{"/usr/local/lib/R/site-library", path.Join(home, "site-library"), "/usr/lib/R/site-library", path.Join(home, "library")}
	done := map[string]bool{}
	for len(names) > 0 {
		name := names[0]
		names = names[1:]
		if done[name] {
			continue
		}
		done[name] = true
		for _, library := range libraries {
			dir := path.Join(library, name)
			if !g.has(path.Join(dir, "DESCRIPTION")) {
				continue
			}
			if err := g.extra(dir); err != nil {
				return err
			}
			names = append(names, g.dependsOn(dir)...)
			break
		}
	}
	return nil
}

var rName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9.]*`)

// dependsOn lists the packages that a package's DESCRIPTION asks for.
func (g *gatherer) dependsOn(dir string) []string {
	text, err := g.m.beginning(path.Join(dir, "DESCRIPTION"), MaxSource)
	if err != nil {
		return nil
	}
	unfolded := strings.NewReplacer("\r\n", "\n", "\n ", " ", "\n\t", " ").Replace(string(text))
	var names []string
	for line := range strings.Lines(unfolded) {
		key, value, _ := strings.Cut(line, ":")
		if !slices.Contains([]string{"Depends", "Imports", "LinkingTo"}, key) {
			continue
		}
		for entry := range strings.SplitSeq(value, ",") {
			if name := rName.FindString(strings.TrimSpace(entry)); name != "" && name != "R" {
				names = append(names, name)
			}
		}
	}
	return names
}
