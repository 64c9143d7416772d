package squashfs

import (
	"sync"

	"repro/format/tree"
)

// Caches is what Readers keep in memory of what they read: the Readers made of
// one have one bound for all of them. Goroutines may share it.
type Caches struct {
	metadata *cache[metadataBlock]
	listings *cache[[]tree.Name]

	mu   sync.Mutex
	data map[int]*blocks // by the size of blocks
}

// NewCaches returns empty caches.
func NewCaches() *Caches {
	return &Caches{
		metadata: newCache[metadataBlock](metadataCacheSize),
		listings: newCache[[]tree.Name](listingCacheSize),
		data:     map[int]*blocks{},
	}
}

// blocks returns the cache for blocks of a size. In general all file systems of
// one image have blocks of one size; other sizes get by with less.
func (c *Caches) blocks(size int) *blocks {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.data[size]
	if b == nil {
		bytes := dataCacheSize
		if len(c.data) > 0 {
			bytes = otherCacheSize
		}
		b = newBlocks(size, bytes)
		c.data[size] = b
	}
	return b
}
