package build

import (
	"io/fs"
	"path"
	"strings"

	"repro/format/tree"
)

// normalise brings all layers into the form that depends on contents alone
// (SPEC.md, NRM).
func (b *builder) normalise() {
	for _, root := range []*tree.Node{b.code, b.data, b.published} {
		separate(root, map[*tree.Node]bool{})
	}
	for _, root := range []*tree.Node{b.env.Tree, b.code, b.data, b.published} {
		normalise(root, b.date.Unix(), b.Recipe.Attributes)
	}
}

// separate makes a file of its own of each name of a hard link: whether two
// names lead to one file is a fact about the disk that the experiment lay on,
// and is lost by the next copy (SPEC.md, NRM-7).
func separate(root *tree.Node, met map[*tree.Node]bool) {
	for name, n := range root.Entries {
		switch {
		case n.IsDir():
			separate(n, met)
		case met[n]:
			own := *n
			root.Entries[name] = &own
		default:
			met[n] = true
		}
	}
}

// normalise brings the tree into normal form: owners, modes, times and
// extended attributes follow from the kind and content of each file; device
// files, FIFOs and sockets are dropped.
func normalise(root *tree.Node, date int64, attributes []string) {
	n := normaliser{date: date, attributes: attributes}
	n.node("", root)
	sourceTimes(root, n.pycaches)
}

// normaliser goes through a tree in any order.
type normaliser struct {
	date       int64
	attributes []string // extended attributes that stay
	pycaches   []string // folders that have a folder __pycache__
}

func (z *normaliser) node(at string, n *tree.Node) {
	n.UID, n.GID, n.ModTime, n.Device = 0, 0, z.date, 0
	n.Mode = normalMode(at, n.Mode)
	n.Xattrs = z.xattrs(n.Xattrs)
	for name, c := range n.Entries {
		switch {
		case c.Mode&(fs.ModeDevice|fs.ModeNamedPipe|fs.ModeSocket|fs.ModeIrregular) != 0:
			delete(n.Entries, name)
			continue
		case name == pycache:
			z.pycaches = append(z.pycaches, at)
		}
		below := ""
		if c.IsDir() { // only their paths matter
			below = path.Join(at, name)
		}
		z.node(below, c)
	}
}

// sticky are the folders that anyone may write to.
var sticky = map[string]bool{"tmp": true, "var/tmp": true, "dev/shm": true}

func normalMode(name string, mode fs.FileMode) fs.FileMode {
	switch {
	case mode.IsDir() && sticky[name]:
		return fs.ModeDir | fs.ModeSticky | 0o777
	case mode.IsDir():
		return fs.ModeDir | 0o755
	case mode.Type() == fs.ModeSymlink:
		return fs.ModeSymlink | 0o777
	case mode.Perm()&0o111 != 0:
		return mode.Type() | 0o755
	}
	return mode.Type() | 0o644
}

// xattrs keeps what the recipe lists. Others are facts about the machine that
// made the tree: where a browser had a file from, tokens in the address
// included, owners, whiteouts, labels. SPEC.md, NRM-4.
func (z *normaliser) xattrs(x map[string][]byte) map[string][]byte {
	var kept map[string][]byte
	for _, name := range z.attributes {
		if value, ok := x[name]; ok {
			if kept == nil {
				kept = map[string][]byte{}
			}
			kept[name] = value
		}
	}
	return kept
}

// emptied are folders of a root filesystem whose content never reaches a step:
// the runner mounts something else there. SPEC.md, FS-7.
var emptied = []string{"dev", "proc", "sys", "tmp"}

// hidden leaves that content out when a folder is read; it may be a live one.
func hidden(name string, mode fs.FileMode) bool {
	dir, _, below := strings.Cut(name, "/")
	for _, e := range emptied {
		if below && dir == e {
			return true
		}
	}
	return false
}

// ofTheMachine are files that say on which machine a root filesystem was made
// (mmdebstrap and live systems have them), and what stands in their place. A
// runner puts its own over them. Those marked are there in every image.
// SPEC.md, FS-9.
var ofTheMachine = map[string]struct {
	content string
	always  bool
}{
	"etc/hosts":       {"127.0.0.1 localhost\n::1 localhost\n", true},
	"etc/resolv.conf": {"", true},
	"etc/hostname":    {"localhost\n", false},
	"etc/machine-id":  {"", false},
}

// defaults are files without which programs do not know who they are.
var defaults = map[string]string{
	"etc/passwd":        "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
	"etc/group":         "root:x:0:\nnogroup:x:65534:\n",
	"etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}

// complete gives the environment what a runner, ours or Apptainer, mounts
// onto or looks for. SPEC.md, FS-7.
func complete(root *tree.Node) {
	for _, name := range emptied {
		if n := root.Entries[name]; n == nil || n.IsDir() {
			root.Entries[name] = tree.NewDir()
		}
	}
	for _, name := range []string{"etc", "home", "root", "run", "var/tmp", "paper", "dev/shm", "dev/pts"} {
		makeDir(root, name)
	}
	etc := makeDir(root, "etc")
	if etc == nil {
		return
	}
	for name, content := range defaults {
		if base := path.Base(name); etc.Entries[base] == nil {
			etc.Entries[base] = tree.NewFile(0o644, []byte(content))
		}
	}
	for name, f := range ofTheMachine {
		base := path.Base(name)
		if n := etc.Entries[base]; n == nil && f.always || n != nil && n.Mode.IsRegular() {
			etc.Entries[base] = tree.NewFile(0o644, []byte(f.content))
		}
	}
}

// makeDir returns the folder at name, made if there is nothing, found through
// symbolic links if there is; nil if something else stands in the way.
func makeDir(root *tree.Node, name string) *tree.Node {
	at := root
	for elem := range strings.SplitSeq(name, "/") {
		next := at.Entries[elem]
		if next == nil {
			next = tree.NewDir()
			at.Entries[elem] = next
		}
		if next.Target != "" {
			if _, next = follow(root, name); next != nil && next.IsDir() {
				return next
			}
			return nil
		}
		if !next.IsDir() {
			return nil
		}
		at = next
	}
	return at
}
