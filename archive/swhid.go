package archive

import (
	"bytes"
	"crypto/sha1" // SWHIDs are git's object ids
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"
)

// gitFolder is a folder of the payload as git would store it.
type gitFolder struct {
	files   map[string]*entry
	folders map[string]*gitFolder
}

// swhidOf returns the SoftWare Hash IDentifier (ISO/IEC 18670) of the files
// below dir. There are no empty folders and no links in a payload.
func (d *deposit) swhidOf(dir string) string {
	root := &gitFolder{files: map[string]*entry{}, folders: map[string]*gitFolder{}}
	for _, e := range d.entries {
		rest, ok := strings.CutPrefix(e.path, dir+"/")
		if !ok {
			continue
		}
		at := root
		for parent := range strings.SplitSeq(path.Dir(rest), "/") {
			if parent == "." {
				continue
			}
			if at.folders[parent] == nil {
				at.folders[parent] = &gitFolder{files: map[string]*entry{}, folders: map[string]*gitFolder{}}
			}
			at = at.folders[parent]
		}
		at.files[path.Base(rest)] = e
	}
	sum := root.sum()
	return "swh:1:dir:" + hex.EncodeToString(sum[:])
}

// sum is the id of the folder's tree object: entries in byte order of their
// names, those of folders taken with a slash at the end.
func (g *gitFolder) sum() [sha1.Size]byte {
	type item struct{ key, line string }
	var items []item
	for name, e := range g.files {
		mode := "100644"
		if e.mode&0o111 != 0 {
			mode = "100755"
		}
		items = append(items, item{name, mode + " " + name + "\x00" + string(e.git[:])})
	}
	for name, f := range g.folders {
		sum := f.sum()
		items = append(items, item{name + "/", "40000 " + name + "\x00" + string(sum[:])})
	}
	slices.SortFunc(items, func(a, b item) int { return strings.Compare(a.key, b.key) })
	var body bytes.Buffer
	for _, i := range items {
		body.WriteString(i.line)
	}
	h := sha1.New()
	fmt.Fprintf(h, "tree %d\x00", body.Len())
	h.Write(body.Bytes())
	return [sha1.Size]byte(h.Sum(nil))
}

func (e *entry) swhid() string { return "swh:1:cnt:" + hex.EncodeToString(e.git[:]) }

// swhids lists the identifiers of what an archive of source code may hold.
func (d *deposit) swhids() []byte {
	var b strings.Builder
	for _, dir := range []string{inputsDir, outputsDir} {
		if d.holds(dir) {
			fmt.Fprintf(&b, "%s  %s/\n", d.swhidOf(dir), dir)
		}
	}
	for _, e := range d.sorted() {
		if e.kind == "recipe" || e.kind == "input" {
			fmt.Fprintf(&b, "%s  %s\n", e.swhid(), e.path)
		}
	}
	return []byte(b.String())
}

// holds reports whether there is a file below dir.
func (d *deposit) holds(dir string) bool {
	return slices.ContainsFunc(d.entries, func(e *entry) bool { return strings.HasPrefix(e.path, dir+"/") })
}
