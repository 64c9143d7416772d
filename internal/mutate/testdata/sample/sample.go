// Package sample has two decisions, of which its test holds one.
package sample

// Name says what n is.
func Name(n int) string {
	if n == 7 {
		return "seven"
	}
	if n < 3 {
		return "few"
	}
	return "many"
}
