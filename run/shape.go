package run

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
	"repro/internal/sandbox"
)

// shapeVersion changes whenever shape makes another tree of the same
// layers, so that no older extraction is taken for it.
const shapeVersion = 2

// emptied are the directories that belong to the machine or to one run: what
// layers have there is not shown.
var emptied = []string{"dev", "proc", "sys", "run", "tmp", "var/tmp"}

// shape puts together what steps see: the layers without the files that stand
// where an output of any step will, without device nodes, and with data from
// elsewhere and the few entries that programs need to find themselves. All of
// that is a layer above the others, so that those are read only where it has
// something to say. It is returned, too.
func shape(layers []tree.Layer, steps []manifest.Step, data map[string]*tree.Node) (*tree.View, *tree.Node, error) {
	below, err := tree.NewView(tree.Look{}, layers...)
	if err != nil {
		return nil, nil, err
	}
	root, err := below.Look(tree.RootID)
	if err != nil {
		return nil, nil, err
	}
	s := &shaper{below: below, top: emptyCopy(root.Node)}
	if err := s.fill(steps, data); err != nil {
		return nil, nil, err
	}
	top, err := tree.NewLayer(s.top)
	if err != nil {
		return nil, nil, err
	}
	view, err := tree.NewView(tree.Look{Keep: isPlain, Change: plain, NoXattrs: true}, append(slices.Clip(layers), top)...)
	return view, s.top, err
}

// isPlain leaves device nodes, FIFOs and sockets out.
func isPlain(kind fs.FileMode) bool { return kind.IsRegular() || kind&(fs.ModeDir|fs.ModeSymlink) != 0 }

// plain takes away the bits that a filesystem would act on.
func plain(n *tree.Node) {
	n.UID, n.GID = sandbox.ServedOwner()
	if !n.IsDir() {
		n.Mode &^= fs.ModeSetuid | fs.ModeSetgid
	}
}

// shaper makes the layer that stands above those of the image.
type shaper struct {
	below *tree.View
	top   *tree.Node
}

func (s *shaper) fill(steps []manifest.Step, data map[string]*tree.Node) error {
	for name, n := range data {
		if err := s.put(name, n); err != nil {
			return err
		}
	}
	for _, step := range steps {
		for _, name := range step.Outputs {
			if err := s.remove(name); err != nil {
				return err
			}
		}
	}
	for _, name := range emptied {
		dir := opaque(tree.NewDir())
		if strings.HasSuffix(name, "tmp") {
			dir.Mode |= 0o777 | fs.ModeSticky
		}
		if err := s.put(name, dir); err != nil {
			return err
		}
	}
	if err := s.put(manifest.Home, tree.NewDir()); err != nil {
		return err
	}
	return s.addUser()
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
func (s *shaper) dir(name string) (*tree.Node, error) {
	at, dir := "", s.top
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
			below, err := s.below.Find(at)
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
func (s *shaper) put(name string, n *tree.Node) error {
	parent, base := path.Split(strings.Trim(name, "/"))
	dir, err := s.dir(parent)
	if err == nil {
		dir.Entries[base] = n
	}
	return err
}

// remove takes away what stands at name, if its directory is no link.
func (s *shaper) remove(name string) error {
	old, err := s.find(name)
	if old == nil || err != nil {
		return err
	}
	return s.put(name, tree.NewWhiteout())
}

// find returns what is seen at name, links not followed, or nil.
func (s *shaper) find(name string) (*tree.Node, error) {
	at := s.top
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
	seen, err := s.below.Find(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, err)
	}
	return seen.Node, nil
}

// addUser makes sure that the steps' user, group and host have names.
func (s *shaper) addUser() error {
	for _, f := range []struct{ name, key, line string }{
		{"etc/passwd", fmt.Sprintf(":%d:", sandbox.UID), fmt.Sprintf("%s:x:%d:%d::%s:/bin/sh\n", manifest.User, sandbox.UID, sandbox.GID, manifest.Home)},
		{"etc/group", fmt.Sprintf(":%d:", sandbox.GID), fmt.Sprintf("%s:x:%d:\n", manifest.User, sandbox.GID)},
		{"etc/hosts", "127.0.0.1", "127.0.0.1 localhost " + sandbox.Hostname + "\n"},
	} {
		if err := s.addLine(f.name, f.key, f.line); err != nil {
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
func (s *shaper) addLine(name, key, line string) error {
	old, err := s.find(name)
	if err != nil {
		return err
	}
	if old == nil {
		if etc, err := s.find(path.Dir(name)); err != nil || etc != nil && !etc.IsDir() {
			return err
		}
		return s.put(name, tree.NewFile(0o644, []byte(line)))
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
	return s.put(name, changed)
}
