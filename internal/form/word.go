package form

import (
	"strings"
	"unicode"
)

// maxWord is how many characters a word has at most.
const maxWord = 128

// IsWord reports whether text is one word, such as the name of a person or of
// a role: up to 128 letters, digits, marks and ._@+-, a letter or digit first.
// A regular expression of such classes takes milliseconds to compile, which
// every start of the program would pay for.
func IsWord(text string) bool {
	n := 0
	for _, c := range text {
		first := unicode.In(c, unicode.L, unicode.N)
		if !first && (n == 0 || !unicode.Is(unicode.M, c) && !strings.ContainsRune("._@+-", c)) {
			return false
		}
		n++
	}
	return n > 0 && n <= maxWord
}
