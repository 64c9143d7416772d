package rootfs

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/progress"
	"repro/internal/stream"
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
	event := progress.Event{Task: "check " + rel, Total: info.Size(), Bytes: true}
	sum, _, err := stream.SHA256(ctx, f, func(n int) {
		event.Done += int64(n)
		p.Report(event)
	})
	if err != nil {
		return nil, err
	}
	if got := manifest.DigestSum(sum); got != x.Digest {
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
			checked := stream.Check(f, func(sum [sha256.Size]byte) error {
				if manifest.DigestSum(sum) != x.Digest {
					return fmt.Errorf("%s changed while it was read: %w", rel, ErrData)
				}
				return nil
			})
			return struct {
				io.Reader
				io.Closer
			}{checked, f}, nil
		},
	}, nil
}
