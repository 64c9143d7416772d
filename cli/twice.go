package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"repro/build"
	"repro/diff"
	"repro/format"
	"repro/internal/atomicfile"
	"repro/report"
	"repro/report/view"
)

// errTwoBuilds says that two builds of one recipe gave different bytes.
var errTwoBuilds = errors.New("two builds of the same recipe differ")

// buildTwice builds an image twice, the second time on another number of
// processors, and leaves the first at out if both have the same bytes.
func (c *console) buildTwice(ctx context.Context, out string, o build.Options) error {
	if full, err := filepath.EvalSymlinks(out); err == nil {
		out = full
	}
	scratch, err := atomicfile.Scratch(out)
	if err != nil {
		return err
	}
	defer scratch.Close()
	dir := scratch.Path()
	first, second := filepath.Join(dir, "first.sif"), filepath.Join(dir, "second.sif")
	if _, err := build.Image(ctx, first, o); err != nil {
		return err
	}
	if err := buildElsewhere(ctx, second, o); err != nil {
		return err
	}
	if err := c.sameImage(ctx, first, second); err != nil {
		return fmt.Errorf("%s: not written: %w", out, err)
	}
	return os.Rename(first, out)
}

// buildElsewhere builds as on a machine with another number of processors.
func buildElsewhere(ctx context.Context, out string, o build.Options) error {
	procs := 1
	if runtime.GOMAXPROCS(0) == 1 {
		procs = 8
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
	o.Workers, o.Cache, o.Warn = procs, nil, nil // the check is of the cache as well
	_, err := build.Image(ctx, out, o)
	return err
}

// sameImage compares two images byte for byte. Where they differ it prints what
// does, and the error names the first object or file.
func (c *console) sameImage(ctx context.Context, first, second string) error {
	same, err := sameFile(first, second)
	if same || err != nil {
		return err
	}
	a, err := format.Open(first)
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := format.Open(second)
	if err != nil {
		return err
	}
	defer b.Close()
	rep, err := diff.Images(ctx, a, b, diff.Options{Progress: c.progress()})
	if err != nil {
		return err
	}
	c.finishProgress()
	if err := view.Diff(c.err, rep, view.Style{Color: c.useErr}); err != nil {
		return err
	}
	return fmt.Errorf("%w: first in %s", errTwoBuilds, firstDifference(rep))
}

// firstDifference names what differs first: a file where that can be told.
func firstDifference(r *report.Diff) string {
	for _, l := range r.Layers {
		if len(l.Files) > 0 {
			return fmt.Sprintf("layer %s, file %q", l.Name, l.Files[0].Name)
		}
	}
	switch {
	case len(r.Layers) > 0:
		return "how layer " + r.Layers[0].Name + " is stored"
	case len(r.Values) > 0:
		return fmt.Sprintf("the manifest, value %q", r.Values[0].Where)
	case len(r.Objects) > 0:
		return fmt.Sprintf("object %q", r.Objects[0].Name)
	}
	return "how the file is laid out"
}

func sameFile(first, second string) (bool, error) {
	a, err := os.Open(first)
	if err != nil {
		return false, err
	}
	defer a.Close()
	b, err := os.Open(second)
	if err != nil {
		return false, err
	}
	defer b.Close()
	x, y := make([]byte, 1<<20), make([]byte, 1<<20)
	for {
		n, err := io.ReadFull(a, x)
		m, other := io.ReadFull(b, y)
		if !bytes.Equal(x[:n], y[:m]) {
			return false, nil
		}
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			return true, nil
		case err != nil || other != nil:
			return false, errors.Join(err, other)
		}
	}
}
