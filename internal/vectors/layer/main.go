// Command layer writes testdata/vectors/layer: trees, and the layers that are
// made of them.
//
//	go run ./internal/vectors/layer
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"strconv"

	"repro/format/squashfs"
	"repro/format/tree"

	"repro/internal/vectors/folder"
)

const dir = folder.Folder("testdata/vectors/layer")

func main() { folder.Exit(write()) }

func write() error {
	files, err := files()
	if err != nil {
		return err
	}
	return dir.Write(files)
}

// files returns what stands in the directory, by name.
func files() (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, v := range vectors() {
		layer, content, err := v.layer()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.name, err)
		}
		v.Content = fmt.Sprintf("sha256:%x", content)
		description, err := folder.List(v, " ")
		if err != nil {
			return nil, err
		}
		out[v.name+".layer"], out[v.name+".json"] = layer, description
	}
	return out, nil
}

// layer writes the layer of a tree, and returns the tree's content digest too.
func (v vector) layer() ([]byte, [32]byte, error) {
	root, err := v.root()
	if err != nil {
		return nil, [32]byte{}, err
	}
	var out output
	stats, err := squashfs.Write(context.Background(), &out, root, squashfs.Options{Codec: v.Codec, BlockSize: v.BlockSize, ModTime: v.Date})
	return out.b, stats.Content, err
}

// root makes the tree.
func (v vector) root() (*tree.Node, error) {
	var root *tree.Node
	for _, e := range v.Tree {
		n, err := e.node(root)
		switch {
		case err != nil:
		case e.Path == "":
			root = n
		default:
			err = root.Put(e.Path, n)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Path, err)
		}
	}
	return root, nil
}

var types = map[string]fs.FileMode{
	"file": 0, "directory": fs.ModeDir, "symlink": fs.ModeSymlink, "fifo": fs.ModeNamedPipe,
	"socket": fs.ModeSocket, "block": fs.ModeDevice, "char": fs.ModeDevice | fs.ModeCharDevice,
}

func (e entry) node(root *tree.Node) (*tree.Node, error) {
	if e.Link != "" {
		return root.Lookup(e.Link), nil
	}
	mode, err := strconv.ParseUint(e.Mode, 8, 12)
	if err != nil {
		return nil, err
	}
	n := &tree.Node{
		Mode: types[e.Type] | fs.FileMode(mode&0o777), UID: e.UID, GID: e.GID, ModTime: e.Time,
		Device: e.Device, Target: e.Target, Xattrs: e.Xattrs,
	}
	for bit, flag := range map[uint64]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if mode&bit != 0 {
			n.Mode |= flag
		}
	}
	switch e.Type {
	case "directory":
		n.Entries = map[string]*tree.Node{}
	case "file":
		content := e.bytes()
		n.Size = int64(len(content))
		n.Open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	}
	return n, nil
}

// output is a squashfs.Output in memory.
type output struct{ b []byte }

func (o *output) Write(p []byte) (int, error) {
	o.b = append(o.b, p...)
	return len(p), nil
}

func (o *output) WriteAt(p []byte, off int64) (int, error) { return copy(o.b[off:], p), nil }
