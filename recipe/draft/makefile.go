package draft

import (
	"path"
	"slices"
	"strings"

	"repro/internal/pattern"
)

var targetLine = pattern.New(`(?m)^([A-Za-z0-9_./ -]+?)\s*:(?:[^=:]|$)`)

// goal returns the word all, if the Makefile has a target of that name and
// would make another.
func (w *draft) goal(makefile string) []string {
	first := true
	for _, m := range targetLine.Regexp().FindAllSubmatch(peek(w.root, makefile), -1) {
		switch name := string(m[1]); {
		case strings.HasPrefix(name, "."): // .PHONY and the like are no goals
		case name != "all":
			first = false
		case first:
			return nil
		default:
			return []string{"all"}
		}
	}
	return nil
}

var madeLine = pattern.New(`(?m)^([A-Za-z0-9_./ -]+?)[ \t]*:[ \t]*([^=:#\s].*)$`)

// markTargets takes what a Makefile makes of other files for what it is: no data,
// which the steps would find there, but a result, or something on the way to one.
// A target without prerequisites may be one that is fetched, and stays data.
func (w *draft) markTargets() {
	for i, f := range w.files {
		if f.use != useCode || !slices.Contains([]string{"Makefile", "makefile", "GNUmakefile"}, path.Base(f.name)) {
			continue
		}
		made := map[string]bool{}
		for _, m := range madeLine.Regexp().FindAllSubmatch(peek(w.root, w.files[i].name), -1) {
			for target := range strings.FieldsSeq(string(m[1])) {
				made[path.Join(path.Dir(f.name), target)] = true
			}
		}
		for j, g := range w.files {
			if !made[g.name] || g.use != useData {
				continue
			}
			w.files[j].use = useOther
			if slices.Contains(resultKinds, strings.ToLower(path.Ext(g.name))) {
				w.files[j].use = useResult
			}
		}
	}
}
