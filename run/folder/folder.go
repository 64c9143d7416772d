// Package folder is the folder that a run leaves: what lies where in it, who may
// write to it, and how it is emptied. SPEC.md, RUN-22.
//
//	outputs/…     declared outputs, at their absolute paths
//	logs/S.log    what step S printed
//	again/…       the same of a second run
//	.repro-run    says that the folder belongs to runs
package folder

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
	"repro/internal/rmtree"
)

// Names in a run's folder.
const (
	Outputs = "outputs"
	Logs    = "logs"
	Second  = "again"
	Marker  = ".repro-run"
)

// lockPatience is how long a run waits for another one that is just leaving
// the same directory.
const lockPatience = 300 * time.Millisecond

// Claim makes the folder called name, or checks that it may be emptied, and keeps
// other runs out until release is called. Replace accepts a folder that holds
// other files; they stay. It returns the folder's absolute path. Release removes
// a folder that was made here, unless keep says that the run has left something
// in it.
func Claim(ctx context.Context, name string, replace bool) (dir string, release func(keep bool), err error) {
	if name == "" {
		return "", nil, errors.New("run: no directory for outputs and logs")
	}
	if dir, err = filepath.Abs(name); err != nil {
		return "", nil, err
	}
	_, err = os.Lstat(dir)
	made := errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", nil, err
	}
	if err := Mark(dir, replace); err != nil {
		return "", nil, err
	}
	soon, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	unlock, err := atomicfile.Lock(soon, filepath.Join(dir, Marker))
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return "", nil, fmt.Errorf("%s: another run is writing to this directory", dir)
	}
	if err != nil {
		return "", nil, err
	}
	release = func(keep bool) {
		if made && !keep {
			_ = rmtree.Remove(dir)
		}
		unlock()
	}
	return dir, release, nil
}

// Empty removes what an earlier run left, its reports included: they would
// speak of other outputs than those beside them.
func Empty(dir string) error {
	for _, name := range []string{Outputs, Logs, Second, "report.json", "report.html"} {
		if err := rmtree.Remove(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("remove what an earlier run left: %w", err)
		}
	}
	return errors.Join(os.Mkdir(filepath.Join(dir, Outputs), 0o755), os.Mkdir(filepath.Join(dir, Logs), 0o755))
}

// Mark makes the Marker in a folder that is new or empty, or in any with replace,
// and refuses all others that have none.
func Mark(dir string, replace bool) error {
	name := filepath.Join(dir, Marker)
	info, err := os.Lstat(name)
	if err == nil && info.Mode().IsRegular() {
		return nil
	}
	if err == nil {
		return fmt.Errorf("%s: not a regular file", name)
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
			if strings.HasPrefix(e.Name(), Marker) { // two runs may start at once
				continue
			}
			if _, err := os.Lstat(name); err == nil { // another run has made both since
				break
			}
			return fmt.Errorf("%s: holds %q, and no earlier run made it: name a new or an empty directory", dir, e.Name())
		}
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}

// Retain empties a run's folder of all that runs leave, except for the files
// called names, slash-separated paths relative to it.
func Retain(dir string, names []string) error {
	const aside = ".repro-before"
	if err := rmtree.Remove(filepath.Join(dir, aside)); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.Mkdir(aside, 0o700); err != nil {
		return err
	}
	for _, name := range []string{Outputs, Logs} {
		if err := root.Rename(name, aside+"/"+name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := Empty(dir); err != nil {
		return err
	}
	for _, name := range names {
		name = filepath.FromSlash(name)
		if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := root.Rename(filepath.Join(aside, name), name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err // a log that is gone is no reason to run the step again
		}
	}
	return rmtree.Remove(filepath.Join(dir, aside))
}
