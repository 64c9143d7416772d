package tree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"repro/internal/codec"
	"repro/internal/stream"
)

// MaxTarSize bounds what a compressed archive may become.
const MaxTarSize = 1 << 40

// Tar is an open tar archive.
type Tar struct {
	Root *Node

	spool *os.File // nil: read in place
}

// OpenTar describes the tree in a tar archive that is plain or compressed with
// gzip, zstd, xz or bzip2. A plain archive in an *os.File is read in place, and
// the file must stay open; anything else is decompressed once into a temporary
// file, which Close removes.
func OpenTar(ctx context.Context, r io.Reader, o TarOptions) (*Tar, error) {
	start := int64(0)
	file, _ := r.(*os.File)
	if file != nil {
		var err error
		if start, err = file.Seek(0, io.SeekCurrent); err != nil {
			file = nil // a pipe
		}
	}
	z, format, err := codec.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTar, err)
	}
	defer z.Close()
	if format == "" && file != nil {
		info, err := file.Stat()
		if err != nil {
			return nil, err
		}
		size := info.Size() - start
		root, err := FromTar(io.NewSectionReader(file, start, size), size, o)
		if err != nil {
			return nil, err
		}
		return &Tar{Root: root}, nil
	}
	return spoolTar(ctx, z, o)
}

func spoolTar(ctx context.Context, r io.Reader, o TarOptions) (*Tar, error) {
	spool, err := os.CreateTemp("", "repro-tar-*")
	if err != nil {
		return nil, err
	}
	t := &Tar{spool: spool}
	// Where the system allows it the file goes at once, so that nothing can
	// leave it behind; Close tries again.
	_ = os.Remove(spool.Name())
	if t.Root, err = fillSpool(ctx, spool, r, o); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

func fillSpool(ctx context.Context, spool *os.File, r io.Reader, o TarOptions) (*Node, error) {
	size, err := io.Copy(spool, io.LimitReader(stream.Until(ctx, r), MaxTarSize+1))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	if size > MaxTarSize {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTar, int64(MaxTarSize))
	}
	return FromTar(spool, size, o)
}

// Close ends the use of the tree's contents.
func (t *Tar) Close() error {
	if t.spool == nil {
		return nil
	}
	err := t.spool.Close()
	if gone := os.Remove(t.spool.Name()); gone != nil && !errors.Is(gone, os.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}
