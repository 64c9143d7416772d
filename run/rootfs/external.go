package rootfs

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/progress"
)

// ErrData is what every error wraps that says that data which the image only
// names are not there, or are not those that it names.
var ErrData = errors.New("data that the image names are missing or differ")

// Data returns the files that the image only names, by their paths, from a
// folder of the machine's. The error names all that are missing or differ.
func Data(ctx context.Context, m *manifest.Manifest, folder string, p progress.Func) (map[string]*tree.Node, error) {
	var wrong []error
	data := map[string]*tree.Node{}
	for _, x := range m.External {
		n, err := external(ctx, x, m.Paper.Date, folder, p)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		data[x.Path] = n
	}
	if len(wrong) == 0 {
		return data, nil
	}
	return nil, fmt.Errorf("%w: %w", ErrData, errors.Join(wrong...))
}

// external checks one file and returns it as a node whose content is checked
// again when it is read.
func external(ctx context.Context, x manifest.External, published, folder string, p progress.Func) (*tree.Node, error) {
	rel := strings.TrimPrefix(x.Path, "/paper/")
	if folder == "" {
		return nil, fmt.Errorf("%s is kept at %s: no folder was named that holds it", rel, x.Source)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.Open(filepath.FromSlash(rel))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not in %s; it is kept at %s", rel, folder, x.Source)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s in %s is not a file", rel, folder)
	}
	h := sha256.New()
	for done := int64(0); ; {
		n, err := io.CopyN(h, f, 16<<20)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		done += n
		p.Report(progress.Event{Task: "check " + rel, Done: done, Total: info.Size(), Bytes: true})
		if ctx.Err() != nil || err != nil {
			break
		}
	}
	if got := manifest.DigestSum([sha256.Size]byte(h.Sum(nil))); got != x.Digest {
		return nil, fmt.Errorf("%s in %s is not the file that the image names: its digest is %s, want %s", rel, folder, got, x.Digest)
	}
	date, err := time.Parse(time.RFC3339, published)
	if err != nil {
		return nil, err
	}
	return &tree.Node{
		Mode: 0o644, Size: info.Size(), ModTime: date.Unix(),
		Open: func() (io.ReadCloser, error) {
			root, err := os.OpenRoot(folder)
			if err != nil {
				return nil, err
			}
			defer root.Close()
			f, err := root.Open(filepath.FromSlash(rel))
			if err != nil {
				return nil, err
			}
			return &checkedFile{f, sha256.New(), x.Digest, rel}, nil
		},
	}, nil
}

// checkedFile fails at its end if what was read is not what was promised.
type checkedFile struct {
	io.ReadCloser
	sum  hash.Hash
	want manifest.Digest
	name string
}

func (f *checkedFile) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	f.sum.Write(p[:n])
	if errors.Is(err, io.EOF) && manifest.DigestSum([sha256.Size]byte(f.sum.Sum(nil))) != f.want {
		return n, fmt.Errorf("%s changed while it was read: %w", f.name, ErrData)
	}
	return n, err
}
