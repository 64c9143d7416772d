package build

import (
	"encoding/binary"
	"io"
	"path"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"repro/format/tree"
)

// pycache is where Python keeps caches of the sources beside it.
const pycache = "__pycache__"

// sourceTimes keeps Python's caches valid. A cache of the usual kind (PEP 552,
// flags 0) records the time and the size of the source that it was compiled
// from, and Python compiles again, on every start, if the source has another
// time. So a source gets the time that its cache records, which depends on
// contents alone. Of several caches, the last in byte order whose size fits
// counts. The source may be a symbolic link (Debian has one for
// sitecustomize).
func sourceTimes(root *tree.Node, folders []string) {
	slices.Sort(folders)
	found := make([][]sourceTime, len(folders))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0)) // a good part of the time is that of opening files
	for i, at := range folders {
		g.Go(func() error {
			found[i] = timesIn(root, at)
			return nil
		})
	}
	_ = g.Wait()
	for _, s := range slices.Concat(found...) {
		s.source.ModTime = s.time
	}
}

type sourceTime struct {
	source *tree.Node
	time   int64
}

// timesIn returns what the caches of one folder record, in byte order.
func timesIn(root *tree.Node, at string) (found []sourceTime) {
	cache := root.Lookup(path.Join(at, pycache))
	for _, name := range cache.Names() {
		module, rest, ok := strings.Cut(name, ".")
		if !ok || !strings.HasPrefix(rest, "cpython-") || !strings.HasSuffix(rest, ".pyc") {
			continue
		}
		_, source := follow(root, path.Join("/", at, module+".py"))
		if source == nil || !source.Mode.IsRegular() {
			continue
		}
		if mtime, size, ok := recorded(cache.Entries[name]); ok && int64(size) == source.Size&0xffffffff {
			found = append(found, sourceTime{source, int64(mtime)})
		}
	}
	return found
}

// recorded returns the time and size of the source that a cache records.
func recorded(n *tree.Node) (mtime, size uint32, ok bool) {
	if !n.Mode.IsRegular() || n.Size < 16 {
		return 0, 0, false
	}
	r, err := n.Content()
	if err != nil {
		return 0, 0, false
	}
	defer r.Close()
	var head [16]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, 0, false
	}
	flags := binary.LittleEndian.Uint32(head[4:])
	return binary.LittleEndian.Uint32(head[8:]), binary.LittleEndian.Uint32(head[12:]), flags == 0 && string(head[2:4]) == "\r\n"
}
