package blockcache

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	partial = "partial-" // begins the names of entries that are being written
	stale   = 24 * time.Hour
)

// prune removes files of dir, those used least lately first, until at most
// max bytes are left, and those that a killed build left half written.
// Another build may do the same.
func prune(dir string, max int64) error {
	list, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var entries []fs.FileInfo
	var total int64
	for _, e := range list {
		info, err := e.Info()
		if err != nil {
			continue // gone meanwhile
		}
		if strings.HasPrefix(e.Name(), partial) {
			if time.Since(info.ModTime()) > stale {
				os.Remove(filepath.Join(dir, e.Name()))
			}
			continue
		}
		entries = append(entries, info)
		total += info.Size()
	}
	slices.SortFunc(entries, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), strings.Compare(a.Name(), b.Name()))
	})
	for _, e := range entries {
		if total <= max {
			break
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		total -= e.Size()
	}
	return nil
}
