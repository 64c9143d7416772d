package anonymous

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"repro/format/manifest"
)

// TestIdentities: what gives an author away is searched for, what is everywhere
// is not.
func TestIdentities(t *testing.T) {
	of := func(a manifest.Author, doi string) []string {
		return Identities(&manifest.Manifest{Paper: manifest.Paper{Authors: []manifest.Author{a}, DOI: doi}})
	}
	for _, c := range []struct {
		author manifest.Author
		doi    string
		want   []string
	}{
		{manifest.Author{Name: "Ada Lovelace"}, "", []string{"ada lovelace", "lovelace"}},
		{manifest.Author{Name: "Lovelace, Ada"}, "", []string{"lovelace, ada", "lovelace"}},
		{manifest.Author{Name: "Ada B. Lovelace"}, "", []string{"ada b. lovelace", "lovelace"}},
		{manifest.Author{Name: "The Analytical Engine Group"}, "", []string{"the analytical engine group"}},
		{manifest.Author{Name: "Zo Ng"}, "", []string{"zo ng"}}, // "ng" is in every text
		{manifest.Author{Name: "Zoë Müller"}, "", []string{"zoë müller", `zo\u00eb m\u00fcller`, "müller", `m\u00fcller`}},
		{manifest.Author{Name: "Ada Byron King", ORCID: "0000-0002-1825-0097"}, "",
			[]string{"ada byron king", "0000-0002-1825-0097", "king"}},
		{manifest.Author{Name: "Group", Email: "Ada.L@Example.org", Affiliation: "University of London"}, "10.5281/Zenodo.1",
			[]string{"group", "ada.l@example.org", "university of london", "ada.l", "10.5281/zenodo.1"}},
		{manifest.Author{Name: "Group", Email: "ada@example.org"}, "", []string{"group", "ada@example.org"}},
	} {
		if got := of(c.author, c.doi); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.author, got, c.want)
		}
	}
}

// TestFind looks for a word at every place about the ends of what is read at
// once, whatever the reader gives.
func TestFind(t *testing.T) {
	const word, buffer = "lovelace", 256 << 10
	for _, size := range []int{len(word), 1000, buffer - 1, buffer, buffer + 1, 2*buffer + 100} {
		for _, at := range []int{0, size - len(word), buffer - len(word), buffer - 4, buffer - 1, buffer} {
			if at < 0 || at+len(word) > size {
				continue
			}
			text := []byte(strings.Repeat(".", size))
			copy(text[at:], "LoveLace")
			for name, r := range map[string]io.Reader{
				"whole": strings.NewReader(string(text)), "halves": iotest.HalfReader(strings.NewReader(string(text))),
				"end with data": iotest.DataErrReader(strings.NewReader(string(text))),
			} {
				if got := Find("f", r, []string{"nowhere", word}); len(got) != 1 || !strings.HasPrefix(got[0], `f: says "lovelace"`) {
					t.Errorf("%d bytes, word at %d, %s: %q", size, at, name, got)
				}
			}
			text[at] = '.'
			if got := Find("f", strings.NewReader(string(text)), []string{word}); got != nil {
				t.Errorf("%d bytes, no word: %q", size, got)
			}
		}
	}
	if got := Find("f", strings.NewReader("ada and ada, king"), []string{"ada", "king"}); len(got) != 2 {
		t.Errorf("a word that is there twice is said once: %q", got)
	}
	broken := errors.New("broken")
	if got := Find("f", io.MultiReader(strings.NewReader("king"), iotest.ErrReader(broken)), []string{"king"}); len(got) != 2 || got[1] != "f: broken" {
		t.Errorf("%q", got)
	}
	if got := Find("f", strings.NewReader(strings.Repeat("x", 3*buffer)), nil); got != nil {
		t.Errorf("no words: %q", got)
	}
}

func TestIsCompressed(t *testing.T) {
	for name, want := range map[string]bool{"a.gz": true, "a/b.PDF": true, "x.csv": false, "gz": false, "a.gz/b": false} {
		if IsCompressed(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func TestError(t *testing.T) {
	e := &Error{Image: "p.sif", Places: []string{"one", "two"}}
	if got := e.Error(); got != "p.sif: one\np.sif: two" {
		t.Errorf("%q", got)
	}
}
