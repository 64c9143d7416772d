package capture

import (
	"path"
	"path/filepath"
	"strings"

	"repro/internal/distinfo"
)

// python asks what pip and its kin leave beside modules: a folder *.dist-info,
// whose RECORD lists the files of the package.
func (o *owners) python() {
	var d distribution
	for dir, files := range o.below("site-packages", "dist-packages") {
		infos, _ := filepath.Glob(globQuote(dir) + "/*-info")
		asked, parts := map[string]string{}, map[string][]string{} // files by their path in dir, and by where that begins
		for _, f := range files {
			rel, _ := below(f, dir)
			asked[rel] = f
			first, _, _ := strings.Cut(rel, "/")
			parts[first] = append(parts[first], f)
		}
		for _, info := range infos {
			p, modules := d.open(info)
			if p.Name == "" {
				continue
			}
			p.Where = dir
			own := func(files []string) {
				for _, f := range files {
					o.own(f, p)
				}
			}
			for _, module := range modules {
				own(parts[module])
				own(parts[module+".py"])
			}
			own(parts[path.Base(info)])
			d.files(info, func(rel string) {
				if f, is := asked[rel]; is {
					o.own(f, p)
				}
			})
		}
	}
}

// distribution reads *.dist-info and *.egg-info folders, one after the other into
// the same memory.
type distribution struct{ metadata, list []byte }

// open reads what the package of an info folder is. Modules are what it says that
// can be imported, where it does not list its files.
func (d *distribution) open(info string) (p Package, modules []string) {
	p = Package{Kind: "pypi"}
	for _, name := range []string{"METADATA", "PKG-INFO"} {
		full := path.Join(info, name)
		if d.metadata = readInto(d.metadata, full, maxHeader); len(d.metadata) > 0 {
			m := distinfo.Parse(d.metadata)
			p.Name, p.Version, p.Records = m.Name, m.Version, []string{full}
			break
		}
	}
	if p.Name == "" {
		return p, nil
	}
	for _, name := range []string{"RECORD", "installed-files.txt"} {
		if full := path.Join(info, name); isFile(full) {
			p.Records = append(p.Records, full)
		}
	}
	if len(p.Records) == 1 {
		modules = distinfo.Modules(readSome(path.Join(info, "top_level.txt"), maxHeader))
	}
	return p, modules
}

// files yields what an info folder lists, relative to the folder that it lies in.
func (d *distribution) files(info string, yield func(rel string)) {
	d.list = readInto(d.list, path.Join(info, "RECORD"), maxDatabase)
	for rel := range distinfo.Files(d.list) {
		yield(rel)
	}
	d.list = readInto(d.list, path.Join(info, "installed-files.txt"), maxDatabase)
	for rel := range distinfo.InstalledFiles(d.list, info) {
		yield(rel)
	}
}
