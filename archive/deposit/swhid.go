package deposit

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
	files   map[string]*Entry
	folders map[string]*gitFolder
}

// SWHID returns the SoftWare Hash IDentifier (ISO/IEC 18670) of the files
// below dir. There are no empty folders and no links in a payload.
func (d *Deposit) SWHID(dir string) string {
	root := &gitFolder{files: map[string]*Entry{}, folders: map[string]*gitFolder{}}
	for _, e := range d.Entries {
		rest, ok := strings.CutPrefix(e.Path, dir+"/")
		if !ok {
			continue
		}
		at := root
		for parent := range strings.SplitSeq(path.Dir(rest), "/") {
			if parent == "." {
				continue
			}
			if at.folders[parent] == nil {
				at.folders[parent] = &gitFolder{files: map[string]*Entry{}, folders: map[string]*gitFolder{}}
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
		if e.Mode&0o111 != 0 {
			mode = "100755"
		}
		items = append(items, item{name, mode + " " + name + "\x00" + string(e.Git[:])})
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

// SWHID returns the identifier of a file that was hashed for it.
func (e *Entry) SWHID() string { return "swh:1:cnt:" + hex.EncodeToString(e.Git[:]) }

// SWHIDs lists the identifiers of what an archive of source code may hold.
func (d *Deposit) SWHIDs() []byte {
	var b strings.Builder
	for _, dir := range []string{Inputs, Outputs} {
		if d.Holds(dir) {
			fmt.Fprintf(&b, "%s  %s/\n", d.SWHID(dir), dir)
		}
	}
	for _, e := range d.Sorted() {
		if e.Kind == "recipe" || e.Kind == "input" {
			fmt.Fprintf(&b, "%s  %s\n", e.SWHID(), e.Path)
		}
	}
	return []byte(b.String())
}
