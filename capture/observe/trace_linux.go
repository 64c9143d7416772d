//go:build linux && (amd64 || arm64)

package observe

import (
	"encoding/binary"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// trace follows files by the system calls that name them: the way [Calls].
// Names are resolved before the call is made, as they are then.
type trace struct {
	own, copies string // folder of the experiment; where what is changed is copied to first
	files       map[string]*File
	changed     map[string]string // path → copy of what was there; "" for nothing, or nothing kept
	seen        map[sight]bool
	real        map[string]string // folders without links
	copied      int
	depth       int // of folders that are being resolved
}

// maxLinks bounds the symbolic links on one way, as the kernel does, and here
// also how deep folders lie in each other.
const maxLinks = 256

// sight is one name that was looked up in one way.
type sight struct {
	name   string
	access Access
}

func newTrace(own, copies string) *trace {
	return &trace{own: own, copies: copies, files: map[string]*File{}, changed: map[string]string{}, seen: map[sight]bool{}, real: map[string]string{"/": "/"}}
}

// ofKernel are folders whose files are made by the kernel, or by services of
// this machine, when they are looked at.
var ofKernel = []string{"/proc", "/sys", "/dev", "/run"}

func isOfKernel(name string) bool {
	for _, dir := range ofKernel {
		if inside(name, dir) {
			return true
		}
	}
	return false
}

// handle does what must be done before the call c is made.
func (r *trace) handle(t target, c call, args [6]uint64) func() {
	full, ok := t.argument(c.dir, c.path, args)
	if !ok {
		return nil
	}
	switch c.does {
	case opens:
		r.open(full, int(args[c.flags]))
	case opensHow:
		if how := t.bytes(args[c.flags], t.words[:8]); len(how) == 8 {
			r.open(full, int(binary.NativeEndian.Uint64(how)))
		}
	case makes:
		r.open(full, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC)
	case looks:
		r.note(full, Looked, true)
	case looksAt:
		r.note(full, Looked, false)
	case looksFlags:
		r.note(full, Looked, args[c.flags]&unix.AT_SYMLINK_NOFOLLOW == 0)
	case changes:
		r.change(r.resolve(full, false))
	case moves:
		if to, ok := t.argument(c.dir2, c.path2, args); ok {
			r.move(r.resolve(full, false), r.resolve(to, false))
		}
	case links:
		r.note(full, Looked, false)
		if to, ok := t.argument(c.dir2, c.path2, args); ok {
			r.change(r.resolve(to, false))
		}
	}
	return nil
}

// open notes that a file is opened with some flags of open(2).
func (r *trace) open(full string, flags int) {
	if flags&unix.O_TMPFILE == unix.O_TMPFILE {
		return
	}
	follow := flags&unix.O_NOFOLLOW == 0
	writes := flags&unix.O_ACCMODE != unix.O_RDONLY || flags&(unix.O_CREAT|unix.O_TRUNC) != 0
	if flags&unix.O_PATH != 0 {
		r.note(full, Looked, follow)
		return
	}
	switch {
	case isUpdate(flags):
		r.note(full, Looked|Updated, follow)
	case flags&unix.O_TRUNC == 0: // what is appended to, counts as it is
		r.note(full, Looked|Read, follow)
	}
	if writes && flags&unix.O_DIRECTORY == 0 {
		real := r.resolve(full, follow)
		if flags&(unix.O_ACCMODE|unix.O_TRUNC) == unix.O_RDONLY { // perhaps creates it
			if _, err := os.Lstat(real); err == nil {
				return
			}
		}
		r.change(real)
	}
}

// note notes an access to what stands at a name, if anything does.
func (r *trace) note(full string, access Access, follow bool) {
	if r.seen[sight{full, access}] && follow {
		return
	}
	real := r.resolve(full, follow)
	if isOfKernel(real) {
		return
	}
	if _, ours := r.changed[real]; ours {
		return // the command's own by now
	}
	f := r.files[real]
	if f == nil {
		f = look1(real)
		if f == nil {
			return
		}
		r.files[real] = f
	}
	if f.Mode.IsDir() && access&Read != 0 {
		access = Looked | Listed
	}
	f.Access |= access
	if follow {
		r.seen[sight{full, access}] = true
	}
}

// executed notes what the kernel reads to start a program: interpreters of
// first lines, and the loader that an ELF header names.
func (r *trace) executed(t target, full string) func() {
	return func() {
		for range 5 { // as deep as Linux goes
			if isOfKernel(full) {
				return
			}
			r.note(full, Looked|Read|Executed, true)
			next := starter(r.resolve(full, true))
			if next == "" {
				return
			}
			full = next
		}
	}
}

// resolve follows symbolic links, all but perhaps the last, and notes them. It
// returns the path without links, also where nothing stands at its end.
func (r *trace) resolve(full string, follow bool) string {
	full = path.Clean(full)
	if full == "/" || r.depth > maxLinks { // links that lead in a circle lead nowhere
		return full
	}
	r.depth++
	defer func() { r.depth-- }()
	dir := r.folder(path.Dir(full))
	real := path.Join(dir, path.Base(full))
	for range maxLinks {
		if !follow {
			return real
		}
		target, err := os.Readlink(real)
		if err != nil {
			return real
		}
		r.noteLink(real, target)
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(real), target)
		}
		real = path.Join(r.folder(path.Dir(path.Clean(target))), path.Base(target))
	}
	return real
}

