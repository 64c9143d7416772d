package sbom

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"repro/format/tree"
	"repro/internal/distinfo"
)

// languages walks the tree once for what the package managers of languages
// leave beside the packages that they install.
func (r *reader) languages() error {
	for name, n := range r.root.All() {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if !n.Mode.IsRegular() {
			continue
		}
		r.inv.Files++
		read := r.recordReader(name)
		if read == nil {
			continue
		}
		if n.Size > MaxRecord {
			r.unread("/%s: %d bytes, at most %d are read", name, n.Size, MaxRecord)
			continue
		}
		b, err := content("/"+name, n, MaxRecord)
		if err != nil {
			return err
		}
		if err := read(name, b); err != nil {
			r.unread("/%s: %v", name, err)
		}
	}
	return nil
}

func (r *reader) unread(format string, args ...any) {
	if len(r.inv.Unread) < maxUnread {
		r.inv.Unread = append(r.inv.Unread, fmt.Sprintf(format, args...))
	}
}

// recordReader returns what reads the file at a path, if that is a record.
func (r *reader) recordReader(name string) func(string, []byte) error {
	dir, base := path.Split(name)
	dir = path.Clean(dir)
	switch {
	case base == "METADATA" && strings.HasSuffix(dir, ".dist-info"),
		base == "PKG-INFO" && strings.HasSuffix(dir, ".egg-info"),
		strings.HasSuffix(base, ".egg-info"):
		return r.python
	case path.Base(dir) == "conda-meta" && strings.HasSuffix(base, ".json"):
		return r.conda
	case base == "DESCRIPTION" && r.root.Lookup(path.Join(dir, "Meta")) != nil:
		return r.rPackage
	case base == "package.json" && isNodePackage(dir):
		return r.node
	case base == "Project.toml" && path.Base(path.Dir(path.Dir(dir))) == "packages":
		return r.julia
	}
	return nil
}

// python reads the core metadata of an installed distribution (PEP 566, 621,
// 639).
func (r *reader) python(name string, b []byte) error {
	m := distinfo.Parse(b)
	if m.Name == "" {
		return nil // an empty stub beside the real record
	}
	r.ownRecord(path.Dir(name))
	return r.add(Package{
		Kind: Python, Name: distinfo.Normalised(m.Name), Version: m.Version,
		Licences: m.Licences[:min(len(m.Licences), maxLicences)], Where: "/" + name,
	})
}

// ownRecord marks what the RECORD of a Python distribution lists.
func (r *reader) ownRecord(info string) {
	b, err := r.file(path.Join(info, "RECORD"), MaxRecord)
	if err != nil {
		return
	}
	for file := range distinfo.Files(b) {
		r.own(path.Join(path.Dir(info), file))
	}
}

func (r *reader) conda(name string, b []byte) error {
	if path.Base(name) == "history" {
		return nil
	}
	var m struct {
		Name    string   `json:"name"`
		Version string   `json:"version"`
		Build   string   `json:"build"`
		Channel string   `json:"channel"`
		Subdir  string   `json:"subdir"`
		License string   `json:"license"`
		Files   []string `json:"files"`
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	p := Package{Kind: Conda, Name: m.Name, Version: m.Version, Arch: m.Subdir, Build: m.Build, Channel: m.Channel, Where: "/" + name}
	if m.License != "" {
		p.Licences = []string{m.License}
	}
	prefix := path.Dir(path.Dir(name))
	for _, f := range m.Files {
		r.own(path.Join(prefix, f))
	}
	r.own(name)
	return r.add(p)
}

// rPackage reads the DESCRIPTION of an installed R package.
func (r *reader) rPackage(name string, b []byte) error {
	p := Package{Kind: R, Where: "/" + name}
	err := paragraphs(b, func(f map[string]string) error {
		if p.Name == "" && f["built"] != "" {
			p.Name, p.Version = f["package"], f["version"]
			if f["license"] != "" {
				p.Licences = []string{oneLine(f["license"])}
			}
		}
		return nil
	})
	if err != nil || p.Name == "" {
		return err
	}
	r.ownAll(path.Dir(name))
	return r.add(p)
}

// ownAll marks everything below a folder that belongs to one package.
func (r *reader) ownAll(dir string) {
	root := r.root.Lookup(dir)
	if root == nil {
		return
	}
	for _, n := range root.All() {
		if n.Mode.IsRegular() {
			r.owned[n] = true
		}
	}
}

// isNodePackage reports whether a folder holds a package that npm installed.
func isNodePackage(dir string) bool {
	parent := path.Dir(dir)
	if strings.HasPrefix(path.Base(parent), "@") {
		parent = path.Dir(parent)
	}
	return path.Base(parent) == "node_modules"
}

func (r *reader) node(name string, b []byte) error {
	var m struct {
		Name    string          `json:"name"`
		Version string          `json:"version"`
		License json.RawMessage `json:"license"`
	}
	if err := json.Unmarshal(b, &m); err != nil || m.Name == "" || m.Version == "" {
		return nil // test data in packages look like records too
	}
	p := Package{Kind: Node, Name: m.Name, Version: m.Version, Where: "/" + name}
	var text string
	var old struct{ Type string }
	if json.Unmarshal(m.License, &text) == nil && text != "" {
		p.Licences = []string{text}
	} else if json.Unmarshal(m.License, &old) == nil && old.Type != "" {
		p.Licences = []string{old.Type}
	}
	r.ownAll(path.Dir(name))
	return r.add(p)
}

// julia reads the Project.toml of a package in a depot: packages/NAME/SLUG.
func (r *reader) julia(name string, b []byte) error {
	p := Package{Kind: Julia, Where: "/" + name}
	for line := range strings.Lines(string(b)) {
		key, value, ok := strings.Cut(line, "=")
		if strings.HasPrefix(line, "[") {
			break
		}
		value = strings.Trim(strings.TrimSpace(value), `"`)
		switch strings.TrimSpace(key) {
		case "name":
			p.Name = value
		case "version":
			p.Version = value
		case "uuid":
			p.UUID = value
		case "license":
			p.Licences = []string{value}
		}
		_ = ok
	}
	if p.Name == "" {
		return nil
	}
	r.ownAll(path.Dir(name))
	return r.add(p)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// sortedNodes returns the regular files that no package lists, in a fixed
// order.
func (r *reader) unowned(yield func(name string, n *tree.Node) error) error {
	seen := map[*tree.Node]bool{}
	for name, n := range r.root.All() {
		if !n.Mode.IsRegular() || r.owned[n] || seen[n] {
			continue
		}
		seen[n] = true
		if err := yield(name, n); err != nil {
			return err
		}
	}
	return nil
}

var elf = []byte("\x7fELF")

func hasPrefix(b, prefix []byte) bool {
	return len(b) >= len(prefix) && slices.Equal(b[:len(prefix)], prefix)
}
