package form

import (
	"regexp"
	"strings"
	"testing"
)

func TestIsWord(t *testing.T) {
	form := regexp.MustCompile(`^[\pL\pN][\pL\pN\pM._@+-]{0,127}$`)
	for _, text := range []string{
		"", "a", "é", "e\u0301", "\u0301e", "alice@example.org", "-a", "a b", "a\n", "9", "½", "a/b", "日本", "a\xff", "\xff",
		strings.Repeat("é", 128), strings.Repeat("é", 129),
	} {
		if got, want := IsWord(text), form.MatchString(text); got != want {
			t.Errorf("IsWord(%q) = %v, want %v", text, got, want)
		}
	}
}
