package compare

import (
	"repro/internal/arrow"
	"repro/internal/ndarray"
)

const kindArrow = "arrow"

// SPEC.md CMP-119l.
func init() {
	comparers[kindArrow] = (&arrayKind{
		kind: kindArrow,
		read: whole(ndarray.MaxData, arrow.Read),
		same: "the same columns; only batches, packing or metadata differ",
	}).compare
}
