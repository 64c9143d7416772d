package run

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"repro/internal/sandbox"
	"repro/record"
	"repro/tree"
)

// shapeVersion changes whenever shapeRoot makes another tree of the same
// layers, so that no older extraction is taken for it.
const shapeVersion = 1

// emptied are the directories that belong to the machine or to one run: what
// layers have there is not shown.
var emptied = []string{"dev", "proc", "sys", "run", "tmp", "var/tmp"}

// shapeRoot turns the union of an image's layers into what steps see: without
// the files that stand where an output of any step will, without device
// nodes, and with the few entries that programs need to find themselves.
func shapeRoot(root *tree.Node, steps []record.Step) error {
	for _, s := range steps {
		for _, name := range s.Outputs {
			removeNode(root, name)
		}
	}
	for _, name := range emptied {
		dir := tree.NewDir()
		if strings.HasSuffix(name, "tmp") {
			dir.Mode |= 0o777 | fs.ModeSticky
		}
		if err := putThrough(root, name, dir); err != nil {
			return fmt.Errorf("image: %w", err)
		}
	}
	if err := addUser(root); err != nil {
		return err
	}
	plain(root, map[*tree.Node]bool{})
	return nil
}

// putThrough places child at name even where a layer has something that is not
// a directory on the way.
func putThrough(root *tree.Node, name string, child *tree.Node) error {
	if dir := path.Dir(name); dir != "." {
		if n := root.Lookup(dir); n != nil && !n.IsDir() {
			removeNode(root, dir)
		}
	}
	return root.Put(name, child)
}

// removeNode takes what stands at name out of its directory.
func removeNode(root *tree.Node, name string) {
	dir, base := path.Split(strings.Trim(name, "/"))
	if parent := root.Lookup(dir); parent != nil && parent.IsDir() {
		delete(parent.Entries, base)
	}
}

// plain takes device nodes, FIFOs and sockets away, and the bits and
// attributes that a filesystem would act on.
func plain(dir *tree.Node, seen map[*tree.Node]bool) {
	if seen[dir] {
		return
	}
	seen[dir] = true
	uid, gid := sandbox.ServedOwner()
	dir.UID, dir.GID = uid, gid
	const odd = fs.ModeDevice | fs.ModeCharDevice | fs.ModeNamedPipe | fs.ModeSocket | fs.ModeIrregular
	for name, n := range dir.Entries {
		if n.Mode&odd != 0 {
			delete(dir.Entries, name)
			continue
		}
		n.Mode &^= fs.ModeSetuid | fs.ModeSetgid
		n.Xattrs = nil
		n.UID, n.GID = uid, gid
		if n.IsDir() {
			plain(n, seen)
		}
	}
}

// addUser makes sure that the steps' user, group and host have names.
func addUser(root *tree.Node) error {
	for _, f := range []struct{ name, key, line string }{
		{"etc/passwd", fmt.Sprintf(":%d:", sandbox.UID), fmt.Sprintf("%s:x:%d:%d::%s:/bin/sh\n", record.User, sandbox.UID, sandbox.GID, record.Home)},
		{"etc/group", fmt.Sprintf(":%d:", sandbox.GID), fmt.Sprintf("%s:x:%d:\n", record.User, sandbox.GID)},
		{"etc/hosts", "127.0.0.1", "127.0.0.1 localhost " + sandbox.Hostname + "\n"},
	} {
		if err := addLine(root, f.name, f.key, f.line); err != nil {
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
func addLine(root *tree.Node, name, key, line string) error {
	old := root.Lookup(name)
	if old == nil {
		if etc := root.Lookup("etc"); etc != nil && !etc.IsDir() {
			return nil
		}
		return root.Put(name, tree.NewFile(0o644, []byte(line)))
	}
	if !old.Mode.IsRegular() || old.Size > maxAccounts {
		return nil
	}
	f, err := old.Open()
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
	return root.Put(name, changed)
}
