package capture

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"repro/format/tree"
)

// fileNode describes a regular file of this machine.
func fileNode(name string) (*tree.Node, error) {
	info, err := os.Lstat(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, plain(err))
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: is no longer a file", name)
	}
	return &tree.Node{
		Mode: info.Mode(), Size: info.Size(),
		Open: tree.Unchanged(name, info),
	}, nil
}

func plain(err error) error {
	if p, ok := err.(*fs.PathError); ok {
		return p.Err
	}
	return err
}

// take places what stands at a path of this machine, with the links on the way,
// unless it is there already. Secrets are passed over, but where they are named.
func (c *closing) take(name string, named bool) {
	real, err := filepath.EvalSymlinks(filepath.Dir(name))
	if err != nil {
		return
	}
	full := filepath.Join(real, filepath.Base(name))
	info, err := os.Lstat(full)
	if err != nil || !named && secretFile(full) != "" || c.root.Lookup(c.at(full)) != nil {
		return
	}
	if dir := filepath.Dir(name); dir != real {
		c.links(dir)
	}
	switch {
	case info.Mode().IsRegular():
		if n, err := fileNode(full); err == nil {
			c.put(full, n)
		}
	case info.Mode()&fs.ModeSymlink != 0:
		if target, err := os.Readlink(full); err == nil {
			c.link(full, target)
		}
	}
}

// links places the symbolic links on the way to a folder.
func (c *closing) links(dir string) {
	for at := dir; at != "/" && at != "."; at = path.Dir(at) {
		if target, err := os.Readlink(at); err == nil {
			if real, err := filepath.EvalSymlinks(path.Dir(at)); err == nil {
				c.link(path.Join(real, path.Base(at)), target)
			}
		}
	}
}

// named places a file, a folder with all that it holds, or what a pattern
// matches: the author has asked for it.
func (c *closing) named(pattern string) {
	names := []string{pattern}
	if strings.ContainsAny(pattern, "*?[") {
		names, _ = filepath.Glob(pattern)
	}
	found := false
	for _, name := range names {
		_ = filepath.WalkDir(name, func(at string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil
			}
			found = true
			if d.IsDir() {
				_, _ = c.root.MkdirAll(c.at(at))
				return nil
			}
			c.take(at, true)
			return nil
		})
	}
	if !found {
		c.problem("files: %s: no such file on this machine", pattern)
	}
}

// localeFolders hold the one locale that steps run in.
var localeFolders = []string{"/usr/lib/locale/C.utf8", "/usr/lib/locale/C.UTF-8"}

func (c *closing) locale() {
	for _, dir := range localeFolders {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			c.named(dir)
		}
	}
}
