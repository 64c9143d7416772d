package run

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
)

// checkBinds refuses to show programs what they must not see at any other
// place than where it is: files called names, with what each is. It also
// refuses what a program could replace by a link before another one is shown
// it: what lies in a folder that is bound to be written to.
func checkBinds(binds []Bind, names map[string]string) error {
	sources := make([]string, len(binds)) // free of links
	for i, b := range binds {
		var err error
		if sources[i], err = filepath.EvalSymlinks(b.Source); err != nil {
			return fmt.Errorf("bind: %w", err)
		}
	}
	for i, b := range binds {
		for _, name := range slices.Sorted(maps.Keys(names)) {
			file, err := filepath.Abs(name)
			if err == nil {
				file, err = filepath.EvalSymlinks(file)
			}
			if err != nil {
				continue // not where it was when it was opened
			}
			if isWithin(file, sources[i]) {
				return fmt.Errorf("bind %s: it holds %s, %s: bind a folder below it, or move that", b.Source, names[name], file)
			}
			if isWithin(sources[i], file) {
				return fmt.Errorf("bind %s: it is part of %s, %s", b.Source, names[name], file)
			}
		}
		for j, other := range binds {
			// The path as it was given, too: a link on it may be in that folder.
			inside := isWithin(sources[i], sources[j]) || isWithin(b.Source, sources[j])
			if other.Write && inside && sources[i] != sources[j] {
				return fmt.Errorf("bind %s: it lies in %s, which programs may write to: they could put a link in its place; bind the one or the other", b.Source, other.Source)
			}
		}
	}
	return nil
}

// isWithin reports whether the path name is dir, or below it.
func isWithin(name, dir string) bool {
	rel, err := filepath.Rel(dir, name)
	return err == nil && filepath.IsLocal(rel)
}
