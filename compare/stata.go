package compare

import (
	"repro/internal/ndarray"
	"repro/internal/stata"
)

const kindStata = "stata"

// SPEC.md CMP-119d.
func init() {
	comparers[kindStata] = (&arrayKind{
		kind: kindStata,
		read: whole(ndarray.MaxData, stata.Read),
		same: "the same variables; only their formats, their order or when the file was written differs",
	}).compare
}
