package compare

import "repro/internal/rdata"

const kindRData = "rdata"

func init() {
	comparers[kindRData] = (&arrayKind{
		kind: kindRData,
		read: rdata.Read,
		same: "the same objects; only their packing, the order of attributes or R's version differs",
	}).compare
}
