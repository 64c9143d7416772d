//go:build linux && (amd64 || arm64)

package sandbox

import (
	"os"
	"path/filepath"
)

// Prepare makes dir, which must not exist, with what a program will write in
// it. What the program writes is then found in the directory that [Upper]
// names.
func Prepare(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for _, sub := range []string{Upper(dir), filepath.Join(dir, "work")} {
		if err := os.Mkdir(sub, 0o755); err != nil {
			return err
		}
	}
	o := owner()
	if !o.drop {
		return nil
	}
	for _, sub := range []string{dir, Upper(dir), filepath.Join(dir, "work")} {
		if err := os.Lchown(sub, o.uid, o.gid); err != nil {
			return err
		}
	}
	return nil
}

// Upper is the directory below scratch whose files the program wrote: the
// upper layer of an overlay, with character devices 0/0 where it removed files
// of the layers below.
func Upper(scratch string) string { return filepath.Join(scratch, "upper") }
