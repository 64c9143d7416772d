package recipe

import (
	"fmt"
	"path"
	"strings"
)

// checkPath returns what is wrong with s as a path below the recipe's folder.
// SPEC.md, RCP-7.
func checkPath(s string) string {
	switch {
	case len(s) > MaxPath:
		return fmt.Sprintf("longer than %d bytes", MaxPath)
	case strings.HasPrefix(s, "/"):
		return "starts with /: paths are relative to the recipe's folder, so that they mean the same on every machine"
	case s == "~" || strings.HasPrefix(s, "~/"):
		return "starts with ~: paths are relative to the recipe's folder"
	case strings.Contains(s, `\`):
		return `has a backslash: separate folders with /`
	}
	for elem := range strings.SplitSeq(s, "/") {
		if elem == ".." {
			return "has .. in it: everything that an image holds lies in the recipe's folder or below"
		}
		if len(elem) > 255 {
			return "a name in it is longer than 255 bytes"
		}
	}
	return ""
}

// IsGlob reports whether s has a wildcard.
func IsGlob(s string) bool { return strings.ContainsAny(s, "*?[") }

// checkGlob is checkPath for paths that may have wildcards.
func checkGlob(s string) string {
	if why := checkPath(s); why != "" {
		return why
	}
	if _, err := path.Match(strings.ReplaceAll(s, "**", "*"), ""); err != nil {
		return "not a pattern: a [ lacks its ]"
	}
	return ""
}

// Match reports whether the clean relative path name matches the pattern. In
// a pattern, "**" as a whole element stands for any number of folders, and
// within one element *, ? and [a-z] are as in a shell: they do not match a
// leading dot. SPEC.md, RCP-7.
func Match(pattern, name string) bool {
	return match(strings.Split(pattern, "/"), strings.Split(name, "/"))
}

// match takes the first elements off both; rows of "**" are walked without
// backtracking into earlier ones, so that hostile patterns cost no more than
// the product of both lengths.
func match(pattern, name []string) bool {
	var restart, from int // after the last "**": its place in pattern, and where it was tried in name
	p, n := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == "**":
			p++
			restart, from = p, n
		case p < len(pattern) && matchElem(pattern[p], name[n]):
			p++
			n++
		case restart > 0:
			from++
			p, n = restart, from
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == "**" {
		p++
	}
	return p == len(pattern)
}

func matchElem(pattern, name string) bool {
	if strings.HasPrefix(name, ".") && !strings.HasPrefix(pattern, ".") {
		return false
	}
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

// below reports whether name is dir or lies in it.
func below(name, dir string) bool {
	return dir == "." || name == dir || strings.HasPrefix(name, dir+"/")
}
