package shared

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"repro/format/manifest"
	"repro/format/squashfs"
	"repro/format/tree"
	"repro/format/verity"
	"repro/internal/atomicfile"
	"repro/internal/rmtree"
	"repro/internal/stream"
	"repro/run/folder"
	"repro/run/outputs"
)

// maxLayer bounds what one step hands on to others, in bytes.
const maxLayer = 1 << 46

// Layer says what a step wrote: a squashfs filesystem of Size bytes, followed by
// its hash tree.
type Layer struct {
	Size   int64           `json:"size"`
	Digest manifest.Digest `json:"digest"` // by fs-verity
}

// open opens the layer in f.
func (l *Layer) open(f *os.File) (tree.Layer, error) {
	digest, err := l.Digest.Sum()
	if err != nil {
		return nil, err
	}
	hashes, err := verity.NewTree(io.NewSectionReader(f, l.Size, verity.TreeSize(l.Size)), l.Size, digest)
	if err != nil {
		return nil, err
	}
	return squashfs.NewReader(hashes.Reader(io.NewSectionReader(f, 0, l.Size)), l.Size)
}

// Try is the folder of one try of a step.
type Try struct{ Dir string }

// NewTry makes the folder for the holder of a lease of step i.
func (r *Run) NewTry(i, number int) (*Try, error) {
	t := &Try{r.tryDir(i, number)}
	if err := rmtree.Remove(t.Dir); err != nil { // a filesystem that answers late may have made it before
		return nil, err
	}
	return t, errors.Join(os.Mkdir(t.Dir, 0o755), os.Mkdir(t.Outputs(), 0o755))
}

func (r *Run) tryDir(i, number int) string {
	return filepath.Join(r.stepDir(i), fmt.Sprintf("try-%d", number))
}

// Outputs is the folder for the outputs of the try.
func (t *Try) Outputs() string { return filepath.Join(t.Dir, folder.Outputs) }

// Log is the file for what the step prints.
func (t *Try) Log() string { return filepath.Join(t.Dir, logName) }

// Discard removes what a try leaves that did not come to an end, but for its log.
func (t *Try) Discard() error {
	err := os.Remove(filepath.Join(t.Dir, layerName))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, rmtree.Remove(t.Outputs()))
}

// Pack writes what a step wrote, the upper layer of an overlay, so that other
// steps can read it on other machines.
func (t *Try) Pack(ctx context.Context, upper string) (*Layer, error) {
	root, err := tree.FromDir(upper, tree.DirOptions{Xattr: func(name string) bool { return name == tree.UserOpaqueXattr }})
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(t.Dir, layerName), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out := &hashed{f, verity.NewWriter()}
	if _, err := squashfs.Write(ctx, out, root, squashfs.Options{}); err != nil {
		return nil, err
	}
	size := out.hash.Size()
	hashes, digest, err := out.hash.Finish()
	if err != nil {
		return nil, err
	}
	if _, err := f.WriteAt(hashes, size); err != nil {
		return nil, err
	}
	return &Layer{Size: size, Digest: manifest.DigestSum(digest)}, f.Close()
}

// hashed writes to a file and to its hash tree.
type hashed struct {
	f    *os.File
	hash *verity.Writer
}

func (h *hashed) Write(p []byte) (int, error) {
	if n, err := h.f.Write(p); err != nil {
		return n, err
	}
	return h.hash.Write(p)
}

func (h *hashed) WriteAt(p []byte, off int64) (int, error) {
	if n, err := h.f.WriteAt(p, off); err != nil {
		return n, err
	}
	return h.hash.WriteAt(p, off)
}

// Flush has all files of the try reach the disk.
func (t *Try) Flush() error { return atomicfile.FlushTree(t.Dir) }

// OpenLayer opens what step i wrote. Each block is checked when it is read. The
// caller closes the file when nobody reads the layer any more.
func (r *Run) OpenLayer(i int, s *State) (tree.Layer, *os.File, error) {
	if s.Layer == nil {
		return nil, nil, fmt.Errorf("step %q: left no layer for others", s.Status.Name)
	}
	f, err := os.Open(filepath.Join(r.tryDir(i, s.Lease), layerName))
	if err != nil {
		return nil, nil, err
	}
	layer, err := s.Layer.open(f)
	if err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return layer, f, nil
}

// Deliver puts the outputs and the log of a state where runs leave them, in the
// folder to: links, or copies where links cannot be. It checks the outputs'
// digests.
func (r *Run) Deliver(ctx context.Context, i int, s *State, to string) error {
	from := r.tryDir(i, s.Lease)
	root, err := os.OpenRoot(filepath.Join(from, folder.Outputs))
	if err != nil {
		return err
	}
	defer root.Close()
	for _, o := range s.Outputs {
		rel := strings.TrimPrefix(o.Path, "/")
		sum, size, err := outputs.Digest(ctx, root, rel)
		if err != nil {
			return fmt.Errorf("step %q: output %q: %w", s.Status.Name, o.Path, err)
		}
		if sum != o.Digest || size != o.Size {
			return fmt.Errorf("step %q: output %q: is not the file that the step left", s.Status.Name, o.Path)
		}
		if err := link(filepath.Join(from, folder.Outputs, filepath.FromSlash(rel)), filepath.Join(to, folder.Outputs, filepath.FromSlash(rel))); err != nil {
			return err
		}
	}
	log := filepath.Join(to, folder.Logs, outputs.LogName(s.Status.Name))
	if err := link(filepath.Join(from, logName), log); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func link(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	err := os.Link(from, to)
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
		return err
	}
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := atomicfile.Create(to, 0o644)
	if err != nil {
		return err
	}
	defer dst.Close()
	if atomicfile.Share(dst.File, from) != nil {
		if _, err := stream.CopySparse(dst.File, src); err != nil {
			return err
		}
	}
	return dst.Commit()
}
