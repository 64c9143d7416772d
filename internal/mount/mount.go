// Package mount serves a view of layers as a read-only filesystem through
// FUSE, in this process: the union of an image's layers at which steps or
// people look.
//
// Nothing is read before it is looked at, so that a mount is there at once
// however large the image is; and the kernel may keep for good what it was
// told, since an image does not change. Everything comes through whatever the
// view's layers are read through: those of format.Image give no byte that their
// hash trees do not vouch for, so a block that was altered after the image was
// verified, or a layer that is malformed where a program looks, is an
// input/output error to that program, and [Options].Failed is told.
//
// Files have the same inode numbers, and directories the same order, each time
// and on each machine. Contents and tables are cached within the bounds of the
// layers' readers; nothing is kept for each file.
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

	"repro/format/tree"
)

// ErrUnavailable is wrapped by errors that say that this machine, or this
// process, cannot mount through FUSE.
var ErrUnavailable = errors.New("FUSE is not available here")

// Options say how a view is served. The zero value is ready.
type Options struct {
	// Source is what tables of mounts call the filesystem; empty: "repro".
	Source string

	// AllowOther lets other users in, with the modes that files have. Without
	// it only the user who mounts can look, and may read every file.
	AllowOther bool

	// Reversed lists directories backwards: what a program makes of them may
	// depend on an order that other filesystems do not keep.
	Reversed bool

	// Failed is told each time that something could not be read, with the
	// file's path, not rooted, as far as it is known; the program that asked
	// got EIO. It may be called from several goroutines.
	Failed func(name string, err error)
}

// Serve mounts a view at dir, an existing directory, and returns when it can be
// used. When ctx ends it is unmounted, as by [Server.Close]. An error about a
// machine that cannot do it wraps [ErrUnavailable].
func Serve(ctx context.Context, v *tree.View, dir string, o Options) (*Server, error) {
	return serve(ctx, v, dir, o)
}

// ServeDevice serves a view to the mount that d was, or will be, mounted as; it
// returns when that has happened, or ctx ended. It closes d. The server ends
// when nothing uses the mount any more, which is up to whoever mounted it. A
// view can be served to several mounts at once.
func ServeDevice(ctx context.Context, v *tree.View, d *Device, o Options) (*Server, error) {
	return serveDevice(ctx, v, d, o)
}
