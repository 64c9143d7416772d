package rootfs

import (
	"repro/format"
	"repro/format/tree"
)

// ClockLibrary returns the path of libfaketime in the root, or "" if it has
// none. SPEC.md, RUN-7c.
func (r *Root) ClockLibrary() string {
	return format.ClockLibrary(func(name string) *tree.Node {
		seen, err := r.View.Find(name)
		if err != nil {
			return nil
		}
		return seen.Node
	})
}
