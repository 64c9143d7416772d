package build

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"repro/build/host"
	"repro/format"
	"repro/format/manifest"
	"repro/format/squashfs"
	"repro/format/tree"
	"repro/internal/progress"
	"repro/recipe"
)

// environment opens the source of the environment layer. What is wrong with it
// becomes a problem; only an end of ctx is returned.
func (b *builder) environment(ctx context.Context) error {
	e := b.Recipe.Environment
	open := map[recipe.Kind]func(context.Context, string) (*Source, error){
		recipe.Rootfs: rootfs, recipe.Tar: b.tar, recipe.OCI: b.oci, recipe.SIF: b.sif,
	}[e.Kind]
	if e.Kind == recipe.Host {
		return b.host(ctx)
	}
	name := filepath.FromSlash(e.Source.Value)
	if !filepath.IsAbs(name) {
		name = filepath.Join(b.Dir, name)
	}
	src, err := open(ctx, name)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, os.ErrNotExist):
		b.problem(e.Source.Pos, "%s: %q: no such file or folder", e.Kind, e.Source.Value)
		return nil
	case err != nil:
		b.problem(e.Source.Pos, "%s: %q: %v", e.Kind, e.Source.Value, plain(err))
		return nil
	}
	b.env, b.digest = src, src.Digest
	if want := manifest.Digest("sha256:" + e.SHA256); e.SHA256 != "" && want != src.Digest {
		b.problem(e.Source.Pos, "%s: %q: has %s, the recipe says %s", e.Kind, e.Source.Value, src.Digest, want)
	}
	if src.Arch == "" {
		if src.Arch = archOf(src.Tree); src.Arch == "" {
			b.problem(e.Source.Pos, "%s: %q: no program in /bin, /usr/bin or /usr/local/bin: is it a root filesystem?", e.Kind, e.Source.Value)
		}
	}
	return nil
}

func rootfs(_ context.Context, name string) (*Source, error) {
	t, err := tree.FromDir(name, tree.DirOptions{Skip: hidden})
	if err != nil {
		return nil, err
	}
	return &Source{Tree: t, Env: scriptVariables(t)}, nil
}

func (b *builder) tar(ctx context.Context, name string) (*Source, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	digest, err := b.digestOf(ctx, f)
	if err == nil {
		var t *tree.Tar
		if t, err = tree.OpenTar(ctx, f, tree.TarOptions{}); err == nil {
			return &Source{
				Tree: t.Root, Digest: digest, Env: scriptVariables(t.Root),
				Close: func() error { return errors.Join(t.Close(), f.Close()) },
			}, nil
		}
	}
	f.Close()
	return nil, err
}

// digestOf returns the digest of f and goes back to its start.
func (b *builder) digestOf(ctx context.Context, f *os.File) (manifest.Digest, error) {
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	buf := make([]byte, 1<<20)
	for done := int64(0); ; {
		n, err := f.Read(buf)
		h.Write(buf[:n])
		done += int64(n)
		b.Progress.Report(progress.Event{Task: "read " + filepath.Base(f.Name()), Done: done, Total: info.Size(), Bytes: true})
		switch {
		case err == io.EOF:
			_, err = f.Seek(0, io.SeekStart)
			return manifest.DigestSum([32]byte(h.Sum(nil))), err
		case err != nil:
			return "", err
		case ctx.Err() != nil:
			return "", ctx.Err()
		}
	}
}

func (b *builder) oci(ctx context.Context, name string) (*Source, error) {
	if b.OCI == nil {
		return nil, fmt.Errorf("this program was made without the reader of OCI images")
	}
	return b.OCI(ctx, name)
}

// sif opens a SIF image, ours or another.
func (b *builder) sif(ctx context.Context, name string) (*Source, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	digest, err := b.digestOf(ctx, f)
	f.Close()
	if err != nil {
		return nil, err
	}
	im, err := format.Open(name)
	if err != nil {
		return nil, err
	}
	src, err := fromImage(im)
	if err != nil {
		im.Close()
		return nil, err
	}
	src.Digest, src.Close = digest, im.Close
	return src, nil
}

// fromImage returns the root of an image: of ours, without the experiment that
// stands in it; of another, the system partition and what lies over it.
func fromImage(im *format.Image) (*Source, error) {
	root, err := im.Root()
	if err == nil {
		env := scriptVariables(root)
		delete(root.Entries, Paper[1:])
		delete(root.Entries, singularityDir)
		return &Source{Tree: root, Arch: im.Header().Arch, Env: env}, nil
	}
	if !errors.Is(err, format.ErrForeign) {
		return nil, err
	}
	primary, err := im.Primary()
	if err != nil {
		return nil, err
	}
	if root, err = primary.Tree(); err != nil {
		return nil, err
	}
	for _, o := range overlays(im) {
		r, err := squashfs.NewReader(im.Section(o), o.Size)
		if err != nil {
			return nil, fmt.Errorf("object %d: %w", o.ID, err)
		}
		t, err := r.Tree()
		if err != nil {
			return nil, fmt.Errorf("object %d: %w", o.ID, err)
		}
		root = tree.Union(root, t)
	}
	return &Source{Tree: root, Env: scriptVariables(root)}, nil
}

// overlays returns the partitions that Apptainer lays over the root of a SIF
// file by itself: those of the root's group, the last on top.
func overlays(im *format.Image) []format.Object {
	var group uint32
	var all []format.Object
	for _, o := range im.Objects() {
		if p, ok := o.Partition(); ok && p.Type == format.PartPrimary {
			group = o.Group
		}
	}
	for _, o := range im.Objects() {
		if p, ok := o.Partition(); ok && p.Type == format.PartOverlay && p.FS == format.FSSquash && o.Group == group {
			all = append(all, o)
		}
	}
	return all
}

// host gathers programs of this machine.
func (b *builder) host(ctx context.Context) error {
	e := b.Recipe.Environment
	places := map[string]recipe.Pos{}
	values := func(texts []recipe.Text) (all []string) {
		for _, t := range texts {
			all = append(all, t.Value)
			places[t.Value] = t.Pos
		}
		return all
	}
	c, err := host.Gather(ctx, values(e.Programs), values(e.Files), host.Options{Path: host.Path(b.Path)})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		for _, err := range split(err) {
			at := e.Pos
			var asked *host.Error
			if errors.As(err, &asked) {
				at = places[asked.Name]
			}
			b.problem(at, "host: %v", err)
		}
		return nil
	}
	b.env = &Source{Tree: c.Tree, Arch: c.Arch}
	if len(c.Path) > 0 {
		b.env.Env = map[string]string{"PATH": strings.Join(append(c.Path, host.DefaultPath...), ":")}
	}
	return nil
}

// split returns the errors that were joined.
func split(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}
