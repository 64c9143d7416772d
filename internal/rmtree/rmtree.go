// Package rmtree removes directories that a program filled which nobody
// trusts: with modes that forbid it, and nested deeper than a path may be long.
package rmtree

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// Remove removes dir and all that is in it, whatever modes a program gave its
// directories and however deep it nested them. That dir does not exist is no
// error.
func Remove(dir string) error {
	err := os.Remove(dir)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	removeShallow(dir, 8)
	info, lerr := os.Lstat(dir)
	if errors.Is(lerr, fs.ErrNotExist) {
		return nil
	}
	if lerr != nil || !info.IsDir() {
		return err
	}
	// Directories move up beside their parent before they are emptied, so
	// that no path gets longer than the system allows.
	for next := 0; ; {
		deeper, err := flatten(dir, &next)
		if err != nil {
			return err
		}
		if !deeper {
			return os.Remove(dir)
		}
	}
}

// removeShallow removes what it can without moving anything, down to a depth.
// Most of what is to be removed is nearly empty.
func removeShallow(dir string, depth int) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		switch {
		case !e.IsDir():
			_ = os.Remove(name)
		case depth > 0:
			removeShallow(name, depth-1)
		}
	}
	_ = os.Remove(dir)
}

// flatten removes the files in the directories in dir and moves the
// directories in them up into dir. It reports whether there were any.
func flatten(dir string, next *int) (deeper bool, err error) {
	entries, err := entriesOf(dir)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		if !e.IsDir() {
			if err := os.Remove(name); err != nil {
				return false, err
			}
			continue
		}
		inner, err := entriesOf(name)
		if err != nil {
			return false, err
		}
		for _, i := range inner {
			from := filepath.Join(name, i.Name())
			if !i.IsDir() {
				if err := os.Remove(from); err != nil {
					return false, err
				}
				continue
			}
			deeper = true
			if err := moveUp(from, dir, next); err != nil {
				return false, err
			}
		}
		if err := os.Remove(name); err != nil {
			return false, err
		}
	}
	return deeper, nil
}

// moveUp gives the directory from a new name in dir. To be moved, a directory
// must be writable itself: its ".." changes.
func moveUp(from, dir string, next *int) error {
	if err := os.Chmod(from, 0o700); err != nil {
		return err
	}
	for {
		*next++
		to := filepath.Join(dir, "removed-"+strconv.Itoa(*next))
		if _, err := os.Lstat(to); err == nil {
			continue // the program chose that name as well
		}
		return os.Rename(from, to)
	}
}

func entriesOf(dir string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrPermission) || err == nil && len(entries) > 0 {
		if err := os.Chmod(dir, 0o700); err != nil {
			return nil, err
		}
		return os.ReadDir(dir)
	}
	return entries, err
}
