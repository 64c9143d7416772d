package build

import (
	"context"
	"errors"
	"io"
	"os"

	"repro/format/tree"
	"repro/recipe"
)

func init() { openers[recipe.Tar] = openTar }

// openTar opens a root filesystem in a tar archive.
func openTar(ctx context.Context, b *builder, name string) (*Source, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	src, err := b.readTar(ctx, f)
	if err != nil {
		f.Close()
	}
	return src, err
}

// readTar hashes the archive f and then opens it. The source closes f.
func (b *builder) readTar(ctx context.Context, f *os.File) (*Source, error) {
	digest, err := b.digestOf(ctx, f)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	t, err := tree.OpenTar(ctx, f, tree.TarOptions{})
	if err != nil {
		return nil, err
	}
	return withVariables(&Source{
		Tree: t.Root, Digest: digest,
		Close: func() error { return errors.Join(t.Close(), f.Close()) },
	}), nil
}
