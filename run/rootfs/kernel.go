package rootfs

import (
	"fmt"
	"os"
	"slices"

	"repro/format"
	"repro/format/manifest"
	"repro/internal/mount"
)

// KernelMounts has the kernel mount the layers of an image that steps see, and no
// other, the topmost first. Each is attached nowhere; the caller closes it.
// Users is a user namespace in which root is the user whom steps are.
func KernelMounts(im *format.Image, m *manifest.Manifest, users *os.File) (mounts []*os.File, err error) {
	objects := im.Objects()
	for _, o := range slices.Backward(m.Objects) {
		if o.Role != manifest.RoleLayer {
			continue
		}
		mounted, err := mount.Kernel(im.File(), objects[o.ID-1].Offset, o.Size, users)
		if err != nil {
			for _, m := range mounts {
				m.Close()
			}
			return nil, fmt.Errorf("layer %q: %w", o.Name, err)
		}
		mounts = append(mounts, mounted)
	}
	return mounts, nil
}
