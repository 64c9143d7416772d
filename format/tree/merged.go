package tree

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
)

// Bounds on what a [View] keeps in memory of merged directories.
const (
	maxMerged      = 1 << 18
	maxMergedNames = 1 << 19 // kept to list and look up quickly
)

// merged is a directory that several layers hold, or the root.
type merged struct {
	mu    sync.Mutex
	parts []part // the topmost first
	dirs  []File // of the parts that are seen, once they were looked at

	known bool // the fields below
	list  []mergedName
	links uint32
}

// part is one name in a directory of a layer, or a layer's root.
type part struct {
	layer int
	root  bool
	dir   uint64
	name  Name
}

// mergedName is a name in a merged directory: its file or, of directories,
// those of all layers that may take part, the topmost first.
type mergedName []part

func (m mergedName) top() part { return m[0] }

func (v *View) mergedAt(id FileID) *merged {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.merged[id-1]
}

// read describes the file of a part.
func (v *View) read(p part) (File, error) {
	if p.root {
		return v.layers[p.layer].File(p.name.Ref)
	}
	return v.layers[p.layer].Enter(p.dir, p.name)
}

// directories returns the directories that m consists of, the topmost first:
// what an opaque one hides is left out. The caller holds m.mu.
func (v *View) directories(m *merged) ([]File, error) {
	if m.dirs != nil {
		return m.dirs, nil
	}
	var dirs []File
	for _, p := range m.parts {
		f, err := v.read(p)
		if err != nil {
			return nil, err
		}
		if dirs = append(dirs, f); f.Node.IsOpaque() {
			break
		}
	}
	m.dirs = dirs
	return dirs, nil
}

func (v *View) lookMerged(id FileID) (Seen, error) {
	m := v.mergedAt(id)
	_, links, err := v.listMerged(m)
	if err != nil {
		return Seen{}, err
	}
	m.mu.Lock()
	dirs, err := v.directories(m)
	m.mu.Unlock()
	if err != nil {
		return Seen{}, err
	}
	s := v.seen(m.parts[0].layer, dirs[0])
	s.ID, s.Links = id, links
	if id == RootID {
		s.Number = uint64(RootID)
	}
	return s, nil
}

// listMerged lists a merged directory and counts its links.
func (v *View) listMerged(m *merged) (list []mergedName, links uint32, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known {
		return m.list, m.links, nil
	}
	dirs, err := v.directories(m)
	if err != nil {
		return nil, 0, err
	}
	if list, err = v.merge(m.parts[:len(dirs)], dirs); err != nil {
		return nil, 0, err
	}
	links = 2
	for _, n := range list {
		if n.top().name.Type == fs.ModeDir {
			links++
		}
	}
	if v.mayKeep(len(list)) {
		m.list, m.links, m.known = list, links, true
	}
	return list, links, nil
}

// mayKeep reports whether n more names may be kept in memory.
func (v *View) mayKeep(n int) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.names+n > maxMergedNames {
		return false
	}
	v.names += n
	return true
}

// merge lists directories laid over each other, the topmost first.
func (v *View) merge(parts []part, dirs []File) ([]mergedName, error) {
	lists := make([][]Name, len(parts))
	for i, p := range parts {
		var err error
		if lists[i], err = v.layers[p.layer].Names(dirs[i].Ref); err != nil {
			return nil, err
		}
	}
	out := make([]mergedName, 0, len(lists[len(lists)-1]))
	for {
		name, ok := least(lists)
		if !ok {
			return out, nil
		}
		var all mergedName
		for i, list := range lists {
			if len(list) > 0 && list[0].Name == name {
				all = append(all, part{layer: parts[i].layer, dir: dirs[i].Ref, name: list[0]})
				lists[i] = list[1:]
			}
		}
		seen, err := v.unite(all)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
		if seen != nil && v.keeps(seen.top().name.Type) {
			out = append(out, seen)
		}
	}
}

// least returns the first of the names with which lists begin.
func least(lists [][]Name) (name string, ok bool) {
	for _, list := range lists {
		if len(list) > 0 && (!ok || list[0].Name < name) {
			name, ok = list[0].Name, true
		}
	}
	return name, ok
}

// unite returns what is seen where layers have all under one name, the topmost
// first: a file, or directories as far down as nothing else comes between them;
// nil where it is hidden.
func (v *View) unite(all mergedName) (mergedName, error) {
	if top := all.top(); top.name.Type != fs.ModeDir {
		hidden, err := v.isWhiteout(top.layer, top.dir, top.name)
		if hidden || err != nil {
			return nil, err
		}
		return all[:1], nil
	}
	below := slices.IndexFunc(all, func(p part) bool { return p.name.Type != fs.ModeDir })
	if below < 0 {
		return all, nil
	}
	return all[:below], nil
}

func (v *View) lookupMerged(m *merged, name string) (Seen, error) {
	list, _, err := v.listMerged(m)
	if err != nil {
		return Seen{}, err
	}
	i, ok := slices.BinarySearchFunc(list, name, func(n mergedName, name string) int {
		return strings.Compare(n.top().name.Name, name)
	})
	if !ok {
		return Seen{}, fs.ErrNotExist
	}
	return v.lookUnited(list[i])
}

// lookUnited describes the file of a name in a merged directory.
func (v *View) lookUnited(n mergedName) (Seen, error) {
	top := n.top()
	if len(n) == 1 {
		return v.enter(top.layer, top.dir, top.name)
	}
	id, err := v.mergedID(n)
	if err != nil {
		return Seen{}, err
	}
	return v.lookMerged(id)
}

// mergedID returns the ID of a merged directory, the same each time.
func (v *View) mergedID(parts []part) (FileID, error) {
	top := parts[0]
	v.mu.Lock()
	defer v.mu.Unlock()
	if id, ok := v.byTop[top]; ok {
		return id, nil
	}
	if len(v.merged) >= maxMerged {
		return 0, fmt.Errorf("more than %d directories that several layers hold", maxMerged)
	}
	v.merged = append(v.merged, &merged{parts: parts})
	id := FileID(len(v.merged))
	v.byTop[top] = id
	return id, nil
}
