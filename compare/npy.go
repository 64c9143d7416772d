package compare

import (
	"repro/internal/ndarray"
	"repro/internal/npy"
)

const kindNPY = "npy"

// SPEC.md CMP-115.
func init() {
	comparers[kindNPY] = (&arrayKind{
		kind: kindNPY,
		read: whole(ndarray.MaxData, npy.Read),
		same: "the same numbers; only their byte order, layout or header differs",
	}).compare
}
