package mount

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path"
	"strings"

	"repro/format/tree"
)

// Bounds on what [Prefetch] reads.
const (
	maxPrefetch      = 12 << 20 // bytes, decompressed
	maxPrefetchFiles = 64
	maxFirstLine     = 256 // bytes, as in Linux
)

// Prefetch reads into the caches of v's layers what the start of a program will
// read: the program, the interpreter that its first line or its ELF header names,
// the libraries that it needs, and the directories on their paths. Done while a
// sandbox is being built, it lets the program start without waiting for the disk.
//
// Program is a path, or a name that is searched for in the folders of search, a
// value of PATH. Relative paths are ignored. Errors and limits end it silently:
// the program itself meets the error. Prefetch returns when all is read or ctx
// ended.
func Prefetch(ctx context.Context, v *tree.View, program, search string) {
	w := &prefetcher{ctx: ctx, v: v, seen: map[tree.FileID]bool{}, room: maxPrefetch}
	for _, name := range candidates(program, search) {
		if w.program(name) {
			return
		}
	}
}

func candidates(program, search string) (names []string) {
	if strings.Contains(program, "/") {
		return []string{program}
	}
	for folder := range strings.SplitSeq(search, ":") {
		names = append(names, path.Join(folder, program))
	}
	return names
}

type prefetcher struct {
	ctx  context.Context
	v    *tree.View
	seen map[tree.FileID]bool // files that were read, or could not be
	room int64                // bytes
}

// found is a file that was read.
type found struct {
	r    io.ReaderAt
	dir  string // the folder in which it was looked for
	size int64
}

// program reads what the program at name will read; false if it does not exist.
func (w *prefetcher) program(name string) bool {
	for range 5 { // interpreters of interpreters, as in Linux
		f, ok := w.file(name)
		if !ok {
			return false
		}
		first := make([]byte, min(maxFirstLine, f.size))
		if _, err := f.r.ReadAt(first, 0); err != nil && err != io.EOF || !bytes.HasPrefix(first, []byte("#!")) {
			w.loaded(f)
			return true
		}
		line, _, _ := bytes.Cut(first[2:], []byte("\n"))
		words := strings.Fields(string(line))
		if len(words) == 0 {
			return true
		}
		name = words[0]
	}
	return true
}

// loaded reads what the ELF file f needs.
func (w *prefetcher) loaded(f found) {
	queue := []found{f}
	for len(queue) > 0 {
		f, queue = queue[0], queue[1:]
		n, err := readELF(f.r)
		if err != nil {
			continue
		}
		if n.interp != "" {
			w.file(n.interp)
		}
		for _, name := range n.needed {
			if lib, ok := w.findLibrary(name, n, f.dir); ok {
				queue = append(queue, lib)
			}
		}
	}
}

// findLibrary finds and reads a library where a loader without further settings
// finds it.
func (w *prefetcher) findLibrary(name string, n elfNeeds, origin string) (found, bool) {
	if strings.Contains(name, "/") {
		return w.file(name)
	}
	for _, folder := range append(expand(n.folders, origin), libraryFolders[n.machine]...) {
		if f, ok := w.file(path.Join(folder, name)); ok {
			return f, true
		}
	}
	return found{}, false
}

// libraryFolders are where loaders look, as Debian and others have them.
var libraryFolders = map[uint16][]string{
	machineX86:   {"/lib/x86_64-linux-gnu", "/usr/local/lib", "/lib64", "/lib"},
	machineARM64: {"/lib/aarch64-linux-gnu", "/usr/local/lib", "/lib64", "/lib"},
}

func expand(lists []string, origin string) (folders []string) {
	for _, list := range lists {
		for folder := range strings.SplitSeq(list, ":") {
			folder = strings.NewReplacer("$ORIGIN", origin, "${ORIGIN}", origin).Replace(folder)
			if path.IsAbs(folder) {
				folders = append(folders, folder)
			}
		}
	}
	return folders
}

var errLimit = errors.New("limit of prefetching reached")

// file reads the file at name once; false if that is not possible, or was done
// before.
func (w *prefetcher) file(name string) (found, bool) {
	if !path.IsAbs(name) || w.ctx.Err() != nil || len(w.seen) >= maxPrefetchFiles {
		return found{}, false
	}
	s, err := w.v.Resolve(name)
	if err != nil || w.seen[s.ID] || !s.Node.Mode.IsRegular() {
		return found{}, false
	}
	w.seen[s.ID] = true
	c, err := s.Node.Content()
	if err != nil {
		return found{}, false
	}
	defer c.Close()
	r, ok := c.(interface {
		cachedContent
		io.ReaderAt
	})
	if !ok {
		return found{}, false
	}
	for at := int64(0); at < s.Node.Size; at += int64(r.Unit()) {
		if err := w.unit(r, at, s.Node.Size); err != nil {
			break // the headers may have been read
		}
	}
	return found{r, path.Dir(name), s.Node.Size}, true
}

func (w *prefetcher) unit(f cachedContent, at, size int64) error {
	if w.room < 0 || w.ctx.Err() != nil {
		return errLimit
	}
	w.room -= min(int64(f.Unit()), size-at)
	_, release, err := f.Lend(at, 0)
	if err == nil {
		release()
	}
	return err
}
