package tree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"repro/internal/progress"
)

// ExtractOptions say how [Extract] makes files. The zero value makes what any
// user can make: owners, devices and extended attributes are left aside.
type ExtractOptions struct {
	Owners  bool // set user and group, which takes privileges
	Devices bool // make device files, which takes privileges
	Xattrs  bool // set extended attributes; some take privileges

	// Skipped is told what was not made, or not made whole: a device without
	// Devices, an extended attribute that the file system refuses. It may be
	// called from several goroutines.
	Skipped func(name string, n *Node, why error)

	Workers  int // goroutines that write; 0: one a processor
	Progress progress.Func
	Task     string // named in progress; "": "extract"
}

// Extract makes the tree below root in the folder dir, which is made or must
// be empty. Modes and times are set whatever the umask is; hard links stay
// links. Nothing is made outside dir, whatever the tree's names and links say.
// After an error or the end of ctx, what was made so far is left for the
// caller to remove. Errors name the file.
func Extract(ctx context.Context, root *Node, dir string, o ExtractOptions) error {
	if !root.IsDir() {
		return errors.New("extract: the root of a tree must be a directory")
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Task == "" {
		o.Task = "extract"
	}
	top, err := openEmpty(dir)
	if err != nil {
		return err
	}
	defer top.Close()
	x := extractor{o: o, top: top, made: map[*Node]string{}, jobs: make(chan []fileJob, o.Workers)}
	return x.run(ctx, root)
}

func openEmpty(dir string) (*os.Root, error) {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	if len(list) > 0 {
		return nil, &fs.PathError{Op: "extract", Path: dir, Err: errors.New("folder is not empty")}
	}
	return os.OpenRoot(dir)
}

type extractor struct {
	o     ExtractOptions
	top   *os.Root
	made  map[*Node]string // first name of what has several
	links []link           // to be made when all files are
	dirs  []*folder        // each before what it holds
	batch batch
	jobs  chan []fileJob
	meter meter

	defaults defaults
}

type named struct {
	name string
	node *Node
}

type link struct{ first, name string }

// run makes directories, links and special files in one goroutine and regular
// files in others, then hard links. What a directory itself looks like is set
// when all is in it, since it may not be writable in the end: where hard links
// come, last of all, deepest first.
func (x *extractor) run(ctx context.Context, root *Node) error {
	x.meter = meter{f: x.o.Progress, task: x.o.Task}
	if x.o.Progress != nil {
		x.meter.total = totalSize(root)
	}
	g, gctx := errgroup.WithContext(ctx)
	for range x.o.Workers {
		g.Go(func() error { return x.work(gctx) })
	}
	g.Go(func() error {
		defer close(x.jobs)
		in, err := openPlace(x.top, ".")
		if err != nil {
			return err
		}
		if err := x.directory(gctx, newFolder(named{"", root}, in, nil)); err != nil {
			return err
		}
		return x.flush(gctx)
	})
	if err := g.Wait(); err != nil {
		x.abandonAll()
		return err
	}
	for _, l := range x.links {
		if err := x.top.Link(l.first, l.name); err != nil {
			return err
		}
	}
	for _, f := range slices.Backward(x.dirs) {
		if f.late {
			if err := ctxErr(ctx, x.finishDir(f.named)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *extractor) work(ctx context.Context) error {
	buf := make([]byte, 256<<10)
	for files := range x.jobs {
		for i, j := range files {
			err := ctx.Err()
			if err == nil {
				err = x.file(ctx, j, buf)
			}
			if left := x.leave(j.in); err == nil {
				err = left
			}
			if err != nil {
				abandon(files[i+1:])
				return err
			}
		}
	}
	return nil
}

// file makes a regular file. Long runs of zeros become holes.
func (x *extractor) file(ctx context.Context, j fileJob, buf []byte) error {
	base := path.Base(j.name)
	src, err := j.node.Content()
	if err != nil {
		return nameError(j.name, err)
	}
	defer src.Close()
	f, err := j.in.create(base, firstMode(j.node))
	if err != nil {
		return nameError(j.name, err)
	}
	if err = errors.Join(x.fill(ctx, j, f, src, buf), f.Close()); err != nil {
		return nameError(j.name, err)
	}
	return nil
}

// fill gives a new file its content and what attributes gives others.
func (x *extractor) fill(ctx context.Context, j fileJob, f newFile, src io.Reader, buf []byte) error {
	n := j.node
	w := sparseWriter{f: f, ctx: ctx, meter: &x.meter}
	if _, err := io.CopyBuffer(&w, src, buf); err != nil {
		return err
	}
	if w.at != n.Size {
		return fmt.Errorf("%d bytes instead of %d", w.at, n.Size)
	}
	if err := w.end(); err != nil {
		return err
	}
	if err := x.setFileOwner(n, f); err != nil {
		return err
	}
	x.setXattrs(j.named, path.Base(j.name), j.in.place)
	if !x.defaults.hasMode(n, f) {
		if err := f.chmod(n.Mode & modeBits); err != nil {
			return err
		}
	}
	return f.setTime(time.Unix(n.ModTime, 0))
}

func (x *extractor) skip(e named, why error) {
	if x.o.Skipped != nil {
		x.o.Skipped(e.name, e.node, why)
	}
}

// nameError says which file err is about. The names in errors of package os
// are relative to directories inside the tree, so only their cause is kept.
func nameError(name string, err error) error {
	var pe *fs.PathError
	var le *os.LinkError
	switch {
	case errors.As(err, &pe):
		return fmt.Errorf("%q: %s: %w", name, pe.Op, pe.Err)
	case errors.As(err, &le):
		return fmt.Errorf("%q: %s: %w", name, le.Op, le.Err)
	}
	return fmt.Errorf("%q: %w", name, err)
}

func ctxErr(ctx context.Context, err error) error {
	if err == nil {
		return ctx.Err()
	}
	return err
}

// totalSize adds up the sizes of the files below root, each counted once.
func totalSize(root *Node) (total int64) {
	linked := map[*Node]bool{}
	var add func(n *Node)
	add = func(n *Node) {
		for _, child := range n.Entries {
			if child.IsDir() {
				add(child)
			} else if child.Size > 0 && !linked[child] {
				linked[child] = true
				total += child.Size
			}
		}
	}
	add(root)
	return total
}
