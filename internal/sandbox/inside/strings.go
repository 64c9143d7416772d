package inside

// What package strings would do; see the package's documentation.

// indexByte is the place of the first b in s, or -1.
func indexByte(s string, b byte) int {
	for i := range len(s) {
		if s[i] == b {
			return i
		}
	}
	return -1
}

// cut splits s at the first b.
func cut(s string, b byte) (before, after string, found bool) {
	if i := indexByte(s, b); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// cutPrefix takes a prefix away.
func cutPrefix(s, prefix string) (rest string, found bool) {
	if len(s) >= len(prefix) && s[:len(prefix)] == prefix {
		return s[len(prefix):], true
	}
	return s, false
}

// contains reports whether s has part in it.
func contains(s, part string) bool {
	for i := range len(s) - len(part) + 1 {
		if s[i:i+len(part)] == part {
			return true
		}
	}
	return false
}

// parts are what stands between the bytes b in s.
func parts(s string, b byte) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for {
			part, rest, more := cut(s, b)
			if !yield(part) || !more {
				return
			}
			s = rest
		}
	}
}

// fields are the words of a line of the kernel's.
func fields(s string) (words []string) {
	for part := range parts(s, ' ') {
		for word := range parts(part, '\t') {
			if word != "" {
				words = append(words, word)
			}
		}
	}
	return words
}
