package tree

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"time"

	"repro/internal/stream"
)

// ToTar writes the tree below root as a tar archive, in the order of
// [Node.All], with names that begin with "./": its bytes depend on the tree
// alone. If layer is set, whiteouts and opaque directories are written as OCI
// images have them; otherwise as they are. Errors name the file.
func ToTar(ctx context.Context, w io.Writer, root *Node, layer bool) error {
	t := tarWriter{w: tar.NewWriter(w), ctx: ctx, layer: layer, first: map[*Node]string{}}
	for at, n := range root.All() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := t.entry(at, n); err != nil {
			return fmt.Errorf("%q: %w", at, err)
		}
	}
	return t.w.Close()
}

type tarWriter struct {
	w     *tar.Writer
	ctx   context.Context
	layer bool
	first map[*Node]string
}

func (t *tarWriter) entry(at string, n *Node) error {
	if t.layer && n.IsWhiteout() {
		dir, base := path.Split(at)
		return t.w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "./" + dir + whiteoutPrefix + base, ModTime: time.Unix(n.ModTime, 0)})
	}
	if first, ok := t.first[n]; ok && !n.IsDir() {
		return t.w.WriteHeader(&tar.Header{
			Typeflag: tar.TypeLink, Name: "./" + at, Linkname: "./" + first,
			Mode: int64(unixMode(n.Mode)), Uid: int(n.UID), Gid: int(n.GID), ModTime: time.Unix(n.ModTime, 0),
		})
	}
	t.first[n] = at
	if err := t.w.WriteHeader(t.header(at, n)); err != nil {
		return err
	}
	switch {
	case n.IsDir() && t.layer && n.IsOpaque():
		return t.w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "./" + path.Join(at, whiteoutOpaque), ModTime: time.Unix(n.ModTime, 0)})
	case n.Mode.IsRegular() && n.Size > 0:
		return t.content(n)
	}
	return nil
}

func (t *tarWriter) header(at string, n *Node) *tar.Header {
	h := &tar.Header{
		Name: "./" + at, Mode: int64(unixMode(n.Mode)), Uid: int(n.UID), Gid: int(n.GID), ModTime: time.Unix(n.ModTime, 0),
	}
	switch n.Mode.Type() {
	case fs.ModeDir:
		h.Typeflag, h.Name = tar.TypeDir, "./"+at+"/"
		if at == "" {
			h.Name = "./"
		}
	case fs.ModeSymlink:
		h.Typeflag, h.Linkname = tar.TypeSymlink, n.Target
	case fs.ModeDevice, fs.ModeDevice | fs.ModeCharDevice:
		h.Typeflag = tar.TypeBlock
		if n.Mode&fs.ModeCharDevice != 0 {
			h.Typeflag = tar.TypeChar
		}
		major, minor := DecodeDevice(n.Device)
		h.Devmajor, h.Devminor = int64(major), int64(minor)
	case fs.ModeNamedPipe:
		h.Typeflag = tar.TypeFifo
	default:
		h.Typeflag, h.Size = tar.TypeReg, n.Size
	}
	for _, name := range slices.Sorted(maps.Keys(n.Xattrs)) {
		if t.layer && (name == OpaqueXattr || name == UserOpaqueXattr) {
			continue
		}
		if h.PAXRecords == nil {
			h.PAXRecords = map[string]string{}
		}
		h.PAXRecords[tarXattr+name] = string(n.Xattrs[name])
	}
	return h
}

func (t *tarWriter) content(n *Node) error {
	r, err := n.Content()
	if err != nil {
		return err
	}
	defer r.Close()
	size, err := io.Copy(t.w, stream.Until(t.ctx, r))
	if err == nil && size != n.Size {
		err = fmt.Errorf("%d bytes instead of %d", size, n.Size)
	}
	return err
}
