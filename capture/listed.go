package capture

import (
	"os"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// Listing is a folder of the experiment whose names a step read, and the files
// that were there: one that is added later, the step would find.
type Listing struct {
	Path  string   `json:"path"`
	Names []string `json:"names"`
}

// maxNames bounds the folders that are remembered: larger ones are no folders
// into which an author puts a file by hand.
const maxNames = 10_000

// listing is that of a folder now, without what the step itself wrote there.
func (t *taking) listing(dir string) (Listing, bool) {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > maxNames {
		return Listing{}, false
	}
	l := Listing{Path: dir, Names: []string{}}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		c := t.changes[name]
		if e.Type().IsRegular() && (c == nil || c.Before != "") && !t.isOurs(name) && utf8.ValidString(name) {
			l.Names = append(l.Names, e.Name())
		}
	}
	return l, true
}

// Added returns files that lie now in a folder which a step listed, that were not
// there then, and that are of the kind of something which the steps read in it,
// by their extension. The record is as of the folder that it lies in.
func (r *Record) Added(folder string) (names []string) {
	r = r.moved(folder)
	kinds, made := map[string]bool{}, r.makers()
	for _, s := range r.Steps {
		for _, f := range s.Files {
			if rel, own := r.ownFile(f.Path); own && f.Read && !isCode(rel, f, s) && path.Ext(rel) != "" {
				kinds[path.Dir(rel)+"\x00"+path.Ext(rel)] = true
			}
		}
	}
	for _, s := range r.Steps {
		for _, l := range s.Listed {
			entries, _ := os.ReadDir(l.Path)
			for _, e := range entries {
				rel, own := r.ownFile(path.Join(l.Path, e.Name()))
				_, isMade := made[rel]
				if own && e.Type().IsRegular() && !isMade && kinds[path.Dir(rel)+"\x00"+path.Ext(rel)] &&
					!slices.Contains(l.Names, e.Name()) && !strings.HasPrefix(e.Name(), ".") {
					names = append(names, rel)
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
