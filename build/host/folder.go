package host

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"repro/format/tree"
)

// maxMatches bounds the files that one pattern may name.
const maxMatches = 10_000

// files adds what name, an absolute path or pattern, stands for.
func (g *gatherer) files(name string) error {
	if !strings.ContainsAny(name, "*?[") {
		return g.named(name)
	}
	names := g.m.glob(path.Clean(name))
	if len(names) == 0 {
		return fmt.Errorf("matches nothing on this machine")
	}
	if len(names) > maxMatches {
		return fmt.Errorf("matches more than %d files", maxMatches)
	}
	for _, name := range names {
		if err := g.named(name); err != nil {
			return err
		}
	}
	return nil
}

// named adds one file or folder. What a file itself needs must be there.
func (g *gatherer) named(name string) error {
	real, info, err := g.place(name)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return g.folder(real)
	}
	if info.Mode()&0o111 != 0 {
		if words, err := g.m.shebang(real); err == nil && len(words) > 0 {
			return g.start(name)
		}
	}
	obj, err := g.object(real)
	if err != nil || obj == nil || g.arch == (arch{}) || obj.arch != g.arch {
		return err
	}
	return g.link(obj, name)
}

// folder adds all below the folder real, and what that needs as far as the
// machine has it: a module whose library is missing does not load here either.
func (g *gatherer) folder(real string) error { return g.folderBut(real, nil) }

// folderBut leaves out what skip names, by paths below real.
func (g *gatherer) folderBut(real string, skip func(name string) bool) error {
	if g.scanned[real] {
		return nil
	}
	g.scanned[real] = true
	n, err := tree.FromDir(g.m.file(real), tree.DirOptions{Skip: func(name string, _ fs.FileMode) bool { return skip != nil && skip(name) }})
	if err != nil {
		return err
	}
	if err := merge(g.root, real, n); err != nil {
		return err
	}
	for name, n := range n.All() {
		full := path.Join(real, name)
		switch {
		case n.Mode.IsRegular():
			g.member(full, n)
		case n.Mode.Type() == fs.ModeSymlink:
			g.target(full)
		}
	}
	return nil
}

// member adds what one file of a folder needs.
func (g *gatherer) member(full string, n *tree.Node) {
	obj, err := g.object(full)
	switch {
	case err != nil:
	case obj != nil && obj.arch == g.arch:
		_ = g.link(obj, full)
	case obj == nil && n.Mode&0o111 != 0:
		if words, err := g.m.shebang(full); err == nil && len(words) > 0 {
			_ = g.script(full, full, 0)
		}
	}
}

// target adds what a symbolic link in a folder leads to, if it is there.
func (g *gatherer) target(full string) {
	real, info, err := g.m.resolve(full, nil)
	if err != nil || strings.HasPrefix(full, strings.TrimSuffix(real, "/")+"/") {
		return // leads nowhere, or to a folder that it lies in
	}
	if slices.ContainsFunc([]string{"/proc", "/sys", "/dev", "/run"}, func(dir string) bool { return real == dir || strings.HasPrefix(real, dir+"/") }) {
		return
	}
	if _, _, err := g.place(full); err != nil {
		return
	}
	if info.IsDir() {
		_ = g.folder(real)
	} else if n := g.root.Lookup(real); n != nil {
		g.member(real, n)
	}
}

// merge puts n at name and keeps what is there already.
func merge(root *tree.Node, name string, n *tree.Node) error {
	there := root.Lookup(name)
	if there == nil {
		return root.Put(name, n)
	}
	if !there.IsDir() || !n.IsDir() {
		return nil
	}
	for _, child := range n.Names() {
		if err := merge(root, path.Join(name, child), n.Entries[child]); err != nil {
			return err
		}
	}
	return nil
}

// glob returns the paths that an absolute pattern matches, in byte order.
// Symbolic links in it are followed.
func (m machine) glob(pattern string) []string {
	names := []string{"/"}
	for elem := range strings.SplitSeq(strings.Trim(pattern, "/"), "/") {
		var next []string
		for _, dir := range names {
			if !strings.ContainsAny(elem, "*?[") {
				full := path.Join(dir, elem)
				if _, _, err := m.resolve(full, nil); err == nil {
					next = append(next, full)
				}
				continue
			}
			next = append(next, m.matches(dir, elem)...)
		}
		if names = next; len(names) > maxMatches {
			break
		}
	}
	slices.Sort(names)
	return names
}

// matches returns the entries of dir that match elem.
func (m machine) matches(dir, elem string) []string {
	real, info, err := m.resolve(dir, nil)
	if err != nil || !info.IsDir() {
		return nil
	}
	entries, err := os.ReadDir(m.file(real))
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		hidden := strings.HasPrefix(e.Name(), ".") && !strings.HasPrefix(elem, ".")
		if ok, err := path.Match(elem, e.Name()); ok && err == nil && !hidden {
			names = append(names, path.Join(dir, e.Name()))
		}
	}
	return names
}
