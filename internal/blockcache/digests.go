package blockcache

import (
	"crypto/sha256"
	"os"
	"path/filepath"
)

// Digests of files lie in one file, DIR/digests: CRC-32C over 32
// zeros and all that follows; then for each file SHA-256 over its stamp, and
// its digest. A stamp is what
// the system says of a file: device, inode, size, and when it was changed. The
// next build believes that a file with the same stamp has the same content, as
// make and git do, and does not read it. A file that was changed without a
// trace in its times is caught only if it is read for another reason.
const (
	digestsName = "digests"
	digestsTag  = "repro digests 1"
	maxDigests  = 1 << 20
)

type digest struct {
	sum  [32]byte
	used bool // in this build
}

// Digest returns the digest of the file that has a stamp.
func (c *Cache) Digest(stamp string) (sum [32]byte, ok bool) {
	key := stampKey(stamp)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.loadDigests()
	d := c.digests[key]
	if d == nil {
		return sum, false
	}
	d.used = true
	return d.sum, true
}

// KeepDigest notes the digest of the file that has a stamp.
func (c *Cache) KeepDigest(stamp string, sum [32]byte) {
	key := stampKey(stamp)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.loadDigests()
	c.digests[key] = &digest{sum: sum, used: true}
	c.newDigests = true
}

func stampKey(stamp string) [32]byte { return sha256.Sum256([]byte(digestsTag + stamp)) }

// loadDigests reads the file once. One that is damaged is as good as none.
func (c *Cache) loadDigests() {
	if c.digests != nil {
		return
	}
	c.digests = map[[32]byte]*digest{}
	name := filepath.Join(c.dir, digestsName)
	if info, err := os.Stat(name); err != nil || info.Size() > 64*maxDigests+sumSize {
		return
	}
	b, err := os.ReadFile(name)
	if err != nil || len(b)%64 != sumSize {
		return
	}
	list := b[sumSize:]
	if sum([32]byte{}, list) != [sumSize]byte(b) {
		return
	}
	for ; len(list) > 0; list = list[64:] {
		c.digests[[32]byte(list)] = &digest{sum: [32]byte(list[32:])}
	}
}

// saveDigests writes those of this build, and of others as many as may be.
func (c *Cache) saveDigests() error {
	if !c.newDigests {
		return nil
	}
	var b []byte
	for _, used := range []bool{true, false} {
		for key, d := range c.digests {
			if d.used == used && len(b) < 64*maxDigests {
				b = append(append(b, key[:]...), d.sum[:]...)
			}
		}
	}
	return c.write(filepath.Join(c.dir, digestsName), sum([32]byte{}, b), b)
}
