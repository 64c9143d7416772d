package capture

import "bytes"

// wordSearch finds names in texts: whole words of letters, digits and
// underscores, and one path.
type wordSearch struct {
	names map[string]bool
	path  []byte
}

// pathFound stands for the path among what was found.
const pathFound = "/"

func newWordSearch(names []string, path string) *wordSearch {
	s := &wordSearch{names: map[string]bool{}, path: []byte(path)}
	for _, n := range names {
		s.names[n] = true
	}
	return s
}

func isWord(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z'
}

// in returns the names that stand in a text; nil if none does.
func (s *wordSearch) in(text []byte) (found map[string]bool) {
	note := func(name string) {
		if found == nil {
			found = map[string]bool{}
		}
		found[name] = true
	}
	for start := 0; start < len(text); {
		if !isWord(text[start]) {
			start++
			continue
		}
		end := start
		for end < len(text) && isWord(text[end]) {
			end++
		}
		if name := string(text[start:end]); s.names[name] {
			note(name)
		}
		start = end
	}
	if len(s.path) > 1 && bytes.Contains(text, s.path) {
		note(pathFound)
	}
	return found
}
