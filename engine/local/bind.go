package local

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"repro/internal/sandbox"
)

// Bind shows a file or directory of the machine's to programs.
type Bind struct {
	Source string // absolute
	Target string // absolute, in the image
	Write  bool
}

// String is the bind as a command line has it.
func (b Bind) String() string {
	if b.Write {
		return b.Source + ":" + b.Target + ":rw"
	}
	return b.Source + ":" + b.Target
}

// BindTexts are binds as a command line has them.
func BindTexts(binds []Bind) (texts []string) {
	for _, b := range binds {
		texts = append(texts, b.String())
	}
	return texts
}

func sandboxBinds(binds []Bind) (out []sandbox.Bind) {
	for _, b := range binds {
		out = append(out, sandbox.Bind(b))
	}
	return out
}

// CheckBinds refuses binds through which programs would see what they must not:
// hidden maps the path of each such file to what it is. It also refuses to bind
// what lies in a folder that programs may write to: one of them could put a link
// in its place before the next is shown it.
func CheckBinds(binds []Bind, hidden map[string]string) error {
	sources := make([]string, len(binds)) // free of links
	for i, b := range binds {
		var err error
		if sources[i], err = filepath.EvalSymlinks(b.Source); err != nil {
			return fmt.Errorf("bind: %w", err)
		}
	}
	for i, b := range binds {
		for _, name := range slices.Sorted(maps.Keys(hidden)) {
			file, err := filepath.Abs(name)
			if err == nil {
				file, err = filepath.EvalSymlinks(file)
			}
			if err != nil {
				continue // not where it was when it was opened
			}
			if isWithin(file, sources[i]) {
				return fmt.Errorf("bind %s: it holds %s, %s: bind a folder below it, or move that", b.Source, hidden[name], file)
			}
			if isWithin(sources[i], file) {
				return fmt.Errorf("bind %s: it is part of %s, %s", b.Source, hidden[name], file)
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
