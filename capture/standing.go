package capture

import (
	"cmp"
	"path"

	"repro/format/tree"
)

// standing places what a recipe cannot name and the steps found below the
// experiment's folder: folders, in which a step may write what is no output, and
// the symbolic links that led to what it read (ENV-13). What an earlier step may
// have made is not taken: a step that makes a folder fails where there is one.
func (c *closing) standing() {
	var made []string // by the steps so far
	for i := range c.record.Steps {
		s := &c.record.Steps[i]
		for _, dir := range s.Folders {
			if _, own := c.record.ownFile(dir); own && secretFile(dir+"/x") == "" && !holds(dir, made) {
				if _, err := c.root.MkdirAll(c.at(dir)); err != nil {
					c.problem("%s: %w", dir, err)
				}
			}
		}
		for _, w := range s.Written {
			made = append(made, w.Path)
		}
		for _, l := range s.Links {
			if _, own := c.record.ownFile(l.Path); own && !holds(l.Path, made) && c.root.Lookup(c.at(l.Path)) == nil {
				if err := c.root.Put(c.at(l.Path), tree.NewSymlink(c.target(l))); err != nil {
					c.problem("%s: %w", l.Path, err)
				}
			}
		}
	}
}

// holds reports whether one of the files is name or lies below it.
func holds(name string, files []string) bool {
	for _, f := range files {
		if inside(f, name) {
			return true
		}
	}
	return false
}

// target says where a link of the experiment leads in the image: one that stays
// in the folder as it did, one that leaves it by the path that this had on the
// machine.
func (c *closing) target(l Link) string {
	was := cmp.Or(c.record.was, c.record.Folder) // targets are as they were captured
	if path.IsAbs(l.Target) {
		if rel, ok := below(path.Clean(l.Target), was); ok {
			return path.Join(Paper, rel)
		}
		return l.Target
	}
	rel, _ := below(l.Path, c.record.Folder)
	full := path.Join(was, path.Dir(rel), l.Target)
	if inside(full, was) {
		return l.Target
	}
	return full
}
