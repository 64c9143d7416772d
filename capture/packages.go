package capture

import (
	"bytes"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"repro/format/tree"
)

// whole places all files of the packages that own what was read, and of those that
// these ask for.
func (c *closing) whole() {
	c.packages = withDependencies(c.packages)
	for _, p := range c.packages {
		for _, name := range filesOf(p) {
			c.take(name, false)
		}
	}
}

// filesOf lists what a package has on this machine.
func filesOf(p Package) (names []string) {
	switch p.Kind {
	case "deb":
		for _, list := range p.Records {
			if !strings.HasSuffix(list, ".list") {
				continue
			}
			for line := range bytes.Lines(readSome(list, maxDatabase)) {
				names = append(names, string(bytes.TrimSpace(line)))
			}
		}
	case "pypi":
		var d distribution
		d.files(path.Dir(p.Records[0]), func(rel string) { names = append(names, path.Join(p.Where, rel)) })
	case "conda":
		_, owned := condaPackage(p.Records[0])
		for rel := range owned {
			names = append(names, path.Join(p.Where, rel))
		}
	case "rpm":
		names = filesOfRPM(p)
	case "cran":
		_ = filepath.WalkDir(path.Dir(p.Records[0]), func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				names = append(names, name)
			}
			return nil
		})
	}
	slices.Sort(names)
	return slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(n, "/") })
}

// metadata places what says which packages the files are of: records of pip,
// conda and R as they are, and of dpkg's database the part about these packages.
func (c *closing) metadata() {
	debian := map[string]bool{}
	for _, p := range c.packages {
		for _, name := range p.Records {
			c.take(name, false)
		}
		if p.Kind == "deb" {
			debian[p.Name+":"+p.Arch] = true
		}
	}
	if len(debian) > 0 && c.root.Lookup("/var/lib/dpkg/status") == nil { // a step may have read it whole
		c.dpkg("/var/lib/dpkg/status", debian)
	}
	c.rpm()
	c.take("/etc/os-release", false)
	if target, err := filepath.EvalSymlinks("/etc/os-release"); err == nil {
		c.take(target, false)
	}
}

// AddPackageRecords adds to a tree of this machine's files, each at its own
// path, what says which packages they are of: a bill of materials of the tree
// then names them (SPEC.md, ENV-14). A tree that has records of its own stays.
func AddPackageRecords(root *tree.Node) {
	if root.Lookup("/var/lib/dpkg/status") != nil {
		return
	}
	var files []string
	for name, n := range root.All() {
		if n.Mode.IsRegular() {
			files = append(files, path.Join("/", name))
		}
	}
	_, packages := findOwners(files)
	c := &closing{record: &Record{}, packages: packages, root: root, sums: map[string]Sum{}}
	c.metadata() // what cannot be read is missing in the bill, and nowhere else
}

func (c *closing) dpkg(status string, packages map[string]bool) {
	var kept [][]byte
	for _, paragraph := range bytes.Split(bytes.TrimSpace(readSome(status, maxDatabase)), []byte("\n\n")) {
		name, arch := headerOf(paragraph, "Package"), headerOf(paragraph, "Architecture")
		if packages[name+":"+arch] {
			kept = append(kept, paragraph)
		}
	}
	if len(kept) > 0 {
		content := append(bytes.Join(kept, []byte("\n\n")), '\n')
		c.put(status, tree.NewFile(0o644, content))
	}
}

func headerOf(paragraph []byte, name string) string {
	for line := range bytes.Lines(paragraph) {
		if rest, ok := bytes.CutPrefix(line, []byte(name+": ")); ok {
			return string(bytes.TrimSpace(rest))
		}
	}
	return ""
}
