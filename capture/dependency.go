package capture

import (
	"bytes"
	"encoding/json"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"repro/internal/distinfo"
)

// withDependencies adds to packages what they ask for, as far as this machine has
// it: other inputs may need what the captured run did not. The result is in the
// order of IDs.
func withDependencies(packages []Package) []Package {
	d := &dependencies{known: map[string]Package{}, info: map[string]string{}}
	for _, p := range packages {
		d.known[p.ID()] = p
		if p.Kind == "cran" && !slices.Contains(d.libraries, p.Where) {
			d.libraries = append(d.libraries, p.Where)
		}
		if p.Kind == "pypi" && !slices.Contains(d.sites, p.Where) {
			d.sites = append(d.sites, p.Where)
		}
	}
	todo := slices.Clone(packages)
	for len(todo) > 0 {
		p := todo[0]
		todo = todo[1:]
		for _, next := range d.of(p) {
			if _, known := d.known[next.ID()]; !known {
				d.known[next.ID()] = next
				todo = append(todo, next)
			}
		}
	}
	var all []Package
	for _, p := range d.known {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Package) int { return strings.Compare(a.ID(), b.ID()) })
	return all
}

// dependencies reads what packages ask for.
type dependencies struct {
	known            map[string]Package // by ID
	sites, libraries []string           // folders of Python and R packages
	info             map[string]string  // *.dist-info by site and normalised name
	debian           map[string]debianPackage
}

func (d *dependencies) of(p Package) []Package {
	switch {
	case p.Kind == "deb":
		return d.ofDebian(p)
	case len(p.Records) == 0:
		return nil
	case p.Kind == "pypi":
		return d.ofPython(p)
	case p.Kind == "conda":
		return d.ofConda(p)
	case p.Kind == "cran":
		return d.ofR(p)
	}
	return nil
}

// debianPackage is one of dpkg's status: what it is, and what it asks for, for
// each the names that would do.
type debianPackage struct {
	Package
	asks [][]string
}

// readDebian reads the packages of a status file by name, and by what they
// provide where nothing has that name.
func readDebian(db string) map[string]debianPackage {
	all, provided := map[string]debianPackage{}, map[string]debianPackage{}
	for _, paragraph := range bytes.Split(readSome(db+"/status", maxDatabase), []byte("\n\n")) {
		p := debianPackage{Package: Package{Kind: "deb", Name: headerOf(paragraph, "Package"), Version: headerOf(paragraph, "Version"), Arch: headerOf(paragraph, "Architecture"), Where: db}}
		if p.Name == "" || !strings.HasSuffix(headerOf(paragraph, "Status"), " installed") {
			continue
		}
		for _, field := range []string{"Pre-Depends", "Depends"} {
			for one := range strings.SplitSeq(headerOf(paragraph, field), ",") {
				var names []string
				for alternative := range strings.SplitSeq(one, "|") {
					if words := strings.FieldsFunc(alternative, func(r rune) bool { return strings.ContainsRune(" (:\n", r) }); len(words) > 0 {
						names = append(names, words[0])
					}
				}
				if len(names) > 0 {
					p.asks = append(p.asks, names)
				}
			}
		}
		all[p.Name] = p
		for one := range strings.SplitSeq(headerOf(paragraph, "Provides"), ",") {
			if words := strings.Fields(one); len(words) > 0 {
				provided[words[0]] = p
			}
		}
	}
	for name, p := range provided {
		if _, is := all[name]; !is {
			all[name] = p
		}
	}
	return all
}

func (d *dependencies) ofDebian(p Package) (all []Package) {
	if d.debian == nil {
		d.debian = readDebian(p.Where)
	}
	for _, names := range d.debian[p.Name].asks {
		i := slices.IndexFunc(names, func(name string) bool { return d.debian[name].Name != "" })
		if i < 0 {
			continue // dpkg was told to do without
		}
		next := d.debian[names[i]].Package
		for _, list := range []string{next.Name + ":" + next.Arch, next.Name} {
			if file := path.Join(p.Where, "info", list+".list"); isFile(file) {
				next.Records = []string{file}
			}
		}
		if copyright := "/usr/share/doc/" + next.Name + "/copyright"; isFile(copyright) {
			next.Records = append(next.Records, copyright)
		}
		all = append(all, next)
	}
	return all
}

func (d *dependencies) ofPython(p Package) (all []Package) {
	asks := distinfo.Parse(readSome(p.Records[0], maxHeader)).Requires
	asks = append(asks, distinfo.Requires(readSome(path.Join(path.Dir(p.Records[0]), "requires.txt"), maxHeader))...)
	var reader distribution
	for _, name := range asks {
		for _, site := range append([]string{p.Where}, d.sites...) {
			if info := d.infoOf(site, name); info != "" {
				next, _ := reader.open(info)
				next.Where = site
				all = append(all, next)
				break
			}
		}
	}
	return all
}

// infoOf returns the *.dist-info of a distribution in a site; "" if it has none.
func (d *dependencies) infoOf(site, name string) string {
	if _, read := d.info[site]; !read {
		d.info[site] = "read"
		infos, _ := filepath.Glob(globQuote(site) + "/*-info")
		for _, info := range infos {
			distribution, _, _ := strings.Cut(path.Base(info), "-")
			d.info[site+"\x00"+distinfo.Normalised(distribution)] = info
		}
	}
	return d.info[site+"\x00"+name]
}

func (d *dependencies) ofConda(p Package) (all []Package) {
	var doc struct {
		Depends []string `json:"depends"`
	}
	if json.Unmarshal(readSome(p.Records[0], maxDatabase), &doc) != nil {
		return nil
	}
	for _, one := range doc.Depends {
		name, _, _ := strings.Cut(one, " ")
		metas, _ := filepath.Glob(globQuote(p.Where) + "/conda-meta/" + globQuote(name) + "-*.json")
		for _, meta := range metas {
			if next, _ := condaPackage(meta); next.Name == name {
				next.Where, next.Records = p.Where, []string{meta}
				all = append(all, next)
			}
		}
	}
	return all
}

func (d *dependencies) ofR(p Package) (all []Package) {
	text := strings.NewReplacer("\r\n", "\n", "\n ", " ", "\n\t", " ").Replace(string(readSome(p.Records[0], maxHeader)))
	for _, key := range []string{"Depends", "Imports", "LinkingTo"} {
		for one := range strings.SplitSeq(field([]byte(text), key), ",") {
			words := strings.FieldsFunc(one, func(r rune) bool { return strings.ContainsRune(" (\t", r) })
			if len(words) == 0 {
				continue
			}
			for _, library := range append([]string{p.Where}, d.libraries...) {
				if next, ok := rPackage(path.Join(library, words[0])); ok {
					all = append(all, next)
					break
				}
			}
		}
	}
	return all
}
