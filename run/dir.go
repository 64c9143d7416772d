package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"repro/internal/atomicfile"
	"repro/internal/sandbox"
)

// What a run leaves in its directory.
const (
	outputsDir = "outputs"
	logsDir    = "logs"
	againDir   = "again"      // holds the same of a second run
	markerFile = ".repro-run" // says that the directory belongs to runs
)

// lockPatience is how long a run waits for another one that is just leaving
// the same directory.
const lockPatience = 300 * time.Millisecond

// claimDir makes o.Dir, or sees that it may be emptied, and keeps other runs out
// until release is called. Release removes a
// directory that was made here, unless the run came as far as to keep it.
func claimDir(ctx context.Context, o *Options) (release func(keep bool), err error) {
	if o.Dir == "" {
		return nil, errors.New("run: no directory for outputs and logs")
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, err
	}
	_, err = os.Lstat(o.Dir)
	made := errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, err
	}
	marker := filepath.Join(o.Dir, markerFile)
	if err := ours(o.Dir, marker, o.Replace); err != nil {
		return nil, err
	}
	soon, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	unlock, err := atomicfile.Lock(soon, marker)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, fmt.Errorf("%s: another run is writing to this directory", o.Dir)
	}
	if err != nil {
		return nil, err
	}
	release = func(keep bool) {
		if made && !keep {
			_ = sandbox.Remove(o.Dir)
		}
		unlock()
	}
	return release, nil
}

// emptyDir removes what an earlier run left, its reports included: they would
// speak of other outputs than those beside them.
func emptyDir(dir string) error {
	for _, name := range []string{outputsDir, logsDir, againDir, "report.json", "report.html"} {
		if err := sandbox.Remove(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("remove what an earlier run left: %w", err)
		}
	}
	return errors.Join(os.Mkdir(filepath.Join(dir, outputsDir), 0o755), os.Mkdir(filepath.Join(dir, logsDir), 0o755))
}

// ours makes the marker in a directory that is new, empty, or to be taken
// anyway, and refuses any other that has none.
func ours(dir, marker string, replace bool) error {
	info, err := os.Lstat(marker)
	if err == nil && info.Mode().IsRegular() {
		return nil
	}
	if err == nil {
		return fmt.Errorf("%s: not a regular file", marker)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !replace {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), markerFile) { // two runs may start at once
				return fmt.Errorf("%s: holds %q, and no earlier run made it: name a new or an empty directory", dir, e.Name())
			}
		}
	}
	f, err := os.OpenFile(marker, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}
