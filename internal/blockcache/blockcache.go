// Package blockcache keeps compressed blocks of layers from one build to the
// next, in a folder of this user's:
//
//	DIR/ab/cdef…    the entry of key abcdef…: CRC-32C over key and value, then
//	                the value
//
// The folder belongs to this user and is closed to all others: whoever can
// write there could choose the bytes of the next image, and no sum in the
// entry itself would keep them from it. What befalls it by accident does no
// harm, and for that a CRC is enough, at a tenth of the cost of SHA-256: an
// entry that is cut short, damaged or moved to another key is as good as none.
// Entries appear whole; builds that run at once may share a folder.
//
// The 256 folders have equal shares of the room. One that was written to and
// has more than its share loses the entries that were used least lately, so
// the work of a build depends on what it wrote and not on what was kept.
package blockcache

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// DefaultMax is how many bytes a cache holds where nobody says.
const DefaultMax = 10 << 30

// fresh is how old the time of an entry may be before a use renews it.
const fresh = time.Hour

// Cache is a folder of entries. Goroutines may share it.
type Cache struct {
	dir string
	max int64

	mu      sync.Mutex
	err     error // the first of a write; there are no more writes then
	written [256]bool

	digests    map[[32]byte]*digest // by SHA-256 of the stamp; nil: not read yet
	newDigests bool
}

// Open opens the cache in dir, making it where there is none, and closes the
// folder to other users. It refuses one that belongs to somebody else.
func Open(dir string, max int64) (*Cache, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() || !ownedByUs(info) {
		return nil, fmt.Errorf("%s: not a folder of this user's", dir)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(dir, 0o700); err != nil {
			return nil, err
		}
	}
	return &Cache{dir: dir, max: max}, nil
}

// Get returns the value of key, in buf if it has room, or false if there is
// none that is sound. No value is larger than buf's capacity.
func (c *Cache) Get(key [32]byte, buf []byte) ([]byte, bool) {
	f, err := os.Open(c.name(key))
	if err != nil {
		return nil, false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, false
	}
	size := info.Size() - sumSize
	if size < 0 || size > int64(cap(buf)) {
		return nil, false
	}
	var want [sumSize]byte
	buf = buf[:size]
	if _, err := io.ReadFull(f, want[:]); err != nil {
		return nil, false
	}
	if _, err := io.ReadFull(f, buf); err != nil || sum(key, buf) != want {
		return nil, false
	}
	if now := time.Now(); now.Sub(info.ModTime()) > fresh {
		_ = os.Chtimes(f.Name(), now, now) // only makes it go sooner
	}
	return buf, true
}

// Put keeps value under key. That it could not is what Close says.
func (c *Cache) Put(key [32]byte, value []byte) {
	c.mu.Lock()
	stop := c.err != nil
	c.mu.Unlock()
	if stop {
		return
	}
	err := c.write(c.name(key), sum(key, value), value)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.written[key[0]] = true
	if c.err == nil {
		c.err = err
	}
}

// write does not flush to the disk: what a crash leaves behind is not sound,
// and so is not used.
func (c *Cache) write(name string, sum [sumSize]byte, value []byte) (err error) {
	dir := filepath.Dir(name)
	f, err := os.CreateTemp(dir, partial+"*")
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		f, err = os.CreateTemp(dir, partial+"*")
	}
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(append(sum[:], value...))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// Close makes room where entries were added and returns the first error of a
// write. The cache is worth less then, and what was built is as good as ever.
func (c *Cache) Close() error {
	c.err = errors.Join(c.err, c.saveDigests())
	for i, written := range c.written {
		if written {
			c.err = errors.Join(c.err, prune(filepath.Join(c.dir, fmt.Sprintf("%02x", i)), c.max/256))
		}
	}
	return c.err
}

func (c *Cache) name(key [32]byte) string {
	name := hex.EncodeToString(key[:])
	return filepath.Join(c.dir, name[:2], name[2:])
}

// sumSize is how many bytes in front of a value hold its sum.
const sumSize = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sum(key [32]byte, value []byte) (sum [sumSize]byte) {
	crc := crc32.Update(crc32.Checksum(key[:], castagnoli), castagnoli, value)
	binary.LittleEndian.PutUint32(sum[:], crc)
	return sum
}
