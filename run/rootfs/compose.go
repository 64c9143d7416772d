// Package rootfs makes the root that steps see: the union of an image's layers
// without what must not be there, and with data from elsewhere. SPEC.md, RUN-1
// to RUN-3 and RUN-25.
package rootfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"repro/format/manifest"
	"repro/format/tree"
)

// Version changes whenever Compose makes another tree of the same layers, so
// that no older extraction is taken for it.
const Version = 2

// emptied are the directories that belong to the machine or to one run: what
// layers have there is not shown.
var emptied = []string{"dev", "proc", "sys", "run", "tmp", "var/tmp"}

// Identity is who steps are, inside and outside.
type Identity struct {
	UID, GID         int    // of their user, as they see it
	Hostname         string // that they see
	FileUID, FileGID uint32 // to whom files that are served to them belong
}

// Root is what steps see.
type Root struct {
	View *tree.View
	Top  *tree.Node // the layer above those of the image: all that was changed
}

// Compose puts together what steps see: the layers of the image without the
// files that stand where an output of any step will, without device nodes, and
// with data from elsewhere and the few entries that programs need to find
// themselves. All of that is one layer above the others, so that these are read
// only where it changes something. Above it come the layers in more, lowest
// first: what earlier steps wrote, where it is not laid over the root otherwise.
func Compose(layers []tree.Layer, steps []manifest.Step, data map[string]*tree.Node, who Identity, more ...tree.Layer) (*Root, error) {
	below, err := tree.NewView(tree.Look{}, layers...)
	if err != nil {
		return nil, err
	}
	root, err := below.Look(tree.RootID)
	if err != nil {
		return nil, err
	}
	c := &composer{below: below, top: emptyCopy(root.Node), who: who}
	if err := c.fill(steps, data); err != nil {
		return nil, err
	}
	top, err := tree.NewLayer(c.top)
	if err != nil {
		return nil, err
	}
	look := tree.Look{Keep: isPlain, NoXattrs: true, Change: func(n *tree.Node) {
		n.UID, n.GID = who.FileUID, who.FileGID
		if !n.IsDir() {
			n.Mode &^= fs.ModeSetuid | fs.ModeSetgid
		}
	}}
	view, err := tree.NewView(look, slices.Concat(layers, []tree.Layer{top}, more)...)
	return &Root{View: view, Top: c.top}, err
}

// isPlain leaves device nodes, FIFOs and sockets out.
func isPlain(kind fs.FileMode) bool { return kind.IsRegular() || kind&(fs.ModeDir|fs.ModeSymlink) != 0 }

// composer makes the layer above those of the image.
type composer struct {
	below *tree.View
	top   *tree.Node
	who   Identity
}

func (c *composer) fill(steps []manifest.Step, data map[string]*tree.Node) error {
	for name, n := range data {
		if err := c.put(name, n); err != nil {
			return err
		}
	}
	for _, step := range steps {
		for _, name := range step.Outputs {
			if err := c.remove(name); err != nil {
				return err
			}
		}
	}
	for _, name := range emptied {
		dir := opaque(tree.NewDir())
		if strings.HasSuffix(name, "tmp") {
			dir.Mode |= 0o777 | fs.ModeSticky
		}
		if err := c.put(name, dir); err != nil {
			return err
		}
	}
	if err := c.put(manifest.Home, tree.NewDir()); err != nil {
		return err
	}
	return c.addUser()
}

// emptyCopy returns a directory that looks like n.
func emptyCopy(n *tree.Node) *tree.Node {
	return &tree.Node{Mode: n.Mode, UID: n.UID, GID: n.GID, ModTime: n.ModTime, Entries: map[string]*tree.Node{}}
}

// opaque has dir hide what layers have in its place.
func opaque(dir *tree.Node) *tree.Node {
	dir.Xattrs = map[string][]byte{tree.UserOpaqueXattr: []byte("y")}
	return dir
}

