package compare

import (
	"repro/internal/ndarray"
	"repro/internal/nifti"
)

const kindNIfTI = "nifti"

// SPEC.md CMP-119c.
func init() {
	comparers[kindNIfTI] = (&arrayKind{
		kind: kindNIfTI,
		read: whole(ndarray.MaxData, nifti.Read),
		same: "the same image in the same place; only how numbers are stored or what is written beside them differs",
	}).compare
}
