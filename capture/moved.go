package capture

import (
	"path"
	"slices"
)

// moved returns the record as if the experiment's folder had always been to,
// where it lies now: what it read there has gone with it.
func (r *Record) moved(to string) *Record {
	if r.Folder == to || r.Folder == "" {
		return r
	}
	at := func(name string) string {
		if rel, ok := below(name, r.Folder); ok {
			return path.Join(to, rel)
		}
		if name == r.Folder {
			return to
		}
		return name
	}
	m := *r
	m.Folder, m.was = to, r.Folder
	m.Steps = slices.Clone(r.Steps)
	for i := range m.Steps {
		s := &m.Steps[i]
		s.Dir = at(s.Dir)
		s.Programs = each(s.Programs, func(p *Program) { p.Path, p.Dir = at(p.Path), at(p.Dir) })
		s.Files = each(s.Files, func(f *File) { f.Path = at(f.Path) })
		s.Links = each(s.Links, func(l *Link) { l.Path = at(l.Path) })
		s.Folders = each(s.Folders, func(d *string) { *d = at(*d) })
		s.Listed = each(s.Listed, func(l *Listing) { l.Path = at(l.Path) })
		s.Written = each(s.Written, func(w *Written) { w.Path = at(w.Path) })
		s.NotTaken = each(s.NotTaken, func(o *Omission) { o.Name = at(o.Name) })
	}
	m.Packages = each(r.Packages, func(p *Package) {
		p.Where, p.Records = at(p.Where), each(p.Records, func(n *string) { *n = at(*n) })
	})
	return &m
}

// each returns a copy of list whose entries were changed.
func each[T any](list []T, change func(*T)) []T {
	list = slices.Clone(list)
	for i := range list {
		change(&list[i])
	}
	return list
}
