package fetch

import (
	"context"
	"crypto/md5" // what repositories state
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"

	"repro/format/manifest"
	"repro/internal/stream"
	"repro/publish/stranger"
)

// ErrRecord is in the error about a file that is not the one that a repository states.
var ErrRecord = errors.New("not the file of the deposit")

// hashes are the algorithms of checksums that repositories state.
var hashes = map[string]func() hash.Hash{"md5": md5.New, "sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}

// Fetch brings files of the record to dir: those of these names, or all. What is
// there and right is left alone; what was cut off goes on. A file gets its name when
// it has the size and the checksum that the repository states. Those that it states
// no checksum of are marked. The report names every file, the error all that failed.
func (r *Record) Fetch(ctx context.Context, dir string, names []string, o Options) ([]File, error) {
	o.Client = r.client
	for _, n := range names {
		if !slices.ContainsFunc(r.Files, func(f RecordFile) bool { return f.Name == n }) {
			return nil, fmt.Errorf("doi:%s: has no file called %q", r.DOI, n)
		}
	}
	var report []File
	var wrong []error
	for _, x := range r.Files {
		if len(names) > 0 && !slices.Contains(names, x.Name) {
			continue
		}
		f := File{Path: x.Name, Source: x.address, Unchecked: hashes[x.Algorithm] == nil || x.Checksum == ""}
		err := ctx.Err()
		if err == nil {
			err = x.fetch(ctx, filepath.Join(dir, filepath.FromSlash(x.Name)), &f, o)
		}
		if err != nil {
			f.Problem = err.Error()
			wrong = append(wrong, fmt.Errorf("%s: %w", x.Name, err))
		}
		report = append(report, f)
	}
	return report, errors.Join(wrong...)
}

func (x RecordFile) fetch(ctx context.Context, name string, f *File, o Options) error {
	if info, err := os.Stat(name); err == nil {
		if err := x.check(ctx, name); err != nil {
			return fmt.Errorf("there is one of this name: %w", err)
		}
		f.Size, f.Already = info.Size(), true
		return nil
	}
	if err := o.allowed(x.address); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	part := partOf(name)
	if err := x.download(ctx, part, o); err != nil {
		return err
	}
	f.Size = x.Size
	return os.Rename(part, name)
}

// download brings the file to part until it is whole: what was cut off goes on, what
// came wrong is brought once more from its start.
func (x RecordFile) download(ctx context.Context, part string, o Options) error {
	if x.Size == 0 { // or none is stated: then the checksum is not that of nothing
		if err := os.WriteFile(part, nil, 0o666); err != nil {
			return err
		}
		if err := x.check(ctx, part); err != nil {
			return errors.Join(err, os.Remove(part))
		}
		return nil
	}
	want := manifest.External{Size: x.Size}
	again := false
	for failures, last := 0, int64(-1); ; {
		_, err := download(stranger.Large(ctx), x.address, part, want, x.Name, o)
		if err == nil {
			if err = x.check(ctx, part); err == nil {
				return nil
			}
			if gone := os.Remove(part); gone != nil || again {
				return errors.Join(err, gone)
			}
			again = true
			continue
		}
		if ctx.Err() != nil || !mayPass(err) {
			return err
		}
		if info, statErr := os.Stat(part); statErr == nil && info.Size() > last {
			failures, last = 0, info.Size()
		}
		if failures++; failures == maxTries {
			return err
		}
		if err := pause(ctx, failures, err); err != nil {
			return err
		}
	}
}

// check holds a file against what the repository states.
func (x RecordFile) check(ctx context.Context, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return errors.Join(err, errors.New("not a regular file"))
	}
	if info.Size() != x.Size {
		return fmt.Errorf("%w: %d bytes, the repository states %d", ErrRecord, info.Size(), x.Size)
	}
	if hashes[x.Algorithm] == nil || x.Checksum == "" {
		return nil
	}
	h := hashes[x.Algorithm]()
	if _, err := io.Copy(h, stream.Until(ctx, f)); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != x.Checksum {
		return fmt.Errorf("%w: its %s is %s, the repository states %.128s", ErrRecord, x.Algorithm, got, x.Checksum)
	}
	return nil
}
