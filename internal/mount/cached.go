package mount

// cachedContent is the content of a file whose bytes can be used in place, in a
// cache.
type cachedContent interface {
	// Lend returns up to n bytes from off on, at least one before the end of the
	// file if n is not 0, and a function to call when they are not needed any
	// more. It brings the unit around off into the cache.
	Lend(off int64, n int) (b []byte, release func(), err error)

	// Unit returns how many bytes are brought into the cache at once.
	Unit() int
}
