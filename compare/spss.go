package compare

import (
	"repro/internal/ndarray"
	"repro/internal/spss"
)

const kindSPSS = "spss"

// SPEC.md CMP-119f.
func init() {
	comparers[kindSPSS] = (&arrayKind{
		kind: kindSPSS,
		read: whole(ndarray.MaxData, spss.Read),
		same: "the same variables; only their order, packing or when the file was written differs",
	}).compare
}
