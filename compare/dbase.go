package compare

import (
	"repro/internal/dbase"
	"repro/internal/ndarray"
)

// The kinds of this file.
const (
	kindDBase     = "dbase"
	kindShapefile = "shapefile"
)

// SPEC.md CMP-119g.
func init() {
	comparers[kindDBase] = (&arrayKind{
		kind: kindDBase,
		read: whole(ndarray.MaxData, dbase.ReadTable),
		same: "the same fields; only their order or when the table was changed differs",
	}).compare
	comparers[kindShapefile] = (&arrayKind{
		kind: kindShapefile,
		read: whole(ndarray.MaxData, dbase.ReadShapes),
		same: "the same shapes; only the boxes around them differ",
	}).compare
}
