package atomicfile

import (
	"cmp"
	"errors"
	"io/fs"
	"math"
	"path/filepath"
	"sync"
)

const (
	flushers = 16   // files flushed at a time: a journal takes many in one go
	fewFiles = 1000 // of more it is faster to flush the whole filesystem
)

// FlushTree returns when all files and folders of dir are on the disk.
func FlushTree(dir string) error {
	names, err := below(dir, fewFiles)
	if err == nil && len(names) <= fewFiles {
		err = each(names, syncFile)
	}
	if len(names) <= fewFiles && !errors.Is(err, fs.ErrPermission) { // of one that may be written but not read
		return err
	}
	if err := syncFilesystem(dir); !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if names, err = below(dir, math.MaxInt); err != nil {
		return err
	}
	return each(names, syncFile)
}

// below lists the files and folders of dir that have something to flush, up to
// one more than most.
func below(dir string, most int) (names []string, err error) {
	err = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || len(names) > most {
			return cmp.Or(err, fs.SkipAll)
		}
		if e.IsDir() || e.Type().IsRegular() {
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

// each calls f with every name, many at a time, and returns the first error in
// their order.
func each(names []string, f func(string) error) error {
	errs := make([]error, len(names))
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(flushers, len(names)) {
		wg.Go(func() {
			for i := range next {
				errs[i] = f(names[i])
			}
		})
	}
	for i := range names {
		next <- i
	}
	close(next)
	wg.Wait()
	return cmp.Or(errs...)
}
