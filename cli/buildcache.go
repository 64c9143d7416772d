package cli

import (
	"os"
	"path/filepath"

	"repro/internal/blockcache"
)

// openBuildCache opens the cache of compressed blocks, if one is wanted. A
// build goes on without one that cannot be used.
func (c *console) openBuildCache(wanted bool, dir string) *blockcache.Cache {
	if !wanted && dir == "" {
		return nil
	}
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			c.note("warning: built without a cache: %v; name a folder with --cache-dir", err)
			return nil
		}
		dir = filepath.Join(base, "repro", "build")
	}
	cache, err := blockcache.Open(dir, blockcache.DefaultMax)
	if err != nil {
		c.note("warning: built without a cache: %v", err)
		return nil
	}
	return cache
}

// closeBuildCache says if the next build will find less than it could.
func (c *console) closeBuildCache(cache *blockcache.Cache) {
	if cache == nil {
		return
	}
	if err := cache.Close(); err != nil {
		c.note("warning: not all was kept in the cache: %v", err)
	}
}
