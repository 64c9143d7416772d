package squashfs

// Bounds on file systems from outside (SQ-20); the first two also on what is
// written.
// Nothing is allocated for a count before it is held against its bound and,
// where it counts something stored, against the bytes that are there.
const (
	MaxInodes     = 1 << 22  // files of every kind
	MaxNames      = 1 << 22  // entries of all directories
	MaxBlocks     = 1 << 24  // blocks of one file: 2 TiB at 128 KiB
	MaxFragments  = 1 << 24  //
	MaxDepth      = 2048     // directories in directories
	MaxListing    = 1 << 28  // bytes in one directory's listing
	MaxXattrBytes = 1 << 20  // names and values of one file
	MaxXattrTotal = 64 << 20 // of all sets in a tree
	maxLinks      = 40       // symbolic links that one lookup follows, as in Linux
)

// Bytes that [Caches] keep decompressed.
const (
	dataCacheSize     = 32 << 20 // of blocks of the size that came first
	otherCacheSize    = 2 << 20  // of blocks of each other size
	metadataCacheSize = 8 << 20
	listingCacheSize  = 8 << 20
)
