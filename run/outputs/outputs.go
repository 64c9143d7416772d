// Package outputs takes what a step leaves: its declared outputs and what it
// prints. Whoever wrote them may have had a bad reason, so nothing is opened but
// regular files, no link is followed, and everything has a bound. SPEC.md,
// RUN-21 and RUN-22.
package outputs

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"

	"repro/format/manifest"
	"repro/internal/filestat"
	"repro/internal/stream"
	"repro/report"
)

// Default bounds on what steps leave.
const (
	DefaultSize    = 32 << 30 // bytes of all outputs of a run
	DefaultLogSize = 64 << 20 // bytes of what one step prints
	maxFiles       = 1 << 20  // of all outputs of a run
)

// Collector copies declared outputs out of the directories in which steps left
// them. Goroutines may share it.
type Collector struct {
	mu    sync.Mutex
	to    *os.Root
	left  int64 // bytes
	files []report.OutputFile
}

// RefusedError says that an output is not of a kind, or size, that is collected.
type RefusedError struct{ name, why string }

func (e *RefusedError) Error() string { return fmt.Sprintf("output %q: %s", e.name, e.why) }

// NewCollector collects into dir, an existing directory, at most size bytes; 0
// stands for [DefaultSize]. The caller closes it.
func NewCollector(dir string, size int64) (*Collector, error) {
	to, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	if size == 0 {
		size = DefaultSize
	}
	return &Collector{to: to, left: size}, nil
}

// Add counts files that an earlier run collected into the same directory.
func (c *Collector) Add(files []report.OutputFile) {
	for _, f := range files {
		c.files = append(c.files, f)
		c.left -= f.Size
	}
}

// Close gives up the directory.
func (c *Collector) Close() { c.to.Close() }

// Collect copies the outputs called names, absolute paths of the steps' root,
// from the tree that a step wrote below dir. It returns the names of those that
// are missing. The error is a [*RefusedError] if one of them is refused; the
// others are collected all the same.
func (c *Collector) Collect(ctx context.Context, dir string, names []string) (missing []string, err error) {
	from, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	var problems []error
	for _, name := range names {
		err := c.one(ctx, from, name)
		switch refused := (*RefusedError)(nil); {
		case errors.Is(err, errAbsent):
			missing = append(missing, name)
		case errors.As(err, &refused):
			problems = append(problems, refused) // the others are still worth having
		case err != nil:
			return nil, fmt.Errorf("output %q: %w", name, err)
		}
	}
	if len(problems) > 0 {
		return missing, problems[0]
	}
	return missing, nil
}

var errAbsent = errors.New("output is not there")

func (c *Collector) one(ctx context.Context, from *os.Root, name string) error {
	rel := strings.TrimPrefix(name, "/")
	for dir := path.Dir(rel); dir != "."; dir = path.Dir(dir) {
		info, err := from.Lstat(dir)
		if err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return &RefusedError{name, fmt.Sprintf("/%s is a symbolic link; declare the place that it points to", dir)}
		}
	}
	info, err := from.Lstat(rel)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return errAbsent
	case err != nil:
		return err
	case filestat.IsWhiteout(info):
		return errAbsent
	}
	return c.tree(ctx, from, rel, info)
}

// tree copies a file, or a directory with all that is in it.
func (c *Collector) tree(ctx context.Context, from *os.Root, name string, info fs.FileInfo) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if filestat.IsWhiteout(info) {
		return nil // a file that the step removed
	}
	switch info.Mode().Type() {
	case 0:
		return c.file(ctx, from, name, info)
	case fs.ModeDir:
		return c.dir(ctx, from, name)
	}
	return &RefusedError{"/" + name, kindOf(info.Mode()) + " cannot be an output: only regular files and directories can"}
}

func (c *Collector) dir(ctx context.Context, from *os.Root, name string) error {
	if err := c.mkdir(name); err != nil {
		return err
	}
	f, err := openOwn(from, name, 0o500)
	if err != nil {
		return err
	}
	entries, err := f.ReadDir(maxFiles + 1)
	f.Close()
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if len(entries) > maxFiles {
		return &RefusedError{"/" + name, "too many files"}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, e := range entries {
		at := path.Join(name, e.Name())
		info, err := from.Lstat(at)
		if err != nil {
			return err
		}
		if err := c.tree(ctx, from, at, info); err != nil {
			return err
		}
	}
	return nil
}

func (c *Collector) file(ctx context.Context, from *os.Root, name string, info fs.FileInfo) error {
	if err := c.reserve(name, info.Size()); err != nil {
		return err
	}
	if err := c.mkdir(path.Dir(name)); err != nil {
		return err
	}
	src, err := openOwn(from, name, 0o400)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := c.to.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer dst.Close()
	sum := sha256.New()
	n, err := stream.CopySparse(dst, io.TeeReader(stream.Until(ctx, io.LimitReader(src, info.Size())), sum))
	if err == nil {
		err = dst.Close()
	}
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files = append(c.files, report.OutputFile{Path: "/" + name, Size: n, Digest: manifest.DigestSum([32]byte(sum.Sum(nil)))})
	return nil
}

// reserve counts one more file of the given size.
func (c *Collector) reserve(name string, size int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if size > c.left {
		return &RefusedError{"/" + name, fmt.Sprintf("%d bytes, more than the %d that are left of what all outputs may have", size, c.left)}
	}
	if len(c.files) >= maxFiles {
		return &RefusedError{"/" + name, "too many files"}
	}
	c.left -= size
	return nil
}

func (c *Collector) mkdir(name string) error {
	if name == "." {
		return nil
	}
	return c.to.MkdirAll(name, 0o755)
}

// Files returns what was collected so far, in the order of paths.
func (c *Collector) Files() []report.OutputFile {
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.SortFunc(c.files, func(a, b report.OutputFile) int { return strings.Compare(a.Path, b.Path) })
	return slices.Clone(c.files)
}

// openOwn opens a file or directory that the step may have made unreadable.
// Its mode is no secret of anyone's: the file belongs to the run.
func openOwn(from *os.Root, name string, need fs.FileMode) (*os.File, error) {
	const flags = os.O_RDONLY | filestat.PlainFile
	f, err := from.OpenFile(name, flags, 0)
	if errors.Is(err, fs.ErrPermission) {
		if err := from.Chmod(name, need); err != nil {
			return nil, err
		}
		f, err = from.OpenFile(name, flags, 0)
	}
	return f, err
}

// Digest returns digest and size of a regular file below root; a link is none.
func Digest(ctx context.Context, root *os.Root, name string) (manifest.Digest, int64, error) {
	if info, err := root.Lstat(name); err != nil || !info.Mode().IsRegular() { // a root follows links that stay in it
		return "", 0, errors.Join(err, fs.ErrInvalid)
	}
	f, err := root.OpenFile(name, os.O_RDONLY|filestat.PlainFile, 0)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", 0, errors.Join(err, fs.ErrInvalid)
	}
	sum := sha256.New()
	n, err := io.Copy(sum, stream.Until(ctx, f))
	return manifest.DigestSum([32]byte(sum.Sum(nil))), n, err
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}
