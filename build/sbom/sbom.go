// Package sbom says what software is in a file tree: it reads the databases
// that package managers keep there and writes bills of materials, SPDX 2.3 and
// CycloneDX 1.6. SPEC.md, part SBM.
//
// Nothing is guessed. A package is listed because a package manager recorded
// it; a licence is given if that record, or the file beside it, names one, and
// is otherwise said to be unknown; files that belong to no package are counted.
//
// Read are the databases of dpkg, apk and rpm (all three forms), and what Python, conda, R,
// Julia, Node and Go leave with installed packages.
package sbom

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"repro/format/tree"
)

// Limits on what a tree may hold. What is beyond them makes Read fail: a bill
// that leaves things out without saying so is worse than none.
const (
	MaxPackages = 200_000
	MaxDatabase = 512 << 20 // bytes of one database
	MaxRecord   = 8 << 20   // bytes of the metadata of one package
	MaxLine     = 1 << 20
	maxLicences = 200 // of one package
	maxUnread   = 100
)

// Kind is which package manager recorded a package, as the type of its
// package URL.
type Kind string

// The kinds of package.
const (
	Deb    Kind = "deb"
	APK    Kind = "apk"
	RPM    Kind = "rpm"
	Python Kind = "pypi"
	Conda  Kind = "conda"
	R      Kind = "cran"
	Julia  Kind = "julia"
	Node   Kind = "npm"
	Go     Kind = "golang"
)

// Package is one installed package.
type Package struct {
	Kind     Kind
	Name     string // with its namespace, "@scope/name" or a Go module path
	Version  string
	Arch     string   // as the package manager calls it; may be empty
	Source   string   // of which it was built, where that has another name
	Licences []string // as the package names them; none: unknown
	Where    string   // path of the record
	UUID     string   // Julia
	Build    string   // conda: build string
	Channel  string   // conda
}

// Inventory is the software in a tree. SPEC.md, SBM-2.
type Inventory struct {
	ID       string // of the distribution, from /etc/os-release; may be empty
	Version  string // of the distribution
	Name     string // of the distribution, for people
	Packages []Package
	Files    int64    // regular files in the tree
	Unowned  int64    // of these, such as no package lists
	Unread   []string // records that could not be understood, and why
}

// reader gathers an inventory.
type reader struct {
	ctx   context.Context
	root  *tree.Node
	inv   *Inventory
	owned map[*tree.Node]bool
	dirs  map[string]*tree.Node // folders that databases name, resolved
}

// Read returns the software in the tree at root, packages in a fixed order.
// It opens only the files that hold such records, and programs that no
// package lists. A damaged database is an error; the damaged record of a
// single package is listed as unread.
func Read(ctx context.Context, root *tree.Node) (*Inventory, error) {
	r := &reader{ctx: ctx, root: root, inv: &Inventory{}, owned: map[*tree.Node]bool{}, dirs: map[string]*tree.Node{}}
	for _, read := range []func() error{r.distribution, r.dpkg, r.apk, r.rpm, r.languages, r.programs} {
		if err := read(); err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(r.inv.Packages, compare)
	r.inv.Packages = slices.CompactFunc(r.inv.Packages, func(a, b Package) bool {
		a.Where, b.Where = "", ""
		return compare(a, b) == 0
	})
	return r.inv, nil
}

func compare(a, b Package) int {
	return cmp.Or(
		strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Name, b.Name),
		strings.Compare(a.Version, b.Version), strings.Compare(a.Arch, b.Arch), strings.Compare(a.Where, b.Where),
	)
}

func (r *reader) add(p Package) error {
	if p.Name == "" {
		return fmt.Errorf("%s: a package without a name", p.Where)
	}
	if len(r.inv.Packages) == MaxPackages {
		return fmt.Errorf("more than %d packages", MaxPackages)
	}
	r.inv.Packages = append(r.inv.Packages, p)
	return nil
}

// file returns the content of the file at a path, following links; nothing if
// there is none.
func (r *reader) file(name string, limit int64) ([]byte, error) {
	_, n, err := r.root.Resolve(name, true)
	if err != nil || n == nil || !n.Mode.IsRegular() {
		return nil, nil // not there: databases are optional
	}
	return content(name, n, limit)
}

func content(name string, n *tree.Node, limit int64) ([]byte, error) {
	if n.Size > limit {
		return nil, fmt.Errorf("%s: %d bytes, at most %d are read", name, n.Size, limit)
	}
	f, err := n.Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

// own marks the file at a path that a database lists. Its folder may be
// reached through links, as /bin is.
func (r *reader) own(name string) {
	dir, base := path.Split(strings.TrimPrefix(name, "/"))
	parent, known := r.dirs[dir]
	if !known {
		if _, n, err := r.root.Resolve(dir, true); err == nil {
			parent = n
		}
		r.dirs[dir] = parent
	}
	if parent == nil || !parent.IsDir() {
		return
	}
	if n := parent.Entries[base]; n != nil && n.Mode.IsRegular() {
		r.owned[n] = true
	}
}

// distribution reads /etc/os-release.
func (r *reader) distribution() error {
	b, err := r.file("etc/os-release", MaxRecord)
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.Trim(value, `"'`)
		switch key {
		case "ID":
			r.inv.ID = value
		case "VERSION_ID":
			r.inv.Version = value
		case "PRETTY_NAME":
			r.inv.Name = value
		}
	}
	return err
}

// paragraphs splits the form that Debian, Python and R records share: fields
// "Name: value", lines that go on indented, paragraphs apart by empty lines.
// Names are in lower case.
func paragraphs(b []byte, yield func(fields map[string]string) error) error {
	fields, last := map[string]string{}, ""
	var value []byte // of the field called last, so far
	end := func() {
		if last != "" {
			fields[last] = string(value)
		}
		last = ""
	}
	flush := func() error {
		if end(); len(fields) == 0 {
			return nil
		}
		err := yield(fields)
		fields = map[string]string{}
		return err
	}
	for line := range bytes.Lines(b) {
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case len(bytes.TrimSpace(line)) == 0:
			if err := flush(); err != nil {
				return err
			}
		case line[0] == ' ' || line[0] == '\t':
			if last != "" {
				value = append(append(value, '\n'), line...)
			}
		default:
			end()
			if name, rest, ok := bytes.Cut(line, []byte(":")); ok {
				last = strings.ToLower(string(name))
				value = append(value[:0], bytes.TrimSpace(rest)...)
			}
		}
	}
	return flush()
}

// children returns what stands in the folder at a path.
func (r *reader) children(name string) map[string]*tree.Node {
	_, n, err := r.root.Resolve(name, true)
	if err != nil || n == nil || n.Mode.Type() != fs.ModeDir {
		return nil
	}
	return n.Entries
}
