// Package mount serves a tree as a read-only filesystem through FUSE, in this
// process: the union of an image's layers at which steps or people look.
//
// Everything but contents is answered from memory, and the kernel may keep it
// for good, since an image does not change. Contents are read when they are
// asked for, through whatever the tree was read through: the nodes of
// squashfs.Reader.Tree give no byte that its hash tree does not vouch for, so a
// block that was altered after the image was verified is an input/output error
// to the program that reads it, and [Options].Failed is told.
//
// Files have the same inode numbers, and directories the same order, each time
// and on each machine. Contents are cached within the bounds of the layers'
// readers; beyond that a server holds about 300 bytes for each file.
//
// [Serve] mounts where this process may: as root, in a user namespace of its
// own, or through the setuid program fusermount3. [ServeDevice] serves a mount
// that somebody else makes: a sandbox opens the device with [OpenDevice], hands
// one descriptor to the server, and calls [Device.Mount] inside its own mount
// namespace.
package mount

import (
	"context"
	"errors"

	"repro/tree"
)

// ErrUnavailable is wrapped by errors that say that this machine, or this
// process, cannot mount through FUSE.
var ErrUnavailable = errors.New("FUSE is not available here")

// Options say how a tree is served. The zero value is ready.
type Options struct {
	// Source is what tables of mounts call the filesystem; empty: "repro".
	Source string

	// AllowOther lets other users in, with the modes that files have. Without
	// it only the user who mounts can look, and may read every file.
	AllowOther bool

	// Reversed lists directories backwards: what a program makes of them may
	// depend on an order that other filesystems do not keep.
	Reversed bool

	// Failed is told each time that a content could not be read, with the
	// file's path, not rooted; the program that read got EIO. It may be called
	// from several goroutines.
	Failed func(name string, err error)
}

// Serve mounts the tree below root at dir, an existing directory, and returns
// when it can be used. When ctx ends it is unmounted, as by [Server.Close]. An
// error about a machine that cannot do it wraps [ErrUnavailable].
func Serve(ctx context.Context, root *tree.Node, dir string, o Options) (*Server, error) {
	return serve(ctx, root, dir, o)
}

// ServeDevice serves the tree below root to the mount that d was, or will be,
// mounted as; it returns when that has happened, or ctx ended. It closes d. The
// server ends when nothing uses the mount any more, which is up to whoever
// mounted it.
func ServeDevice(ctx context.Context, root *tree.Node, d *Device, o Options) (*Server, error) {
	f, err := Prepare(root)
	if err != nil {
		d.Close()
		return nil, err
	}
	return f.ServeDevice(ctx, d, o)
}

// Files is a tree that is ready to be served, to several mounts at once. The
// tree must not change any more.
type Files struct{ table *table }

// Prepare readies the tree below root.
func Prepare(root *tree.Node) (*Files, error) {
	t, err := newTable(root)
	if err != nil {
		return nil, err
	}
	return &Files{t}, nil
}

// ServeDevice is like the function of that name.
func (f *Files) ServeDevice(ctx context.Context, d *Device, o Options) (*Server, error) {
	return serveDevice(ctx, f.table, d, o)
}