// dir returns the directory at name in the layer and makes what is missing of
// it: as the layers below have it or, where they have something else, empty.
func (c *composer) dir(name string) (*tree.Node, error) {
	at, dir := "", c.top
	for elem := range strings.SplitSeq(name, "/") {
		if elem == "" {
			continue
		}
		at += "/" + elem
		next := dir.Entries[elem]
		switch {
		case next != nil && next.IsDir():
		case next != nil: // and not what is below it
			next = opaque(tree.NewDir())
		default:
			below, err := c.below.Find(at)
			switch {
			case err == nil && below.Node.IsDir():
				next = emptyCopy(below.Node)
			case err == nil || errors.Is(err, fs.ErrNotExist):
				next = tree.NewDir()
			default:
				return nil, fmt.Errorf("%q: %w", at, err)
			}
		}
		dir.Entries[elem] = next
		dir = next
	}
	return dir, nil
}

// put places n at name, whatever the layers have there or on the way.
func (c *composer) put(name string, n *tree.Node) error {
	parent, base := path.Split(strings.Trim(name, "/"))
	dir, err := c.dir(parent)
	if err == nil {
		dir.Entries[base] = n
	}
	return err
}

// remove takes away what stands at name, if its directory is no link.
func (c *composer) remove(name string) error {
	old, err := c.find(name)
	if old == nil || err != nil {
		return err
	}
	return c.put(name, tree.NewWhiteout())
}

// find returns what is seen at name, links not followed, or nil.
func (c *composer) find(name string) (*tree.Node, error) {
	at := c.top
	for elem := range strings.SplitSeq(strings.Trim(name, "/"), "/") {
		if at == nil {
			break
		}
		if !at.IsDir() {
			return nil, nil
		}
		at = at.Entries[elem]
	}
	if at != nil {
		if at.IsWhiteout() {
			return nil, nil
		}
		return at, nil
	}
	seen, err := c.below.Find(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, err)
	}
	return seen.Node, nil
}

// addUser makes sure that the steps' user, group and host have names.
func (c *composer) addUser() error {
	for _, f := range []struct{ name, key, line string }{
		{"etc/passwd", fmt.Sprintf(":%d:", c.who.UID), fmt.Sprintf("%s:x:%d:%d::%s:/bin/sh\n", manifest.User, c.who.UID, c.who.GID, manifest.Home)},
		{"etc/group", fmt.Sprintf(":%d:", c.who.GID), fmt.Sprintf("%s:x:%d:\n", manifest.User, c.who.GID)},
		{"etc/hosts", "127.0.0.1", "127.0.0.1 localhost " + c.who.Hostname + "\n"},
	} {
		if err := c.addLine(f.name, f.key, f.line); err != nil {
			return err
		}
	}
	return nil
}

// maxAccounts bounds the account files that are read into memory.
const maxAccounts = 1 << 20

// addLine appends line to the file called name unless key stands in it. A
// layer that has something unusual there, a link or a directory, is left as it
// is.
func (c *composer) addLine(name, key, line string) error {
	old, err := c.find(name)
	if err != nil {
		return err
	}
	if old == nil {
		if etc, err := c.find(path.Dir(name)); err != nil || etc != nil && !etc.IsDir() {
			return err
		}
		return c.put(name, tree.NewFile(0o644, []byte(line)))
	}
	if !old.Mode.IsRegular() || old.Size > maxAccounts {
		return nil
	}
	f, err := old.Content()
	if err != nil {
		return err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxAccounts))
	if err != nil {
		return err
	}
	if strings.Contains(string(content), key) {
		return nil
	}
	if len(content) > 0 && content[len(content)-1] != '\n' {
		content = append(content, '\n')
	}
	changed := tree.NewFile(old.Mode.Perm(), append(content, line...))
	changed.ModTime = old.ModTime
	return c.put(name, changed)
}
