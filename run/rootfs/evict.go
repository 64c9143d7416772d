package rootfs

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"repro/internal/rmtree"
)

// DefaultCacheSize bounds the cache of extracted layers.
const DefaultCacheSize = 16 << 30

const useSuffix = ".use"

// useEntry takes an entry of the cache into use, until the file is closed: no
// other run removes it meanwhile.
func useEntry(entry string) (*os.File, error) {
	f, err := os.OpenFile(entry+useSuffix, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	lockFile(f, false)
	return f, nil
}

// evict removes from the cache in dir what was not used for longest, until the
// rest has at most limit bytes. What is in use stays, and so does what cannot
// be removed: the next run tries again.
func evict(dir string, limit int64) {
	if limit == 0 {
		limit = DefaultCacheSize
	}
	type entry struct {
		use  string
		size int64
		last time.Time
	}
	var all []entry
	var total int64
	names, _ := filepath.Glob(filepath.Join(dir, "*"+useSuffix))
	for _, name := range names {
		b, err := os.ReadFile(name)
		info, statErr := os.Stat(name)
		size, numErr := strconv.ParseInt(string(b), 10, 64)
		if err != nil || statErr != nil || numErr != nil || size <= 0 {
			continue // removed, or being made
		}
		all = append(all, entry{name, size, info.ModTime()})
		total += size
	}
	slices.SortFunc(all, func(a, b entry) int { return a.last.Compare(b.last) })
	for _, e := range all {
		if total <= limit {
			return
		}
		if removeEntry(e.use) {
			total -= e.size
		}
	}
}

// removeEntry removes the entry whose use file is called name, unless a run
// uses it.
func removeEntry(name string) bool {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	return lockFile(f, true) && rmtree.Remove(strings.TrimSuffix(name, useSuffix)) == nil && f.Truncate(0) == nil
}
