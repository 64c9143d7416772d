package run

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
	"repro/report"
)

// maxOutputFiles bounds how many files the outputs of one run may be.
const maxOutputFiles = 1 << 20

// collector copies declared outputs out of the directories in which steps left
// them. It opens nothing that is not a regular file and follows no link:
// whoever wrote there may have had a bad reason.
type collector struct {
	mu    sync.Mutex
	to    *os.Root
	left  int64 // bytes
	files []report.OutputFile
}

// outputError says that an output is not of a kind, or size, that is kept.
type outputError struct{ name, why string }

func (e *outputError) Error() string { return fmt.Sprintf("output %q: %s", e.name, e.why) }

func newCollector(dir string, size int64) (*collector, error) {
	to, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	if size == 0 {
		size = DefaultOutputSize
	}
	return &collector{to: to, left: size}, nil
}

// take counts files that are there already.
func (c *collector) take(files []report.OutputFile) {
	for _, f := range files {
		c.files = append(c.files, f)
		c.left -= f.Size
	}
}

func (c *collector) close() { c.to.Close() }

// collect copies the outputs called names, absolute paths of the steps' root,
// from the tree that a step wrote below dir. It returns those that are not
// there.
func (c *collector) collect(ctx context.Context, dir string, names []string) (missing []string, err error) {
	from, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	var problems []error
	for _, name := range names {
		err := c.one(ctx, from, name)
		switch refused := (*outputError)(nil); {
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

func (c *collector) one(ctx context.Context, from *os.Root, name string) error {
	rel := strings.TrimPrefix(name, "/")
	for dir := path.Dir(rel); dir != "."; dir = path.Dir(dir) {
		info, err := from.Lstat(dir)
		if err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return &outputError{name, fmt.Sprintf("/%s is a symbolic link; declare the place that it points to", dir)}
		}
	}
	info, err := from.Lstat(rel)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return errAbsent
	case err != nil:
		return err
	case isWhiteout(info):
		return errAbsent
	}
	return c.tree(ctx, from, rel, info)
}

// tree copies a file, or a directory with all that is in it.
func (c *collector) tree(ctx context.Context, from *os.Root, name string, info fs.FileInfo) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if isWhiteout(info) {
		return nil // a file that the step removed
	}
	switch info.Mode().Type() {
	case 0:
		return c.file(ctx, from, name, info)
	case fs.ModeDir:
		return c.dir(ctx, from, name)
	}
	return &outputError{"/" + name, kindOf(info.Mode()) + " cannot be an output: only regular files and directories can"}
}

func (c *collector) dir(ctx context.Context, from *os.Root, name string) error {
	if err := c.mkdir(name); err != nil {
		return err
	}
	f, err := openOwn(from, name, 0o500)
	if err != nil {
		return err
	}
	entries, err := f.ReadDir(maxOutputFiles + 1)
	f.Close()
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if len(entries) > maxOutputFiles {
		return &outputError{"/" + name, "too many files"}
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

func (c *collector) file(ctx context.Context, from *os.Root, name string, info fs.FileInfo) error {
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
	n, err := io.Copy(io.MultiWriter(dst, sum), contextReader{ctx, io.LimitReader(src, info.Size())})
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
func (c *collector) reserve(name string, size int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if size > c.left {
		return &outputError{"/" + name, fmt.Sprintf("%d bytes, more than the %d that are left of what all outputs may have", size, c.left)}
	}
	if len(c.files) >= maxOutputFiles {
		return &outputError{"/" + name, "too many files"}
	}
	c.left -= size
	return nil
}

func (c *collector) mkdir(name string) error {
	if name == "." {
		return nil
	}
	return c.to.MkdirAll(name, 0o755)
}

// sorted returns what was collected, in the order of paths.
func (c *collector) sorted() []report.OutputFile {
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.SortFunc(c.files, func(a, b report.OutputFile) int { return strings.Compare(a.Path, b.Path) })
	return slices.Clone(c.files)
}

// openOwn opens a file or directory that the step may have made unreadable.
// Its mode is no secret of anyone's: the file belongs to the run.
func openOwn(from *os.Root, name string, need fs.FileMode) (*os.File, error) {
	const flags = os.O_RDONLY | plainFile
	f, err := from.OpenFile(name, flags, 0)
	if errors.Is(err, fs.ErrPermission) {
		if err := from.Chmod(name, need); err != nil {
			return nil, err
		}
		f, err = from.OpenFile(name, flags, 0)
	}
	return f, err
}

// digestFile returns digest and size of a regular file below root.
func digestFile(ctx context.Context, root *os.Root, name string) (manifest.Digest, int64, error) {
	f, err := root.OpenFile(name, os.O_RDONLY|plainFile, 0)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", 0, errors.Join(err, fs.ErrInvalid)
	}
	sum := sha256.New()
	n, err := io.Copy(sum, contextReader{ctx, f})
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

// contextReader stops a copy when its context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
