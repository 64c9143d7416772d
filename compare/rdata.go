package compare

import "repro/internal/rdata"

const kindRData = "rdata"

// SPEC.md CMP-119.
func init() {
	comparers[kindRData] = (&arrayKind{
		kind: kindRData,
		read: rdata.Read,
		same: "the same objects; only their packing, the order of attributes or R's version differs",
	}).compare
}
