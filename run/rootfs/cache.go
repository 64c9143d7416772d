package rootfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"repro/format/manifest"
	"repro/internal/atomicfile"
	"repro/internal/filestat"
	"repro/internal/rmtree"
)

// The cache holds one directory for each image that was run:
//
//	<content id>-<root version>/
//	    root/       the extracted tree
//	    stamp       written last: the fingerprint of root
//	<content id>-<root version>.lock   held while it is made
//	<content id>-<root version>.use    held, shared, while runs use it: its bytes;
//	                                    its time says when it was used last
//
// What lies there is not believed because it lies there. The folder belongs
// to this user and is closed to others, and each use compares the name, kind,
// mode, size, inode and times of every file with those when it was extracted:
// whoever touched a file since changed its ctime, which no program can set.
const (
	cachedTree  = "root"
	cachedStamp = "stamp"
)

// Extraction writes what steps see to a directory that does not exist.
type Extraction func(ctx context.Context, dir string) error

// Cached returns a directory with the extracted tree of the image id, which
// stays until release is called. It extracts the tree unless the cache has one
// that nobody touched. Runs of one image that start at once extract it once. The
// cache keeps what was used last beside it, up to limit bytes; 0 stands for
// [DefaultCacheSize]. An empty cache stands for the user's own.
func Cached(ctx context.Context, cache string, limit int64, id manifest.Digest, extract Extraction) (root string, release func(), err error) {
	dir, err := cacheDir(cache)
	if err != nil {
		return "", nil, err
	}
	entry := filepath.Join(dir, fmt.Sprintf("%s-%d", strings.TrimPrefix(string(id), "sha256:"), Version))
	unlock, err := lockEntry(ctx, entry+".lock")
	if err != nil {
		return "", nil, err
	}
	defer unlock()
	use, err := useEntry(entry)
	if err != nil {
		return "", nil, err
	}
	release = func() {
		use.Close()
		evict(dir, limit)
	}
	if err := refresh(ctx, entry, use, extract); err != nil {
		release()
		return "", nil, err
	}
	now := time.Now()
	if err := os.Chtimes(use.Name(), now, now); err != nil { // entries are removed in this order
		release()
		return "", nil, err
	}
	evict(dir, limit)
	return filepath.Join(entry, cachedTree), release, nil
}

// refresh makes the entry unless it is intact. The caller uses it.
func refresh(ctx context.Context, entry string, use *os.File, extract Extraction) error {
	if isIntact(entry) {
		return nil
	}
	if _, err := os.Lstat(entry); err == nil && !lockFile(use, true) {
		return fmt.Errorf("cache: %s was touched, and another run uses it: wait for that, or run without --keep-layers", entry)
	}
	if err := rmtree.Remove(entry); err != nil {
		return fmt.Errorf("remove a damaged entry of the cache: %w", err)
	}
	if err := fill(ctx, entry, extract); err != nil {
		_ = rmtree.Remove(entry)
		return err
	}
	if err := os.WriteFile(use.Name(), strconv.AppendInt(nil, filestat.Size(entry), 10), 0o600); err != nil {
		return err
	}
	lockFile(use, false)
	return nil
}

// fill extracts the tree and, when all of it is there, stamps it.
func fill(ctx context.Context, entry string, extract Extraction) error {
	if err := os.Mkdir(entry, 0o700); err != nil {
		return err
	}
	dir := filepath.Join(entry, cachedTree)
	if err := extract(ctx, dir); err != nil {
		return err
	}
	sum, err := filestat.Fingerprint(dir)
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(entry, cachedStamp), []byte(manifest.DigestSum(sum)+"\n"), 0o600)
}

// isIntact reports whether an entry is complete and untouched since it was made.
func isIntact(entry string) bool {
	stamp, err := os.ReadFile(filepath.Join(entry, cachedStamp))
	if err != nil {
		return false
	}
	sum, err := filestat.Fingerprint(filepath.Join(entry, cachedTree))
	return err == nil && string(stamp) == string(manifest.DigestSum(sum))+"\n"
}

// cacheDir returns the folder of the cache, which only this user can enter.
func cacheDir(dir string) (string, error) {
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("cache: %w; name a folder for it", err)
		}
		dir = filepath.Join(base, "repro", "roots")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("cache: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if !info.IsDir() || !filestat.IsOurs(info) {
		return "", fmt.Errorf("cache %s: not a directory of this user's", dir)
	}
	return dir, os.Chmod(dir, 0o700)
}

// lockEntry keeps other runs from the entry whose lock file is name.
func lockEntry(ctx context.Context, name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("cache: %w", err)
	}
	f.Close()
	return atomicfile.Lock(ctx, name)
}
