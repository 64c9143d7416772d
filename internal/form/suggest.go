package form

import "strings"

// maxSuggested bounds the words that are compared with each other, in bytes.
const maxSuggested = 64

// Suggest returns the name that word was probably meant to be, or "".
// Spellings are words that people use for names that are called otherwise.
func Suggest(word string, names []string, spellings map[string]string) string {
	lower := strings.ToLower(word)
	if s, ok := spellings[lower]; ok {
		for _, name := range names {
			if name == s {
				return s
			}
		}
	}
	best, least := "", min(3, len(word)/2+1)
	for _, name := range names {
		if d := distance(lower, strings.ToLower(name)); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance counts the letters to insert, delete, replace or swap with their
// neighbour to get from a to b (optimal string alignment).
func distance(a, b string) int {
	if len(a) > maxSuggested || len(b) > maxSuggested {
		return maxSuggested
	}
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, above, row := rows[0], rows[1], rows[2]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		rows = [3][]int{above, row, before}
	}
	return rows[1][len(b)]
}
