package atomicfile

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"repro/internal/filestat"
)

// WriteNew writes data to a file called name unless there is one already, and
// reports whether it did. The file appears whole. Of several programs that do so
// at once, on one machine or on several that share the folder, exactly one
// succeeds: the name is made by link(2), which is atomic over NFS too. Where a
// filesystem has no links, it is made by open(2) with O_EXCL, and another program
// may then find it empty for a moment.
func WriteNew(name string, data []byte, perm fs.FileMode) (made bool, err error) {
	dir, base := filepath.Split(name)
	temp := filepath.Join(dir, "."+base+"."+rand.Text()[:12]+".partial")
	if err := writeFlushed(temp, data, perm); err != nil {
		return false, naming(name, err)
	}
	defer os.Remove(temp)
	err = os.Link(temp, name)
	if made, known := linked(temp, err); known {
		return made, nil
	}
	if _, statErr := os.Lstat(name); statErr == nil {
		return false, nil
	}
	err = writeFlushed(name, data, perm)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

// linked reports whether the link to temp was made, and whether err tells. An
// NFS server may have made it although it answers that it exists: the answer may
// be to the second copy of one request.
func linked(temp string, err error) (made, known bool) {
	if err == nil {
		return true, true
	}
	if !errors.Is(err, fs.ErrExist) {
		return false, false
	}
	info, statErr := os.Lstat(temp)
	return statErr == nil && filestat.Links(info) == 2, true
}

// writeFlushed writes a file that must not exist.
func writeFlushed(name string, data []byte, perm fs.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
