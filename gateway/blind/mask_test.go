package blind

import (
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"repro/format/manifest"
)

func ada() *Mask {
	return New(Names([]manifest.Author{
		{Name: "Ada King Lovelace", ORCID: "0000-0002-1825-0097", Email: "ada.l@example.org", Affiliation: "Babbage & Sons"},
		{Name: "Zoë Müller"}, {Name: "Ng, Li"}, {Name: "O'Brien, Pat"},
	}, "10.5281/zenodo.77"), nil)
}

func TestNames(t *testing.T) {
	got := Names([]manifest.Author{{Name: "Zo Ng"}}, "")
	for _, want := range []string{"zo ng", "=Zo", "=Ng", "zong", "zng", "ngz", "ng-zo", "z.ng", "z. ng"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	for _, people := range [][]manifest.Author{{{Name: "Reviewer 1"}}, {{Name: "The Analytical Group"}}, {{Name: "editor"}}} {
		for _, n := range Names(people, "") {
			if strings.HasPrefix(n, exact) || n == "reviewer" || n == "group" {
				t.Errorf("%s: %q", people[0].Name, n)
			}
		}
	}
}

// TestText: what gives people away goes, and only that (GTW-9).
func TestText(t *testing.T) {
	m := ada()
	for _, s := range []string{
		"Ada King Lovelace", "LOVELACE", "adalovelace", "see /home/lovelace2/x", "My_Lovelace_Data.csv", "lOvElAcE", "by Ada", "A. Lovelace", "alovelace@host",
		"0000-0002-1825-0097", "ada.l@example.org", "Babbage &amp; Sons", `Babbage \u0026 Sons`, "Babbage & Sons", "babbage%20&%20sons", "10.5281/zenodo.77", "10.5281%2Fzenodo.77",
		"Zoë", "zoë müller", "MÜLLER", "m%C3%BCller", "M%C3%9CLLER", `M\u00fcller`, `m\u00FCller`, "M\xfcller", "Ng", "Li Ng", "ng_li", "O&#39;Brien", "o'brien", "O%27Brien", "King",
	} {
		got := m.Text("<" + s + ">")
		if !strings.Contains(strings.ToLower(got), pseudonym) {
			t.Errorf("%q stays: %q", s, got)
		}
		for _, bad := range []string{"lovelace", "müller", "brien", "0097", "babbage", "zenodo"} {
			if strings.Contains(strings.ToLower(got), bad) {
				t.Errorf("%q becomes %q", s, got)
			}
		}
	}
	for _, s := range []string{"making", "adapt", "length", "Lithium", "ngram", "a lovely lace", "king", "Kingdom", "0000-0002-1825-0098", "muller", "\xff\x00", "", "author~1"} {
		if got := m.Text(s); got != s {
			t.Errorf("%q becomes %q", s, got)
		}
	}
	if got := (*Mask)(nil).Text("Ada"); got != "Ada" || New(nil, nil).Text("Ada") != "Ada" {
		t.Errorf("no mask: %q", got)
	}
}

// TestOriginal: an address that was masked leads to the same file.
func TestOriginal(t *testing.T) {
	m := ada()
	for _, at := range []string{"/home/lovelace/x.csv", "/Lovelace_2020", "/LOVELACE/ada.lovelace", "/Zoë Müller", "/zoë", "/plain", "/Ng/Ada", "/alovelace/ALOVELACE"} {
		masked := m.Text(at)
		if got := m.Original(masked); got != at {
			t.Errorf("%q became %q and then %q", at, masked, got)
		}
	}
	// also where the page had escaped it
	if got := m.Original(m.Text(url.PathEscape("Müller"))); got != "Müller" {
		t.Errorf("%q", got)
	}
	if got := m.Original(m.Text(html.EscapeString("O'Brien"))); got != "O'Brien" {
		t.Errorf("%q", got)
	}
	for _, s := range []string{"author~", "author~0", "author~999", "author~x", "author", fmt.Sprint("author~", strings.Repeat("9", 40))} {
		if got := m.Original(s); got != s {
			t.Errorf("%q becomes %q", s, got)
		}
	}
}

func TestHolds(t *testing.T) {
	m := ada()
	wide := func(s string, high bool) (b []byte) {
		for _, u := range utf16.Encode([]rune(s)) {
			if high {
				b = append(b, byte(u>>8), byte(u))
			} else {
				b = append(b, byte(u), byte(u>>8))
			}
		}
		return b
	}
	for what, c := range map[string]struct {
		b    []byte
		want bool
	}{
		"UTF-8": {[]byte("\x89PNG\x00tEXtAuthor\x00Lovelace"), true}, "UTF-16LE": {wide("x Lovelace", false), true}, "UTF-16BE": {wide("x Lovelace", true), true},
		"Latin-1": {[]byte("M\xfcller"), true}, "nothing": {[]byte("\x89PNG\x00love\x00\x01lace"), false}, "empty": {nil, false},
	} {
		if got := m.Holds(c.b); got != c.want {
			t.Errorf("%s: %v", what, got)
		}
	}
	if New(nil, nil).Holds([]byte("Ada")) || (*Mask)(nil).Holds([]byte("Ada")) {
		t.Error("a mask of nothing holds something")
	}
}

func TestWithholds(t *testing.T) {
	m := New(nil, []string{"paper/title.pdf", "*.docx", "/letters", "fig/*.png", "[bad"})
	for at, want := range map[string]bool{
		"/paper/title.pdf": true, "paper/title.pdf": true, "/paper/../paper/title.pdf": true, "/x/paper/title.pdf": false, "/a/b.docx": true, "/letters/to/x": true,
		"/letters": true, "/letters2": false, "/fig/a.png": true, "/fig/a/b.png": false, "/": false, "/paper": false,
	} {
		if got := m.Withholds(at); got != want {
			t.Errorf("%s: %v", at, got)
		}
	}
	if (*Mask)(nil).Withholds("/x") {
		t.Error("no mask withholds")
	}
}
