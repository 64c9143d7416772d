package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/mount"
	"repro/internal/sandbox"
)

// provideKernel has the kernel mount the layers that steps see, and no other,
// below a directory with what the run changes of them. The kernel does not
// check what it reads: the image is checked whole before and, by stillWhole,
// after the steps.
func (r *runner) provideKernel(ctx context.Context) (layers, error) {
	_, _, other := sandbox.Owner()
	if !other || r.image.File() == nil {
		return layers{}, &MachineError{Err: errors.New("layers: kernel: only root can have the kernel mount them"), Hint: "leave --layers out: they are then read in place"}
	}
	if err := r.wholeImage(ctx); err != nil {
		return layers{}, err
	}
	l := layers{kind: string(LayersKernel), root: filepath.Join(r.scratch, "top"),
		reason: "asked for: the kernel reads layers through loop devices; the image was checked whole before and after, but not while it was read"}
	users, err := sandbox.OwnerNamespace()
	if err != nil {
		return l, err
	}
	l.release = func() { users.Close() }
	l.mounts = func() ([]*os.File, error) { return r.kernelMounts(users) }
	if err := sandbox.MakePrivate(l.root); err != nil {
		return l, err
	}
	if err := tree.Extract(ctx, r.top, l.root, tree.ExtractOptions{Devices: true, Xattrs: true}); err != nil { // whiteouts are devices
		return l, fmt.Errorf("layers: kernel: %w", err)
	}
	if err := sandbox.GiveAway(l.root); err != nil {
		return l, err
	}
	err = r.try(ctx, sandbox.Command{Lower: []string{l.root}, Mounts: l.mounts})
	if errors.Is(err, mount.ErrUnavailable) {
		err = &MachineError{Err: fmt.Errorf("layers: kernel: %w", err), Hint: "needs loop devices, and squashfs in Linux 6.2 or later; without --layers, they are read in place"}
	}
	return l, err
}

// kernelMounts mounts the layers that steps see, the topmost first.
func (r *runner) kernelMounts(users *os.File) (mounts []*os.File, err error) {
	objects := r.image.Objects()
	for i := len(r.manifest.Objects) - 1; i >= 0; i-- {
		o := r.manifest.Objects[i]
		if o.Role != manifest.RoleLayer {
			continue
		}
		m, err := mount.Kernel(r.image.File(), objects[o.ID-1].Offset, o.Size, users)
		if err != nil {
			for _, m := range mounts {
				m.Close()
			}
			return nil, fmt.Errorf("layer %q: %w", o.Name, err)
		}
		mounts = append(mounts, m)
	}
	return mounts, nil
}

// stillWhole checks the image again where nothing else has while it was read.
func (r *runner) stillWhole(ctx context.Context) error {
	if r.layers.kind != string(LayersKernel) {
		return nil
	}
	return r.wholeImage(ctx)
}

func (r *runner) wholeImage(ctx context.Context) error {
	if _, err := r.image.Check(ctx, format.CheckOptions{Progress: r.options.Progress}); err != nil {
		return fmt.Errorf("%s: %w", r.image.Name(), err)
	}
	return nil
}
