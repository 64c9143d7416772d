package draft

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"repro/internal/pattern"
)

// maxScripts bounds the scripts that are looked through for each other's names.
const maxScripts = 200

// scripts takes the scripts of the folder that no other script uses, at the
// top or, if there are none, in the folder nearest to it: the one whose
// name says that it is to be started, or all of them by their names.
func (w *draft) scripts() (steps []step) {
	var all []found
	for _, f := range w.files {
		if f.use == useCode && f.lang != "" && !installs(f.name) && !isHelper(f.name) && !w.defines(f) && len(all) < maxScripts {
			all = append(all, f)
		}
	}
	if len(all) == 0 {
		return nil
	}
	dir := path.Dir(slices.MinFunc(all, func(a, b found) int { return strings.Count(a.name, "/") - strings.Count(b.name, "/") }).name)
	all = slices.DeleteFunc(w.unused(all), func(f found) bool { return path.Dir(f.name) != dir })
	var first []found
	for _, f := range all {
		if starts(f.name) {
			first = append(first, f)
		}
	}
	if len(first) == 1 {
		all = first
	}
	slices.SortFunc(all, func(a, b found) int { return natural(a.name, b.name) })
	for _, f := range all[:min(len(all), maxCommands)] {
		s := step{command: f.command(), from: f.name}
		if len(all) > 1 {
			s.from += "; one of several, in the order of their names"
		}
		steps = append(steps, s)
	}
	if dir == "." {
		return steps
	}
	return w.startIn(dir, steps, false)
}

// unused returns the scripts that no other one imports or names.
func (w *draft) unused(all []found) (roots []found) {
	texts := make([]string, len(all))
	for i, f := range all {
		texts[i] = string(peek(w.root, f.name))
	}
	for i, f := range all {
		base := path.Base(f.name)
		stem := regexp.QuoteMeta(strings.TrimSuffix(base, path.Ext(base)))
		uses := pattern.New(`(?m)["'/ ]` + regexp.QuoteMeta(base) + `\b|^\s*(?:from\s+\.?|import\s+(?:[\w., ]+,\s*)?)` + stem + `\b`)
		if !slices.ContainsFunc(texts, func(text string) bool { return text != texts[i] && uses.MatchString(text) }) {
			roots = append(roots, f)
		}
	}
	if len(roots) == 0 {
		return all // each names another
	}
	return roots
}

var helperNames = pattern.New(`(?i)(^|/)(tests?|conftest|__init__|utils?|helpers?|functions?|lib)(/|\.|_|$)`)

// isHelper knows scripts that are there for others, or for tests.
func isHelper(name string) bool { return helperNames.MatchString(name) }

// starts reports whether a script's name says that it is the one to start.
func starts(name string) bool {
	stem := strings.ToLower(strings.TrimSuffix(path.Base(name), path.Ext(name)))
	for _, word := range []string{"start_here", "run_all", "runall", "master", "reproduce"} {
		if strings.Contains(stem, word) {
			return true
		}
	}
	for _, word := range []string{"main", "run", "start"} {
		if strings.HasPrefix(stem, word) {
			return true
		}
	}
	return false
}

var digits = pattern.New(`[0-9]+`)

// natural compares names as people order them: fig2 before fig10.
func natural(a, b string) int {
	pad := func(s string) string {
		return digits.Regexp().ReplaceAllStringFunc(s, func(d string) string {
			n, err := strconv.Atoi(d)
			if err != nil {
				return d
			}
			return strings.Repeat("0", max(0, 18-len(strconv.Itoa(n)))) + strconv.Itoa(n)
		})
	}
	return strings.Compare(pad(a), pad(b))
}

var firstStatement = pattern.New(`(?m)^[ \t]*([^%#\s][^\n]*)`)

// defines reports whether an Octave file only defines a function for others.
func (w *draft) defines(f found) bool {
	if f.lang != "octave" {
		return false
	}
	m := firstStatement.Regexp().FindSubmatch(peek(w.root, f.name))
	return m != nil && (strings.HasPrefix(string(m[1]), "function") || strings.HasPrefix(string(m[1]), "classdef"))
}
