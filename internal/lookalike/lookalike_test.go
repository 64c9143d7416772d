package lookalike

import (
	"strings"
	"testing"
)

func TestWords(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		alike bool
	}{
		{"alice", "\u0430lice", true},                         // Cyrillic a
		{"alice", "ALICE", true},                              // case
		{"alice", "al1ce", true},                              // digit one
		{"bob", "b0b", true},                                  // zero
		{"ros\u00e9", "rose\u0301", true},                     // NFC, NFD
		{"coco", "\u0441\u043e\u0441\u043e", true},            // all Cyrillic
		{"nova", "n\u03bfva", true},                           // Greek o
		{"modern", "rnodern", true},                           // rn for m
		{"fi", "\ufb01", true},                                // ligature
		{"reviewer", "r\u0435vi\u0435wer", true},              // Cyrillic e
		{"alice", "alicia", false},                            //
		{"0000-0002-1825-0097", "0000-0002-1825-0079", false}, //
		{"bob", "bob\ufe0f", true},                            // chooses a picture of b
		{"bob", "b\u034fob", true},                            // joins
		{"bob", "bob\u3164", true},                            // fills
		{"bob", "bob\U000e0101", true},                        //
		{"ros\u00e9", "rose", false},                          // an accent is seen
		{"\u0438\u0432\u0430\u043d", "ivan", false},           // Ivan in Cyrillic looks otherwise
		{"bob@example.org", "bob@example.com", false},         //
		{"rev-2", "rev-3", false},                             //
	} {
		var w Words
		w.Add(c.a)
		if got := w.Add(c.b); (got == c.a) != c.alike {
			t.Errorf("%q, %q: %q, skeletons %q and %q", c.a, c.b, got, Skeleton(c.a), Skeleton(c.b))
		}
		if again := w.Add(c.a); again != "" {
			t.Errorf("%q again looks like %q", c.a, again)
		}
	}
}

func TestProblem(t *testing.T) {
	for word, want := range map[string]string{
		"alice@example.org":        "",
		"\u0438\u0432\u0430\u043d": "",
		"ros\u00e9":                "",
		"\u5f20\u4f1f.wei":         "",
		"\u0430lice":               "mixes Cyrillic and Latin letters",
		"alic\u03b5":               "mixes Latin and Greek letters",
		"rose\u0301":               "is not in Unicode's composed form",
		"bob\ufe0f":                "has a character that is not shown",
		"b\u034fob":                "has a character that is not shown",
		"bob\u3164":                "has a character that is not shown",
		"\u115fbob":                "has a character that is not shown",
		"b\u200dob":                "has a character that is not shown",
		"\uff41lice":               "is not in Unicode's composed form",
	} {
		if got := Problem(word); got != want && (want == "" || !strings.HasPrefix(got, want)) {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
