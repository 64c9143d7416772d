package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/filename"
	"repro/recipe"
)

// gather reads the experiment's folder and shares it out among the layers.
func (b *builder) gather(ctx context.Context) error {
	b.code, b.data, b.published = tree.NewDir(), tree.NewDir(), tree.NewDir()
	c := newChoice(b.Recipe)
	folder, err := tree.FromDir(b.Dir, tree.DirOptions{Skip: c.skip})
	if err != nil {
		return err
	}
	if err := b.behindLinks(folder, c); err != nil {
		return err
	}
	for name, n := range folder.All() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if name != "" {
			b.share(c, name, n)
		}
	}
	b.unmatched(c)
	return nil
}

// behindLinks puts in place of a symbolic link that the recipe names itself
// what it leads to: large data often lies elsewhere.
func (b *builder) behindLinks(folder *tree.Node, c *choice) error {
	named := slices.Collect(maps.Keys(c.published))
	for _, p := range slices.Concat(c.code, c.data) {
		named = append(named, p.Value)
	}
	for _, name := range named {
		link := folder.Lookup(name)
		if link == nil || link.Target == "" {
			continue
		}
		real, err := filepath.EvalSymlinks(filepath.Join(b.Dir, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			continue // reported as a link to nothing
		}
		if err != nil {
			return err
		}
		dir, base := filepath.Split(real)
		n, err := tree.FromDir(dir, tree.DirOptions{Skip: func(at string, _ fs.FileMode) bool {
			first, below, _ := strings.Cut(at, "/")
			return first != base || below != "" && dropped(below, "")
		}})
		if err != nil {
			return err
		}
		if to := n.Entries[base]; to != nil {
			put(folder, name, to)
		}
	}
	return nil
}

// share puts one file or folder of the experiment where it belongs: what is
// published only into the hidden layer, what a step makes nowhere, data into
// its own layer, the rest that code names into that of the code.
func (b *builder) share(c *choice, name string, n *tree.Node) {
	if c.published[name] {
		b.publish(name, n)
		b.bare(c, name, n)
		return
	}
	if c.isOutput(name) {
		return
	}
	if !n.IsDir() {
		c.count(name)
	}
	layer, p := b.data, takenBy(c.data, name)
	if p == nil {
		layer, p = b.code, takenBy(c.code, name)
		if p == nil || takenBy(c.without, name) != nil {
			return
		}
	}
	switch n.Mode.Type() {
	case 0, fs.ModeSymlink:
	case fs.ModeDir:
		n = nil
	default:
		b.problem(p.Pos, "%q: neither a file, a folder nor a symbolic link", name)
		return
	}
	put(layer, path.Join(Paper, name), n)
}

func (b *builder) publish(name string, n *tree.Node) {
	if n.Mode.IsRegular() {
		put(b.published, name, n)
		return
	}
	for _, res := range b.Recipe.Results {
		for _, at := range res.Hidden() {
			if at.Value == name {
				b.problem(at.Pos, "published: %q: not a file", name)
			}
		}
	}
}

// put places n, or a folder if n is nil. What it is put into is made of
// folders wherever the disk had folders, so nothing can stand in the way.
func put(root *tree.Node, name string, n *tree.Node) {
	if n == nil {
		_, _ = root.MkdirAll(name)
		return
	}
	_ = root.Put(name, n)
}

// unmatched reports what the recipe names and the folder has not.
func (b *builder) unmatched(c *choice) {
	for _, p := range c.code {
		if p.files == 0 && !b.folderOnly(b.code, p) {
			b.problem(p.Pos, "code: %q: %s", p.Value, b.missing(p, c))
		}
	}
	for _, p := range c.data {
		if p.files == 0 {
			b.problem(p.Pos, "data: %q: %s", p.Value, b.missing(p, c))
		}
	}
	for _, res := range b.Recipe.Results {
		for _, at := range res.Hidden() {
			if b.published.Lookup(at.Value) != nil || slices.ContainsFunc(b.problems, func(p recipe.Problem) bool { return p.Pos == at.Pos }) {
				continue
			}
			if at == res.Spread {
				b.problem(at.Pos, "spread: %q: no such file: repro calibrate writes it", at.Value)
				continue
			}
			b.problem(at.Pos, "published: %q: no such file: a published result is the file as it was published", at.Value)
		}
	}
	b.expect()
}

// folderOnly reports whether p names an empty folder.
func (b *builder) folderOnly(layer *tree.Node, p pattern) bool {
	n := layer.Lookup(path.Join(Paper, p.Value))
	return n != nil && p.Value != "."
}

func (b *builder) missing(p pattern, c *choice) string {
	switch {
	case recipe.IsGlob(p.Value):
		return "matches no file, outputs and published results aside"
	case c.published[p.Value]:
		return "is a published result, which steps may not see"
	case c.isOutput(p.Value):
		return "is an output of a step, which the steps are to make anew"
	}
	if other := b.looksLike(p.Value); other != "" {
		return fmt.Sprintf("no such file or folder; the folder has a name that looks the same but stores its accents otherwise (NFC or NFD), %+q: rename it, or copy its name into the recipe", other)
	}
	return "no such file or folder"
}

// looksLike returns a path of the folder that reads as name does.
func (b *builder) looksLike(name string) string {
	at := ""
	for elem := range strings.SplitSeq(name, "/") {
		entries, err := os.ReadDir(filepath.Join(b.Dir, filepath.FromSlash(at)))
		if err != nil {
			return ""
		}
		names := make([]string, len(entries))
		for i, e := range entries {
			names[i] = e.Name()
		}
		if other := filename.SameLooking(elem, names); other != "" {
			elem = other
		} else if !slices.Contains(names, elem) {
			return ""
		}
		at = path.Join(at, elem)
	}
	return at
}

// expect notes which data files must have which sha256.
func (b *builder) expect() {
	for _, d := range b.Recipe.Data {
		n := b.data.Lookup(path.Join(Paper, d.Path.Value))
		switch {
		case d.SHA256 == "" || d.Fetch || n == nil:
		case !n.Mode.IsRegular():
			b.problem(d.Path.Pos, "data: %q: has a sha256 but is not a file", d.Path.Value)
		default:
			s := &sum{name: d.Path.Value, at: d.Path.Pos, want: manifest.Digest("sha256:" + d.SHA256), open: n.Open}
			n.Open, n.Stamp = s.Open, "" // no digest that a cache knows stands in for this check
			b.sums = append(b.sums, s)
		}
	}
}

// plain drops what the operating system was asked from a file's error.
func plain(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Path + ": " + p.Err.Error()
	}
	return err.Error()
}
