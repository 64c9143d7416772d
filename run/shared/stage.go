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

	"repro/format"
	"repro/internal/atomicfile"
	"repro/internal/filestat"
	"repro/internal/progress"
)

// Stage copies an image into dir, a folder on this machine's own disk, unless it
// is there already, and opens the copy: for filesystems that many small reads
// slow down. The copy has the image's content id, which is checked, and its
// blocks are checked when they are read, as those of any image. Workers that
// stage at once copy it more than once at worst, and never see half a copy.
func Stage(ctx context.Context, im *format.Image, dir string, p progress.Func) (*format.Image, error) {
	if im.File() == nil {
		return nil, fmt.Errorf("%s: is no file that could be copied", im.Name())
	}
	id, err := im.ContentID()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if info, err := os.Lstat(dir); err != nil || !info.IsDir() || !filestat.IsOurs(info) {
		return nil, errors.Join(err, fmt.Errorf("%s: is not a folder of this user's", dir))
	}
	name := filepath.Join(dir, strings.TrimPrefix(string(id), "sha256:")+".sif")
	staged, err := format.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err := copyImage(ctx, im, name, p); err != nil {
			return nil, err
		}
		staged, err = format.Open(name)
	}
	if err != nil {
		return nil, err
	}
	if got, err := staged.ContentID(); err != nil || got != id {
		staged.Close()
		return nil, errors.Join(err, fmt.Errorf("%s: is not a copy of %s: remove it", name, im.Name()))
	}
	return staged, nil
}

func copyImage(ctx context.Context, im *format.Image, name string, p progress.Func) error {
	dst, err := atomicfile.Create(name, 0o600)
	if err != nil {
		return err
	}
	defer dst.Close()
	src := io.NewSectionReader(im.File(), 0, im.Size())
	for done := int64(0); done < im.Size(); {
		n, err := io.CopyN(dst, src, min(16<<20, im.Size()-done))
		if err != nil {
			return fmt.Errorf("copy %s: %w", im.Name(), err)
		}
		done += n
		p.Report(progress.Event{Task: "copy the image to " + filepath.Dir(name), Done: done, Total: im.Size(), Bytes: true})
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return dst.Commit()
}
