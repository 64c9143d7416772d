package htcondor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"repro/engine"
)

// Fetch implements [engine.Engine]: where files are moved, it puts what a job left
// in place of what is in the run's folder. A folder appears whole or not at all.
func (e *Engine) Fetch(ctx context.Context, id engine.ID) error {
	if !e.options.Transfer || !idForm.MatchString(string(id)) {
		return nil
	}
	n, err := e.read(id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	stage := filepath.Join(filepath.Dir(e.file(id, "")), stageName)
	for _, leave := range n.Leaves {
		if !filepath.IsLocal(filepath.FromSlash(leave)) || !filepath.IsAbs(n.Folder) {
			return fmt.Errorf("htcondor: %q: not within the folder of a run", leave)
		}
		from, to := filepath.Join(stage, filepath.FromSlash(leave)), filepath.Join(n.Folder, filepath.FromSlash(leave))
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := replace(from, to); err != nil {
			return fmt.Errorf("htcondor: %w", err)
		}
	}
	return nil
}

// replace puts a copy of the folder from in place of the folder to, unless from
// is empty or not there: the job left nothing.
func replace(from, to string) error {
	entries, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	fresh, err := os.MkdirTemp(filepath.Dir(to), ".fetch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	if err := copyInto(from, filepath.Join(fresh, "new")); err != nil {
		return err
	}
	if err := os.Rename(to, filepath.Join(fresh, "old")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(filepath.Join(fresh, "new"), to)
}

// copyInto copies a file or a folder: plain files and folders, nothing else. Files
// that are there stay as they are.
func copyInto(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(path, from), string(filepath.Separator))
		target := filepath.Join(to, rel)
		switch {
		case entry.IsDir():
			return os.MkdirAll(target, 0o755)
		case !entry.Type().IsRegular():
			return fmt.Errorf("%s: neither a file nor a folder", path)
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return copyFile(path, target)
	})
}

func copyFile(from, to string) error {
	err := os.Link(from, to)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}
