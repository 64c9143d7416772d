package tree

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

// Resolve describes the file that name leads to. Links are followed as a
// process whose root is the view would follow them: absolute targets begin at
// its root, and nothing leads outside. Where nothing is seen, the error is
// [fs.ErrNotExist].
func (v *View) Resolve(name string) (Seen, error) {
	root, err := v.Look(RootID)
	if err != nil {
		return Seen{}, err
	}
	at := []Seen{root} // the directories that lead here
	rest := strings.Split(name, "/")
	for links := 0; len(rest) > 0; {
		elem := rest[0]
		rest = rest[1:]
		here := at[len(at)-1]
		switch {
		case elem == "" || elem == ".":
			continue
		case elem == "..":
			at = at[:max(len(at)-1, 1)]
			continue
		case !here.Node.IsDir():
			return Seen{}, fs.ErrNotExist
		}
		next, err := v.Lookup(here.ID, elem)
		if err != nil {
			return Seen{}, err
		}
		if next.Node.Mode.Type() != fs.ModeSymlink {
			at = append(at, next)
			continue
		}
		if links++; links > maxResolveLinks {
			return Seen{}, errors.New("too many levels of symbolic links")
		}
		if path.IsAbs(next.Node.Target) {
			at = at[:1]
		}
		if rest = append(strings.Split(next.Node.Target, "/"), rest...); len(rest) > maxResolvePath {
			return Seen{}, errors.New("name too long")
		}
	}
	return at[len(at)-1], nil
}
