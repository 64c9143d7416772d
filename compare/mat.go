package compare

import (
	"repro/internal/mat"
	"repro/internal/ndarray"
)

const kindMAT = "mat"

// SPEC.md CMP-117.
func init() {
	comparers[kindMAT] = (&arrayKind{
		kind: kindMAT,
		read: whole(ndarray.MaxData/2, mat.Read),
		same: "the same variables; only their order, packing or the file's header differs",
	}).compare
}
