package build

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"repro/recipe"
	"repro/record"
	"repro/tree"
)

// leftOut are names that a folder or pattern never brings along: records of
// version control, what programs and desktops leave behind, what is likely a
// secret, and what building and running left (an image, a run's folder). They
// come along only if the recipe names them.
var leftOut = []string{
	".git", ".hg", ".svn", ".bzr", "CVS", ".DS_Store", "__pycache__", ".ipynb_checkpoints", ".Rproj.user",
	".env", ".netrc", ".ssh", ".aws", ".gnupg", "id_rsa", "id_ecdsa", "id_ed25519", "*.key",
	"*.sif", "*.run",
}

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

// choice says which layer a path of the folder goes to.
type choice struct {
	code, without []pattern
	data          []pattern
	published     map[string]bool
	outputs       map[string]bool
	environment   string // where the environment's source lies, if in the folder
}

// pattern is a path or glob and what it has brought.
type pattern struct {
	recipe.Text
	files *int
}

func newChoice(r *recipe.Recipe) *choice {
	c := &choice{published: map[string]bool{}, outputs: map[string]bool{}, environment: path.Clean(r.Environment.Source.Value)}
	for _, t := range r.Code {
		if rest, ok := strings.CutPrefix(t.Value, "!"); ok {
			c.without = append(c.without, pattern{recipe.Text{Value: rest, Pos: t.Pos}, new(int)})
		} else {
			c.code = append(c.code, pattern{t, new(int)})
		}
	}
	for _, d := range r.Data {
		c.data = append(c.data, pattern{d.Path, new(int)})
	}
	for _, res := range r.Results {
		c.published[res.Published.Value] = true
	}
	for _, s := range r.Steps {
		for _, o := range s.Outputs {
			c.outputs[o.Value] = true
		}
	}
	return c
}

// takes reports whether p names the path, a folder that it lies in, or a
// pattern that matches one of these. What is left out by default must be
// named in full.
func (p pattern) takes(name string) bool {
	for at := name; ; at = path.Dir(at) {
		if p.Value == at || recipe.IsGlob(p.Value) && recipe.Match(p.Value, at) {
			return !dropped(name, p.Value)
		}
		if at == "." {
			return false
		}
	}
}

// dropped reports whether an element of name is left out by default and is
// not named by the pattern.
func dropped(name, pattern string) bool {
	named := strings.Split(pattern, "/")
	return slices.ContainsFunc(strings.Split(name, "/"), func(elem string) bool {
		return !slices.Contains(named, elem) && slices.ContainsFunc(leftOut, func(p string) bool {
			ok, _ := path.Match(p, elem)
			return ok && !slices.Contains(named, p)
		})
	})
}

// leads reports whether p may take something below the folder dir.
func (p pattern) leads(dir string) bool {
	elems := strings.Split(p.Value, "/")
	for i, elem := range strings.Split(dir, "/") {
		if i == len(elems) {
			return false
		}
		if elems[i] == "**" {
			return true
		}
		if elems[i] != elem && !recipe.Match(elems[i], elem) {
			return false
		}
	}
	return true
}

// takenBy returns the first of the patterns that takes name, or nil.
func takenBy(patterns []pattern, name string) *pattern {
	for i := range patterns {
		if patterns[i].takes(name) {
			return &patterns[i]
		}
	}
	return nil
}

// isOutput reports whether name is, or lies in, what a step makes.
func (c *choice) isOutput(name string) bool {
	for ; name != "."; name = path.Dir(name) {
		if c.outputs[name] {
			return true
		}
	}
	return false
}

// skip spares the walk what nothing takes.
func (c *choice) skip(name string, mode fs.FileMode) bool {
	if name == c.environment {
		return true
	}
	if c.published[name] || takenBy(c.data, name) != nil || takenBy(c.code, name) != nil {
		return false
	}
	if !mode.IsDir() {
		return true
	}
	leads := func(p pattern) bool { return p.leads(name) }
	if slices.ContainsFunc(c.data, leads) || slices.ContainsFunc(c.code, leads) {
		return false
	}
	for file := range c.published {
		if strings.HasPrefix(file, name+"/") {
			return false
		}
	}
	return true
}

// share puts one file or folder of the experiment where it belongs: what is
// published only into the hidden layer, what a step makes nowhere, data into
// its own layer, the rest that code names into that of the code.
func (b *builder) share(c *choice, name string, n *tree.Node) {
	if c.published[name] {
		b.publish(name, n)
		return
	}
	layer, p := b.data, takenBy(c.data, name)
	if p == nil {
		layer, p = b.code, takenBy(c.code, name)
		if p != nil && takenBy(c.without, name) != nil {
			return
		}
	}
	if p == nil || c.isOutput(name) {
		return
	}
	switch n.Mode.Type() {
	case 0, fs.ModeSymlink:
		*p.files++
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
		if res.Published.Value == name {
			b.problem(res.Published.Pos, "published: %q: not a file", name)
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
		if *p.files == 0 && !b.folderOnly(b.code, p) {
			b.problem(p.Pos, "code: %q: %s", p.Value, missing(p, c))
		}
	}
	for _, p := range c.data {
		if *p.files == 0 {
			b.problem(p.Pos, "data: %q: %s", p.Value, missing(p, c))
		}
	}
	for _, res := range b.Recipe.Results {
		at := res.Published
		if b.published.Lookup(at.Value) != nil || slices.ContainsFunc(b.problems, func(p recipe.Problem) bool { return p.Pos == at.Pos }) {
			continue
		}
		b.problem(at.Pos, "published: %q: no such file: a published result is the file as it was published", at.Value)
	}
	b.expect()
}

// folderOnly reports whether p names an empty folder.
func (b *builder) folderOnly(layer *tree.Node, p pattern) bool {
	n := layer.Lookup(path.Join(Paper, p.Value))
	return n != nil && p.Value != "."
}

func missing(p pattern, c *choice) string {
	switch {
	case recipe.IsGlob(p.Value):
		return "matches nothing that is not already taken by another entry, an output or a published result"
	case c.published[p.Value]:
		return "is a published result, which steps may not see"
	case c.isOutput(p.Value):
		return "is an output of a step, which the steps are to make anew"
	}
	for _, other := range slices.Concat(c.data, c.code) {
		if *other.files > 0 && other.takes(p.Value) {
			return "is already taken by " + other.Value
		}
	}
	return "no such file or folder"
}

// expect notes which data files must have which sha256.
func (b *builder) expect() {
	for _, d := range b.Recipe.Data {
		n := b.data.Lookup(path.Join(Paper, d.Path.Value))
		switch {
		case d.SHA256 == "" || n == nil:
		case !n.Mode.IsRegular():
			b.problem(d.Path.Pos, "data: %q: has a sha256 but is not a file", d.Path.Value)
		default:
			s := &sum{name: d.Path.Value, at: d.Path.Pos, want: record.Digest("sha256:" + d.SHA256), open: n.Open}
			n.Open = s.Open
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
