// Package sample has two decisions, of which its test holds one, and an
// operator that has no other.
package sample

// Name says what n is.
func Name(n int) string {
	if n == 7 {
		return "seven"
	}
	if n < 3 {
		return few + plural
	}
	return "many"
}

var few, plural = "thing", "s"
