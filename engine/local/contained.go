package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"repro/engine"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/filestat"
	"repro/internal/sandbox"
	"repro/report"
)

// ContainerDir is the folder of a container in which engines show a worker what it
// works with: the program, the image, the folder of the run. Steps cannot open it.
const ContainerDir = "/.repro"

// container is the root of a container of the image, built by somebody else, in
// which this process is process 1.
type container struct {
	root   *os.Root
	before map[string]stamp // of every path, before the step
}

// enginePaths are what container engines make or cover in a root, which is neither
// compared with the image nor taken for what a step wrote.
var enginePaths = []string{
	ContainerDir[1:], "dev", "proc", "sys", ".dockerenv", "run/.containerenv", "run/secrets", "var/run/secrets",
	"etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab",
}

func isEngines(name string) bool { return slices.Contains(enginePaths, name) }

// provideContained makes the root of this container what steps are to see: the
// image without what is hidden, under what the steps wrote that this one needs.
// Every file is compared with the image, or written from it. What cannot be
// written is an error, so nothing runs in another root than that of the image.
func (h *Host) provideContained(ctx context.Context) (layers, error) {
	l := layers{kind: "container", reason: "a container engine provides the root: every file of it was compared with the image before the step"}
	if err := sandbox.CheckContainer(); err != nil {
		return l, err
	}
	want, err := h.root.View.Tree()
	if err != nil {
		return l, fmt.Errorf("%s: %w", h.image.Name(), err)
	}
	root, err := os.OpenRoot("/")
	if err != nil {
		return l, err
	}
	l.container = &container{root: root}
	l.release = func() { root.Close() }
	if err := l.container.become(ctx, want); err != nil {
		root.Close()
		return l, err
	}
	if l.container.before, err = l.container.scan(); err != nil {
		root.Close()
		return l, err
	}
	return l, nil
}

// become makes the root what want says.
func (c *container) become(ctx context.Context, want *tree.Node) error {
	if err := c.remove(want); err != nil {
		return err
	}
	var files errgroup.Group
	files.SetLimit(4)
	var failed error
	for name, n := range want.All() {
		if name == "" || slices.ContainsFunc(enginePaths, func(p string) bool { return name == p || strings.HasPrefix(name, p+"/") }) {
			continue
		}
		if n.Mode.IsRegular() {
			files.Go(func() error { return errors.Join(ctx.Err(), c.file(name, n)) })
			continue
		}
		if failed = c.other(name, n); failed != nil {
			break
		}
	}
	return errors.Join(failed, files.Wait())
}

// remove removes what the image does not have: what is hidden from steps, and what
// an engine or another image brought.
func (c *container) remove(want *tree.Node) error {
	return c.walk(func(name string, info fs.FileInfo) error {
		if n := want.Lookup(name); n != nil && n.Mode.Type() == info.Mode().Type() {
			return nil
		}
		if info.IsDir() && c.holdsEngines(name) || !isPlain(info.Mode()) {
			return nil
		}
		if err := c.root.RemoveAll(name); err != nil {
			return otherContainer(name, "which the image has not", err)
		}
		if info.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
}

// isPlain reports whether a mode is of something that a result could come from:
// devices and pipes that an image has are in no step's root.
func isPlain(mode fs.FileMode) bool {
	return mode.IsRegular() || mode&(fs.ModeDir|fs.ModeSymlink) != 0
}

// holdsEngines reports whether a folder holds what container engines make.
func (c *container) holdsEngines(name string) bool {
	return slices.ContainsFunc(enginePaths, func(p string) bool { return strings.HasPrefix(p, name+"/") })
}

// otherContainer says that the root is not the image's and cannot be made so.
func otherContainer(name, what string, err error) error {
	return &engine.MachineError{
		Err:  fmt.Errorf("container: it has /%s %s: %w", name, what, err),
		Hint: "make the container of this image, and by this release of the program: repro export --oci",
	}
}

// other makes what is no regular file.
func (c *container) other(name string, n *tree.Node) error {
	info, err := c.root.Lstat(name)
	switch {
	case n.IsDir():
		if err == nil && info.IsDir() {
			return nil
		}
		err = c.root.Mkdir(name, 0o755)
	case n.Mode&fs.ModeSymlink != 0:
		if target, linkErr := c.root.Readlink(name); linkErr == nil && target == n.Target {
			return nil
		}
		_ = c.root.Remove(name)
		err = c.root.Symlink(n.Target, name)
	default: // devices and pipes: nothing that a result could come from
		return nil
	}
	if err != nil {
		return otherContainer(name, "not as the image has it", err)
	}
	return nil
}

// file leaves a file that is as the image has it, and else writes it.
func (c *container) file(name string, n *tree.Node) error {
	info, err := c.root.Lstat(name)
	if err == nil && info.Mode().IsRegular() && info.Size() == n.Size && info.Mode()&0o111 == n.Mode&0o111 {
		if same, err := c.same(name, n); err != nil || same {
			return err
		}
	}
	content, err := n.Content()
	if err != nil {
		return err
	}
	defer content.Close()
	_ = c.root.Remove(name)
	f, err := c.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, n.Mode.Perm())
	if err != nil {
		return otherContainer(name, "not as the image has it", err)
	}
	defer f.Close()
	if _, err := io.Copy(f, content); err != nil {
		return err
	}
	date := time.Unix(n.ModTime, 0)
	return errors.Join(f.Chmod(n.Mode.Perm()), f.Close(), c.root.Chtimes(name, date, date))
}

// same compares a file with the image's, byte by byte.
func (c *container) same(name string, n *tree.Node) (bool, error) {
	f, err := c.root.Open(name)
	if err != nil {
		return false, nil
	}
	defer f.Close()
	content, err := n.Content()
	if err != nil {
		return false, err
	}
	defer content.Close()
	const chunk = 128 << 10
	a, b := make([]byte, chunk), make([]byte, chunk)
	for {
		k, err := io.ReadFull(content, a)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return false, err
		}
		if _, fileErr := io.ReadFull(f, b[:k]); fileErr != nil && k > 0 || !bytes.Equal(a[:k], b[:k]) {
			return false, nil
		}
		if k < chunk {
			return true, nil
		}
	}
}