// folder resolves the path of a folder.
func (r *trace) folder(dir string) string {
	if real, ok := r.real[dir]; ok {
		return real
	}
	real := r.resolve(dir, true)
	if f := look1(real); f != nil && f.Mode.IsDir() {
		r.real[dir] = real
		if _, ours := r.changed[real]; !ours && r.files[real] == nil {
			f.Access = Looked
			r.files[real] = f
		}
	}
	return real
}

func (r *trace) noteLink(name, target string) {
	if _, ours := r.changed[name]; ours || r.files[name] != nil {
		return
	}
	if f := look1(name); f != nil {
		f.Target, f.Access = target, Looked
		r.files[name] = f
	}
}

// change keeps what stands at a path, which is about to be changed.
func (r *trace) change(real string) {
	if _, done := r.changed[real]; done || isOfKernel(real) {
		return
	}
	info, err := os.Lstat(real)
	if err == nil && info.IsDir() {
		return // made before, or removed when empty: no content
	}
	r.changed[real] = ""
	if err != nil || !(info.Mode().IsRegular() || info.Mode()&fs.ModeSymlink != 0) {
		return
	}
	known := r.files[real]
	if !inside(real, r.own) && (known == nil || known.Access&Read == 0) {
		return // nobody will ask what it held
	}
	r.copied++
	copy := filepath.Join(r.copies, strconv.Itoa(r.copied))
	if copyFile(real, copy) == nil {
		r.changed[real] = copy
	}
}

// move is for rename(2): of a folder, all that it holds moves along.
func (r *trace) move(from, to string) {
	info, err := os.Lstat(from)
	if err != nil {
		return
	}
	if !info.IsDir() {
		r.change(from)
		r.change(to)
		return
	}
	const most = 20_000
	n := 0
	_ = filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if n++; err != nil || n > most {
			return fs.SkipAll
		}
		if !d.IsDir() {
			r.change(name)
			r.change(to + strings.TrimPrefix(name, from))
		}
		return nil
	})
	clear(r.real)
	clear(r.seen)
}

// result returns what was seen, after the command.
func (r *trace) result() (files []File, changes []Change) {
	for _, f := range r.files {
		files = append(files, *f)
	}
	for name, before := range r.changed {
		c := Change{Path: name, Before: before}
		if info, err := os.Lstat(name); err == nil && !info.IsDir() {
			c.Link = info.Mode()&fs.ModeSymlink != 0
			if c.Link || info.Mode().IsRegular() {
				c.After = name
			}
		}
		if c.Before != "" || c.After != "" {
			changes = append(changes, c)
		}
	}
	return files, changes
}

// look1 describes what stands at a path, or nil.
func look1(name string) *File {
	var st unix.Stat_t
	if unix.Lstat(name, &st) != nil {
		return nil
	}
	f := fileOf(name, &st)
	if f.Mode&fs.ModeSymlink != 0 {
		f.Target, _ = os.Readlink(name)
	}
	return f
}

func fileOf(name string, st *unix.Stat_t) *File {
	mode := fs.FileMode(st.Mode & 0o777)
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		mode |= fs.ModeDir
	case unix.S_IFLNK:
		mode |= fs.ModeSymlink
	case unix.S_IFREG:
	default:
		mode |= fs.ModeIrregular
	}
	return &File{Path: name, Mode: mode, Size: st.Size, ID: identityOf(st)}
}

func identityOf(st *unix.Stat_t) Identity {
	return Identity{Device: st.Dev, Inode: st.Ino, Size: st.Size, Modified: st.Mtim.Nano(), Changed: st.Ctim.Nano()}
}

// copyFile copies a regular file or a symbolic link, with its permissions and
// times. On filesystems that can, the copy shares the blocks of the original.
func copyFile(from, to string) error {
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	if unix.IoctlFileClone(int(out.Fd()), int(in.Fd())) != nil {
		if _, err := io.Copy(out, in); err != nil {
			return err
		}
	}
	if err := out.Chmod(info.Mode().Perm()); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}
