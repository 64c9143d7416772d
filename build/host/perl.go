package host

import (
	"path"
	"regexp"
	"strings"
)

// perl adds the core library of the Perl at program, and of the machine's other
// modules those that the experiment's code uses, with those that they use.
func (g *gatherer) perl(program string) error {
	_, prefix := g.beside(program)
	var core []string
	for _, pattern := range []string{"share/perl/5.*", "lib/*/perl/5.*", "lib/*/perl-base", "lib/perl5/5.*", "lib64/perl5", "share/perl5/5.*"} {
		core = append(core, g.m.glob(path.Join(prefix, pattern))...)
	}
	any := false
	for _, dir := range core {
		added, err := g.standard(dir, func(name string) bool {
			return strings.HasSuffix(name, ".pod") || path.Base(name) == "CORE" || path.Base(name) == "unicore/lib"
		})
		if err != nil {
			return err
		}
		any = any || added
	}
	if !any {
		return nil
	}
	var used []string
	for s := range g.sources(".pl", ".pm", ".t") {
		used = append(used, modulesOf(s.Text())...)
	}
	folders := append(g.m.glob(path.Join(prefix, "lib/*/perl5/5.*")), path.Join(prefix, "share/perl5"), path.Join(prefix, "local/share/perl5"), path.Join(prefix, "share/perl5/vendor_perl"))
	return g.perlModules(folders, used)
}

func (g *gatherer) perlModules(folders, modules []string) error {
	done := map[string]bool{}
	for len(modules) > 0 {
		name := modules[0]
		modules = modules[1:]
		if done[name] {
			continue
		}
		done[name] = true
		file := strings.ReplaceAll(name, "::", "/")
		for _, dir := range folders {
			module := path.Join(dir, file+".pm")
			text, err := g.m.beginning(module, MaxSource)
			if err != nil {
				continue
			}
			for _, part := range []string{module, path.Join(dir, file), path.Join(dir, "auto", file)} {
				if err := g.extra(part); err != nil {
					return err
				}
			}
			modules = append(modules, modulesOf(text)...)
			break
		}
	}
	return nil
}

var uses = regexp.MustCompile(`(?m)^\s*(?:use|require)\s+(?:parent\s+|base\s+)?(?:-norequire,\s*)?(?:qw[\s(/]+|["'])?([A-Z]\w*(?:::\w+)*)`)

// modulesOf lists the modules that Perl code uses.
func modulesOf(text []byte) (names []string) {
	for _, m := range uses.FindAllSubmatch(text, -1) {
		names = append(names, string(m[1]))
	}
	return names
}
