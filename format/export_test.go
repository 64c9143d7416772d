package format

// For the tests outside of the package.
const (
	DataPartition = dataPartition
	HashBLAKE2b   = hashBLAKE2b
	MaxSignature  = maxSignature
)

// Padding is padding, for tests.
var Padding = padding
