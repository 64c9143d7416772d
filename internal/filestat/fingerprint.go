package filestat

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"path/filepath"
)

// Fingerprint is a digest over the name, kind, mode, size and [Stamp] of every
// file of a tree. It differs from an earlier one if anybody touched a file in
// between, whatever they did to hide it.
func Fingerprint(dir string) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	err = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		inode, modified, changed := Stamp(info)
		_, err = fmt.Fprintf(h, "%q %v %d %d %d %d\n", name[len(dir):], info.Mode(), info.Size(), inode, modified, changed)
		return err
	})
	return [sha256.Size]byte(h.Sum(nil)), err
}

// Size is how many bytes the regular files below dir have together. What cannot
// be read counts nothing.
func Size(dir string) (total int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
		return nil
	})
	return total
}
