//go:build linux && (amd64 || arm64)

package observe

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// place is a folder that the command may write to: an overlay of the view's.
type place struct {
	Path  string // on the machine
	Upper string // what the command writes there
	Work  string // for the kernel
}

// writable returns the places of a command: its working folder and that of the
// experiment, the home folder, those for temporary files, and what was asked
// for, as far as they are there and can be written to.
func writable(c Command) (places []string) {
	all := append([]string{c.Dir, c.Own, "/tmp", "/var/tmp"}, c.Writable...)
	for _, name := range []string{"HOME", "TMPDIR"} {
		all = append(all, variable(c.Env, name))
	}
	for _, dir := range all {
		if !path.IsAbs(dir) {
			continue
		}
		real, err := filepath.EvalSymlinks(dir)
		if err != nil || real == "/" || isOfKernel(real) || unix.Access(real, unix.W_OK) != nil {
			continue
		}
		if info, err := os.Stat(real); err == nil && info.IsDir() {
			places = append(places, real)
		}
	}
	return outermost(places)
}

// variable returns the value of a variable in env, the last one if it stands
// there twice.
func variable(env []string, name string) (value string) {
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			value = v
		}
	}
	return value
}

// makePlaces makes the folders of overlays below scratch.
func makePlaces(scratch string, dirs []string) (places []place, err error) {
	for i, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil {
			return nil, err
		}
		p := place{Path: dir, Upper: filepath.Join(scratch, "upper"+strconv.Itoa(i)), Work: filepath.Join(scratch, "work"+strconv.Itoa(i))}
		for _, d := range []string{p.Upper, p.Work} {
			if err := os.Mkdir(d, 0o700); err != nil {
				return nil, err
			}
		}
		if err := os.Chmod(p.Upper, info.Mode().Perm()|info.Mode()&fs.ModeSticky); err != nil {
			return nil, err
		}
		if st, ok := info.Sys().(*unixStat); ok && os.Geteuid() == 0 {
			_ = os.Lchown(p.Upper, int(st.Uid), int(st.Gid)) // refused in a container that has no such user
		}
		places = append(places, p)
	}
	return places, nil
}

// changes lists what an overlay's upper layer holds, in terms of the machine.
func (p place) changes() (all []Change, folders []string, err error) {
	err = filepath.WalkDir(p.Upper, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrPermission) {
				return nil // a folder that the command closed even to itself
			}
			return err
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(name, p.Upper), "/")
		real := path.Join(p.Path, rel)
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case rel == "":
		case d.IsDir():
			if opaque(name) {
				all = append(all, removed(real)...)
			}
			folders = append(folders, real)
		case info.Mode().IsRegular() || info.Mode()&fs.ModeSymlink != 0:
			all = append(all, Change{Path: real, Before: existing(real), After: name, Link: info.Mode()&fs.ModeSymlink != 0})
		case isWhiteout(info):
			all = append(all, removed(real)...)
		}
		return nil
	})
	return all, folders, err
}

// removed lists what stands at a path, all of which is gone.
func removed(real string) (all []Change) {
	_ = filepath.WalkDir(real, func(name string, d fs.DirEntry, err error) error {
		if err == nil && (d.Type().IsRegular() || d.Type()&fs.ModeSymlink != 0) {
			all = append(all, Change{Path: name, Before: name})
		}
		return nil
	})
	return all
}

// existing returns name if a file or link stands there.
func existing(name string) string {
	if info, err := os.Lstat(name); err == nil && (info.Mode().IsRegular() || info.Mode()&fs.ModeSymlink != 0) {
		return name
	}
	return ""
}

// opaque reports whether an upper folder hides the one below it.
func opaque(name string) bool {
	var b [8]byte
	n, err := unix.Lgetxattr(name, "user.overlay.opaque", b[:])
	return err == nil && n == 1 && b[0] == 'y'
}

// isWhiteout reports whether an upper file says that one below was removed.
func isWhiteout(info fs.FileInfo) bool {
	st, ok := info.Sys().(*unixStat)
	return ok && info.Mode()&fs.ModeCharDevice != 0 && st.Rdev == 0
}

// merged drops what two entries of an upper layer say of one path: a folder
// that was removed and made anew says it of each file below.
func merged(all []Change) []Change {
	byPath := map[string]Change{}
	for _, c := range all {
		old, ok := byPath[c.Path]
		if ok && c.After == "" {
			c.After, c.Link = old.After, old.Link
		}
		if ok && c.Before == "" {
			c.Before = old.Before
		}
		byPath[c.Path] = c
	}
	out := make([]Change, 0, len(byPath))
	for _, c := range byPath {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return out
}
