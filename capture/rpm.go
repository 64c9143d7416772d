package capture

import (
	"cmp"
	"path"
	"slices"

	"repro/build/sbom"
	"repro/format/tree"
)

// rpmFolders hold the database of Fedora, openSUSE and their kin; one is mostly a
// link to the other.
var rpmFolders = []string{"/usr/lib/sysimage/rpm", "/var/lib/rpm"}

// readRPM yields the packages of the newest database in a folder. What of it is
// damaged is of no package.
func readRPM(dir string, yield func(p Package, files []string, header []byte)) (found bool) {
	for _, name := range sbom.RPMDatabases() {
		b := readSome(path.Join(dir, name), maxDatabase)
		if len(b) == 0 {
			continue
		}
		_ = sbom.RPMPackages(name, b, func(p sbom.Package, files []string, header []byte) {
			yield(Package{Kind: "rpm", Name: p.Name, Version: p.Version, Arch: p.Arch, Where: dir, Records: []string{}}, files, header)
		})
		return true
	}
	return false
}

// rpm asks rpm's database in the first of some folders that has one.
func (o *owners) rpm(dirs []string) {
	others := map[string]bool{}
	for name, owner := range o.wanted {
		others[name] = owner == ""
	}
	listed := asListed(others)
	for _, dir := range dirs {
		found := readRPM(dir, func(p Package, files []string, _ []byte) {
			for _, file := range files {
				if name, is := listed[file]; is {
					o.own(name, p)
				}
			}
		})
		if found {
			return
		}
	}
}

// filesOfRPM lists what a package has.
func filesOfRPM(p Package) (names []string) {
	readRPM(p.Where, func(other Package, files []string, _ []byte) {
		if other.ID() == p.ID() {
			names = append(names, files...)
		}
	})
	return names
}

// rpm places a database of those packages of rpm of which files are: the whole of
// it is as large as many an environment.
func (c *closing) rpm() {
	wanted, where := map[string]bool{}, ""
	for _, p := range c.packages {
		if p.Kind == "rpm" {
			wanted[p.ID()], where = true, p.Where
		}
	}
	if len(wanted) == 0 || c.holdsRPM() {
		return
	}
	type named struct {
		id     string
		header []byte
	}
	var all []named
	readRPM(where, func(p Package, _ []string, header []byte) {
		if wanted[p.ID()] {
			all = append(all, named{p.ID(), header})
		}
	})
	slices.SortStableFunc(all, func(a, b named) int { return cmp.Compare(a.id, b.id) })
	var headers [][]byte
	for _, n := range all {
		headers = append(headers, n.header)
	}
	c.put("/var/lib/rpm/Packages.db", tree.NewFile(0o644, sbom.RPMDatabase(headers)))
}

// holdsRPM reports whether a database is there already: a step may have read it.
func (c *closing) holdsRPM() bool {
	for _, dir := range rpmFolders {
		for _, name := range sbom.RPMDatabases() {
			if c.root.Lookup(path.Join(dir, name)) != nil {
				return true
			}
		}
	}
	return false
}
