package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"repro/engine"
	"repro/format"
	"repro/format/manifest"
	"repro/internal/progress"
	"repro/internal/rmtree"
	"repro/internal/sandbox"
	"repro/run/rootfs"
)

// Options say how programs run on this machine, and what they get of it. The
// zero value isolates them wholly and gives them nothing.
type Options struct {
	Net       bool // let programs use the machine's network
	GPU       *GPU // what they see of the machine's NVIDIA driver; nil: nothing
	Binds     []Bind
	Isolation Isolation // how weak it may be; see [IsolationNoProc]

	Layers    Layers // how the image's layers get where programs see them
	Reversed  bool   // directories list their entries backwards, where layers are served through FUSE
	Cache     string // where extracted layers are kept; empty: the user's cache directory
	CacheSize int64  // bytes of it beside what is in use; 0: rootfs.DefaultCacheSize
	NoCache   bool   // extract into the scratch directory
	Disk      int64  // bytes that each program may write; 0: what the disk has, less a reserve

	Progress progress.Func
}

// Layers is a way to provide an image's layers.
type Layers string

// The ways to provide layers.
const (
	LayersAny     Layers = ""        // through FUSE, or extracted where there is none
	LayersFUSE    Layers = "fuse"    // served in place by this process; each block is checked when it is read
	LayersKernel  Layers = "kernel"  // mounted by the kernel's squashfs through loop devices; only for root, and only checked before and after
	LayersExtract Layers = "extract" // extracted into a private directory; each block is checked on the way
	LayersCopy    Layers = "copy"    // extracted once for each run, to be written to: as on machines without overlays
)

// Host is this machine, ready to run steps of one image. Goroutines may share
// it, unless its steps share one root.
type Host struct {
	image    *format.Image
	manifest *manifest.Manifest
	root     *rootfs.Root
	options  Options
	scratch  string
	layers   layers
	damaged  chan error // the first content that could not be served
	isolated isolated
}

// Open provides the root of an image to steps that run on this machine, and
// tries the sandbox that they will get. Scratch is a private directory on a
// local disk. The caller closes the host.
//
// The error is an [*engine.MachineError] if the machine refuses, or one of
// package format for a damaged image.
func Open(ctx context.Context, im *format.Image, root *rootfs.Root, scratch string, o Options) (*Host, error) {
	h, err := newHost(im, root, scratch, o)
	if err != nil {
		return nil, err
	}
	if h.layers, err = h.provide(ctx); err != nil {
		_ = h.Close()
		return nil, machineError(err)
	}
	return h, nil
}

func newHost(im *format.Image, root *rootfs.Root, scratch string, o Options) (*Host, error) {
	m, err := im.Manifest()
	if err != nil {
		return nil, err
	}
	return &Host{image: im, manifest: m, root: root, options: o, scratch: scratch, damaged: make(chan error, 1)}, nil
}

// CheckDisk fails with an [*engine.MachineError] if a program that writes below
// dir would be killed at once, for want of disk.
func CheckDisk(dir string) error { return diskError(dir, sandbox.CheckDisk(dir)) }

// Fork returns a host for a second run of the same image, with a scratch
// directory of its own. It is good for as long as h is.
func (h *Host) Fork(ctx context.Context, scratch string) (*Host, error) {
	f := &Host{image: h.image, manifest: h.manifest, root: h.root, options: h.options, scratch: scratch, layers: h.layers, damaged: h.damaged}
	f.layers.release = nil
	if !h.layers.shared {
		return f, nil
	}
	var err error
	f.layers, err = f.provideCopy(ctx, errors.New("as in the first run"))
	return f, err
}

// Root is what steps see.
func (h *Host) Root() *rootfs.Root { return h.root }

// SharesRoot reports whether steps write to one root, one after the other, since
// there are no overlays here.
func (h *Host) SharesRoot() bool { return h.layers.shared }

// Damaged receives the first error of a layer that was read while a step ran:
// what the step made of that is no result.
func (h *Host) Damaged() <-chan error { return h.damaged }

// Close gives up what the host holds. No step runs any more.
func (h *Host) Close() error {
	if h.layers.release != nil {
		h.layers.release()
	}
	return nil
}

// CheckImage checks the whole image again if nothing checked its blocks while
// they were read.
func (h *Host) CheckImage(ctx context.Context) error {
	if h.layers.kind != string(LayersKernel) {
		return nil
	}
	return h.checkWhole(ctx)
}

func (h *Host) checkWhole(ctx context.Context) error {
	if _, err := h.image.Check(ctx, format.CheckOptions{Progress: h.options.Progress}); err != nil {
		return fmt.Errorf("%s: %w", h.image.Name(), err)
	}
	return nil
}

// CheckArch refuses an image that was made for another kind of processor.
func CheckArch(im *format.Image, m *manifest.Manifest) error {
	if m.Arch == runtime.GOARCH {
		return nil
	}
	return &engine.MachineError{Err: fmt.Errorf("%s: made for %s, this machine is %s", im.Name(), m.Arch, runtime.GOARCH)}
}

// machineError turns what the sandbox says of the machine into the error that
// this package promises.
func machineError(err error) error {
	if u, ok := errors.AsType[*sandbox.UnavailableError](err); ok {
		return &engine.MachineError{Err: err, Hint: u.Hint}
	}
	return err
}

// diskError says in which scratch directory the disk is full, and what to do.
func diskError(scratch string, err error) error {
	full, ok := errors.AsType[*sandbox.FullError](err)
	if !ok {
		return err
	}
	return &engine.MachineError{Err: fmt.Errorf("scratch directory %s: %w", scratch, full),
		Hint: "name another place for what steps write: --scratch, or TMPDIR"}
}

// addResolver lets a step that may use the machine's network find names as the
// machine does.
func addResolver(upper string) error {
	b, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		return nil // names cannot be found here either
	}
	etc := filepath.Join(upper, "etc")
	if err := os.Mkdir(etc, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(etc, "resolv.conf"), b, 0o644); err != nil {
		return err
	}
	return sandbox.ChangeOwner(etc)
}

// try builds the sandbox that steps will get.
func (h *Host) try(ctx context.Context, c sandbox.Command) error {
	c.Dir, c.Net, c.Scratch = "/", h.options.Net, filepath.Join(h.scratch, "try")
	c.WithoutProc = h.options.Isolation == IsolationNoProc
	if err := sandbox.Prepare(c.Scratch); err != nil {
		return err
	}
	return errors.Join(sandbox.Check(ctx, c), rmtree.Remove(c.Scratch))
}
