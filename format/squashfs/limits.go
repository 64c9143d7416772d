package squashfs

// Bounds on file systems from outside, and on what is written. Nothing is
// allocated for a count before it is held against its bound and against the
// bytes that are there.
const (
	MaxInodes = 1 << 24
)
