// Package mount serves a view of layers as a read-only filesystem through
// FUSE, in this process: the union of an image's layers at which steps or
// people look.
//
// Nothing is read before a program asks for it, so that a mount is there at once
// however large the image is. The kernel may cache answers for ever, since an
// image does not change. Contents are read through the view's layers. The layers
// of a format.Image check every block against their hash trees: where a block was
// altered after the image was verified, or a layer is malformed, the program that
// reads it gets an input/output error, and [Options].Failed is told.
//
// Files have the same inode numbers, and directories the same order, each time
// and on each machine. Contents and tables are cached within the bounds of the
// layers' readers; nothing is kept for each file.
//
// [Serve] mounts where this process may: as root, in a user namespace of its
// own, or through the setuid program fusermount3. [ServeDevice] serves a mount
// that somebody else makes: a sandbox opens the FUSE device, hands one descriptor
// to the server, and mounts it inside its own mount namespace.
package mount

import (
	"context"
	"errors"
	"os"

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
// machine that cannot do it wraps [ErrUnavailable]. SPEC.md, MNT-1 and MNT-2.
func Serve(ctx context.Context, v *tree.View, dir string, o Options) (*Server, error) {
	return serve(ctx, v, dir, o)
}

// ServeDevice serves a view through an open FUSE device. It returns when the
// device has been mounted, or ctx ended, and closes device. The server ends when
// nothing uses the mount any more, which is up to whoever mounted it. A view can
// be served to several mounts at once.
func ServeDevice(ctx context.Context, v *tree.View, device *os.File, o Options) (*Server, error) {
	return serveDevice(ctx, v, device, o)
}
