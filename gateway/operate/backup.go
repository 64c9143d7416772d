package operate

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"repro/gateway/store"
	"repro/internal/atomicfile"
)

// sumsName is the last entry of a backup: the SHA-256 of all others.
const sumsName = "SHA256SUMS"

// maxSums is how long that can be, in bytes.
const maxSums = 256 << 20

// keptFiles are what a gateway has beside its database, images and runs.
var keptFiles = []string{"secret.key", "providers.json", "venue-keys"}

// Backup writes all that a gateway knows as a tar archive, while it works: the
// database as it is at one moment, and every image and record of a run that is in
// it, none of which changes any more. What is under way then, an upload or a run,
// begins again after a restoration.
func Backup(ctx context.Context, s *store.Store, runs string, out io.Writer) error {
	dir, err := os.MkdirTemp(s.Dir(), "backup-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := s.Snapshot(ctx, dir); err != nil {
		return err
	}
	snapshot, err := store.Open(ctx, dir, store.Options{})
	if err != nil {
		return err
	}
	files, err := snapshot.Files(ctx)
	if err := errors.Join(err, snapshot.Close()); err != nil {
		return err
	}
	b := &backup{ctx: ctx, tar: tar.NewWriter(out)}
	if err := b.add(dir, store.DatabaseName); err != nil {
		return err
	}
	for _, name := range slices.Concat(keptFiles, files.Images) {
		if err := b.tree(s.Dir(), name); err != nil {
			return err
		}
	}
	for _, id := range files.Runs {
		if err := b.tree(s.Dir(), path.Join(runs, id)); err != nil {
			return err
		}
	}
	return b.close()
}

type backup struct {
	ctx  context.Context
	tar  *tar.Writer
	sums strings.Builder
}

// tree adds a file, or the regular files of a folder, if it is there.
func (b *backup) tree(root, name string) error {
	err := filepath.WalkDir(filepath.Join(root, filepath.FromSlash(name)), func(at string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(root, at)
		if err != nil {
			return err
		}
		return b.add(root, filepath.ToSlash(rel))
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (b *backup) add(root, name string) error {
	if err := b.ctx.Err(); err != nil {
		return err
	}
	f, err := os.Open(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := b.tar.WriteHeader(&tar.Header{Name: name, Mode: int64(info.Mode().Perm()), Size: info.Size(), ModTime: info.ModTime(), Format: tar.FormatPAX}); err != nil {
		return err
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(b.tar, h), io.LimitReader(f, info.Size()))
	if err == nil && n != info.Size() {
		err = fmt.Errorf("%s: has become shorter", name)
	}
	fmt.Fprintf(&b.sums, "%x  %s\n", h.Sum(nil), name)
	return err
}

func (b *backup) close() error {
	sums := b.sums.String()
	if err := b.tar.WriteHeader(&tar.Header{Name: sumsName, Mode: 0o600, Size: int64(len(sums)), Format: tar.FormatPAX}); err != nil {
		return err
	}
	if _, err := io.WriteString(b.tar, sums); err != nil {
		return err
	}
	return b.tar.Close()
}

// Restore makes the folder of a gateway of a backup. The folder must not be
// there. It appears when all of the backup was read, each file has the digest
// that the backup states, and the chain of its audit log holds. With the address
// of a database of PostgreSQL, which must have no gateway's data, what the backup's
// database holds goes there.
func Restore(ctx context.Context, dir, database string, in io.Reader) error {
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: is there already: a backup is restored to a folder of its own", dir)
	}
	partial, err := os.MkdirTemp(filepath.Dir(filepath.Clean(dir)), ".restore-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(partial)
	if err := unpack(ctx, partial, in); err != nil {
		return err
	}
	s, err := store.Open(ctx, partial, store.Options{})
	if err != nil {
		return err
	}
	_, err = s.Audit(ctx, func(store.Entry) error { return nil })
	files, listErr := s.Files(ctx)
	if err := errors.Join(err, listErr, s.Close()); err != nil {
		return err
	}
	for _, name := range files.Images {
		if _, err := os.Stat(filepath.Join(partial, filepath.FromSlash(name))); err != nil {
			return fmt.Errorf("backup: lacks an image: %w", err)
		}
	}
	if database != "" {
		if err := load(ctx, partial, database); err != nil {
			return err
		}
	}
	if err := atomicfile.FlushTree(partial); err != nil {
		return err
	}
	return os.Rename(partial, dir)
}

// load moves what the database in dir holds to another.
func load(ctx context.Context, dir, database string) error {
	old, err := os.MkdirTemp(dir, "old-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(old)
	for _, end := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(filepath.Join(dir, store.DatabaseName+end), filepath.Join(old, store.DatabaseName+end)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	from, err := store.Open(ctx, old, store.Options{})
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := store.Open(ctx, dir, store.Options{Database: database})
	if err != nil {
		return err
	}
	return errors.Join(to.Load(ctx, from), to.Close())
}

func unpack(ctx context.Context, dir string, in io.Reader) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	var sums strings.Builder
	for r := tar.NewReader(in); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return errors.New("backup: ends before its sums: it is not whole")
		}
		if err != nil {
			return fmt.Errorf("backup: %w", err)
		}
		if h.Name == sumsName {
			b, err := io.ReadAll(io.LimitReader(r, maxSums))
			if err == nil && string(b) != sums.String() {
				err = errors.New("backup: a file has not the digest that it states")
			}
			return err
		}
		sum, err := unpackOne(root, h, r)
		if err != nil {
			return fmt.Errorf("backup: %q: %w", h.Name, err)
		}
		fmt.Fprintf(&sums, "%s  %s\n", sum, h.Name)
	}
}

func unpackOne(root *os.Root, h *tar.Header, r io.Reader) (sum string, err error) {
	if h.Typeflag != tar.TypeReg || !filepath.IsLocal(filepath.FromSlash(h.Name)) || path.Clean(h.Name) != h.Name {
		return "", errors.New("is no regular file within the folder")
	}
	name := filepath.FromSlash(h.Name)
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return "", err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	sha := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, sha), r)
	return hex.EncodeToString(sha.Sum(nil)), errors.Join(err, f.Close())
}
