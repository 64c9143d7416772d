package compare

import (
	"repro/internal/ndarray"
	"repro/internal/xport"
)

const kindXPort = "xport"

// SPEC.md CMP-119e.
func init() {
	comparers[kindXPort] = (&arrayKind{
		kind: kindXPort,
		read: whole(ndarray.MaxData, xport.Read),
		same: "the same variables; only their order or when the file was written differs",
	}).compare
}
