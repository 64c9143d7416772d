package lookalike

import "strings"

// Name returns by which name a word calls somebody, whatever the form: the ORCID
// iD in it, or a mail address, also written as NAME!DOMAIN or as a URI. Providers
// of identities write one person in several of these. SPEC.md, POL-13a.
func Name(word string) string {
	if id := ORCID(word); id != "" {
		return id
	}
	for _, scheme := range []string{"mailto:", "acct:"} {
		if len(word) > len(scheme) && strings.EqualFold(word[:len(scheme)], scheme) {
			word = word[len(scheme):]
		}
	}
	return strings.Replace(strings.TrimRight(word, "./"), "!", "@", 1)
}

// ORCID returns the first ORCID iD in text, with hyphens and a capital X, or "". It
// may be part of an address, and written without hyphens.
func ORCID(text string) string {
	for i := range len(text) {
		if i > 0 && isDigit(text[i-1]) {
			continue
		}
		if id, n := orcidAt(text[i:]); id != "" && (i+n == len(text) || !isDigit(text[i+n])) {
			return id
		}
	}
	return ""
}

const orcidDigits = 16

// orcidAt reads an iD that text starts with, and says how many bytes it has.
func orcidAt(text string) (id string, length int) {
	var b strings.Builder
	digits := 0
	for i := range len(text) {
		c := text[i]
		switch {
		case c == '-' && digits > 0 && digits%4 == 0 && text[i-1] != '-':
			continue
		case digits == orcidDigits-1 && (c == 'x' || c == 'X'):
			c = 'X'
		case !isDigit(c):
			return "", 0
		}
		if digits > 0 && digits%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(c)
		if digits++; digits == orcidDigits {
			return b.String(), i + 1
		}
	}
	return "", 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
