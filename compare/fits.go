package compare

import (
	"repro/internal/fits"
	"repro/internal/ndarray"
)

const kindFITS = "fits"

// SPEC.md CMP-119b.
func init() {
	comparers[kindFITS] = (&arrayKind{
		kind: kindFITS,
		read: whole(ndarray.MaxData, fits.Read),
		same: "the same images, tables and keywords; only who wrote the file, when, or how numbers are stored differs",
	}).compare
}
