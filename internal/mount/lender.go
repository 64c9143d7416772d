package mount

// lender is content whose bytes can be had where they stand in a cache.
type lender interface {
	// Lend returns up to n bytes from off on, at least one before the end of
	// the file if n is not 0, and what to call when they are not needed any
	// more. It brings the unit around off into the cache.
	Lend(off int64, n int) (b []byte, give func(), err error)

	// Unit returns how many bytes are brought into the cache at once.
	Unit() int
}
