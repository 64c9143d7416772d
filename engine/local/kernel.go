package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"repro/engine"
	"repro/format/tree"
	"repro/internal/mount"
	"repro/internal/sandbox"
	"repro/run/rootfs"
)

// provideKernel has the kernel mount the layers that steps see, and no other,
// below a directory with what the run changes of them. The kernel does not
// check what it reads: the image is checked whole before the steps and, by
// CheckImage, after them.
func (h *Host) provideKernel(ctx context.Context) (layers, error) {
	if !sandbox.WhoRuns().IsOther || h.image.File() == nil {
		return layers{}, &engine.MachineError{Err: errors.New("layers: kernel: only root can have the kernel mount them"), Hint: "leave --layers out: they are then read in place"}
	}
	if err := h.checkWhole(ctx); err != nil {
		return layers{}, err
	}
	l := layers{kind: string(LayersKernel), dir: filepath.Join(h.scratch, "top"),
		reason: "asked for: the kernel reads layers through loop devices; the image was checked whole before and after, but not while it was read"}
	users, err := sandbox.OwnerNamespace()
	if err != nil {
		return l, err
	}
	l.release = func() { users.Close() }
	l.mounts = func() ([]*os.File, error) { return rootfs.KernelMounts(h.image, h.manifest, users) }
	if err := sandbox.MakePrivate(l.dir); err != nil {
		return l, err
	}
	if err := tree.Extract(ctx, h.root.Top, l.dir, tree.ExtractOptions{Devices: true, Xattrs: true}); err != nil { // whiteouts are devices
		return l, fmt.Errorf("layers: kernel: %w", err)
	}
	if err := sandbox.ChangeOwner(l.dir); err != nil {
		return l, err
	}
	err = h.try(ctx, sandbox.Command{Lower: []string{l.dir}, Mounts: l.mounts})
	if errors.Is(err, mount.ErrUnavailable) {
		err = &engine.MachineError{Err: fmt.Errorf("layers: kernel: %w", err), Hint: "needs loop devices, and squashfs in Linux 6.2 or later; without --layers, they are read in place"}
	}
	return l, err
}