// stamp changes when anybody touches a file.
type stamp struct {
	inode   uint64
	changed int64 // no program can set it
}

// scan stamps every path.
func (c *container) scan() (map[string]stamp, error) {
	found := map[string]stamp{}
	return found, c.walk(func(name string, info fs.FileInfo) error {
		inode, _, changed := filestat.Stamp(info)
		found[name] = stamp{inode, changed}
		return nil
	})
}

// upper copies what the step wrote into dir, in the form of the upper layer of an
// overlay: what it removed is a whiteout there.
func (c *container) upper(dir string) error {
	seen := map[string]bool{}
	err := c.walk(func(name string, info fs.FileInfo) error {
		seen[name] = true
		inode, _, changed := filestat.Stamp(info)
		was, known := c.before[name]
		if known && was == (stamp{inode, changed}) || known && info.IsDir() && was.inode == inode {
			return nil // what is in a folder is looked at by itself
		}
		return c.copyUp(name, info, dir)
	})
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(c.before)) {
		if parent := path.Dir(name); seen[name] || parent != "." && !seen[parent] {
			continue
		}
		if err := c.parents(name, dir); err != nil {
			return err
		}
		if err := filestat.MakeWhiteout(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// parents makes the folders above name in dir.
func (c *container) parents(name, dir string) error {
	return os.MkdirAll(filepath.Join(dir, path.Dir(name)), 0o755)
}

// copyUp copies one path.
func (c *container) copyUp(name string, info fs.FileInfo, dir string) error {
	if err := c.parents(name, dir); err != nil {
		return err
	}
	to := filepath.Join(dir, name)
	switch info.Mode().Type() {
	case fs.ModeDir:
		return os.MkdirAll(to, 0o755)
	case fs.ModeSymlink:
		target, err := c.root.Readlink(name)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	case 0:
	default: // pipes and sockets: no step can find anything in one
		return nil
	}
	from, err := c.root.Open(name)
	if err != nil {
		return err
	}
	defer from.Close()
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm()|0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(f, from); err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Chtimes(to, info.ModTime(), info.ModTime()))
}

// walk calls visit for every path but those of engines, folders first.
func (c *container) walk(visit func(name string, info fs.FileInfo) error) error {
	return fs.WalkDir(c.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case name == ".":
			return err
		case isEngines(name):
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case err != nil:
			return err
		}
		info, err := c.root.Lstat(name)
		if err != nil {
			return err
		}
		return visit(name, info)
	})
}

// runContained runs a step in the container that this process is in.
func (h *Host) runContained(ctx context.Context, t Task) (Outcome, error) {
	out := Outcome{Status: report.StepStatus{Name: t.Step.Name, Status: report.StepFailed, Started: time.Now().UTC().Format(time.RFC3339)}}
	step, c := t.Step, h.layers.container
	limits := sandbox.Limits{Memory: t.Allotment.Memory, Time: time.Duration(step.Time) * time.Second}
	result, err := sandbox.Confine(ctx, sandbox.Confinement{
		Hidden: ContainerDir, Args: step.Arguments(), Dir: step.Dir, Env: environ(step, h.manifest.Paper.Date, h.root.ClockLibrary()),
		Inputs: withoutPatterns(step.Inputs), Outputs: step.Outputs, Limits: limits, CPUs: t.Allotment.CPUs,
		FixedAddresses: slices.Contains(step.Fixed, manifest.FixedAddresses), Stdout: t.Output, Stderr: t.Output,
	})
	st := &out.Status
	st.WallMS, st.CPUMS, st.MaxRSS, st.Written = result.Wall.Milliseconds(), result.CPU.Milliseconds(), result.MaxRSS, result.Written
	st.Exit, st.Signal = result.Exit, result.Signal
	if err = describe(ctx, st, &sandbox.Command{Limits: limits}, result, err); err != nil {
		return out, err
	}
	h.isolated.add(result.Isolation)
	out.Scratch, out.Upper = t.Scratch, sandbox.Upper(t.Scratch)
	if err := os.MkdirAll(out.Upper, 0o700); err != nil {
		return out, fmt.Errorf("scratch directory: %w", err)
	}
	if err := c.upper(out.Upper); err != nil {
		return out, fmt.Errorf("take what the step wrote: %w", err)
	}
	return out, clearTemporary(out.Upper)
}

// containerNotes says what a container leaves open that a sandbox does not.
func containerNotes() []string {
	notes := []string{"steps ran in a container that another program made: its network, /proc, /sys, hostname and limits are those that it was given"}
	if id := os.Geteuid(); id != sandbox.UID {
		notes = append(notes, fmt.Sprintf("steps ran as user %d of the container, elsewhere as %d", id, sandbox.UID))
	}
	return notes
}

// askContained is Ask in a container.
func (h *Host) askContained(ctx context.Context, env, args []string) []byte {
	var out bounded
	_, err := sandbox.Confine(ctx, sandbox.Confinement{Hidden: ContainerDir, Args: args, Dir: "/", Env: env,
		Limits: sandbox.Limits{Time: askTime}, Stdout: &out, Stderr: &out})
	if err != nil {
		return nil
	}
	return out.Bytes()
}
