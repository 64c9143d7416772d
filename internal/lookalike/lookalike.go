// Package lookalike tells words apart that a person cannot: those that differ
// in letters of another script, in case, or only in how Unicode writes them.
//
// Who signed what is decided by words that people read and type. A policy in
// which "alice" and "аlice" (the second with a Cyrillic letter) are two persons
// counts one reader's word twice. The idea is that of Unicode's technical
// standard 39 (skeletons); the table holds the letters that look alike in the
// scripts that have capitals, and is meant for short words.
package lookalike

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// latin gives the Latin letters that others are taken for, after folding case.
var latin = strings.NewReplacer(
	// Cyrillic
	"а", "a", "в", "b", "с", "c", "ԁ", "d", "е", "e", "һ", "h", "н", "h", "і", "l", "ї", "l", "ј", "j", "к", "k", "ӏ", "l", "м", "rn",
	"о", "o", "р", "p", "ԛ", "q", "г", "r", "ѕ", "s", "т", "t", "у", "y", "ү", "y", "ѵ", "v", "ԝ", "w", "х", "x", "ь", "b",
	// Greek
	"α", "a", "β", "b", "ε", "e", "η", "n", "ι", "l", "κ", "k", "μ", "u", "ν", "v", "ο", "o", "ρ", "p", "σ", "o", "τ", "t", "υ", "u", "χ", "x",
	"γ", "y", "ω", "w", "ζ", "z",
	// Armenian
	"օ", "o", "հ", "h", "ո", "n", "ս", "u", "ց", "g", "զ", "q", "ա", "w",
	// Latin, with what stands for each other in print
	"0", "o", "1", "l", "i", "l", "ı", "l", "|", "l", "m", "rn", "w", "w", "vv", "w", "ɡ", "g", "ɑ", "a", "ο", "o", "ꞷ", "w", "ʀ", "r", "ß", "ss",
)

// Skeleton returns what words that look alike have in common. It serves
// comparison only: nobody is to read it.
func Skeleton(word string) string {
	folded := cases.Fold().String(norm.NFKC.String(strings.Map(shown, word)))
	return latin.Replace(norm.NFC.String(latin.Replace(norm.NFKC.String(folded))))
}

// invisible reports characters of which nothing is seen: joiners, fillers, and
// those that choose among a letter's pictures.
func invisible(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

func shown(r rune) rune {
	if invisible(r) {
		return -1
	}
	return r
}

// scripts are those whose letters are taken for each other's.
var scripts = []struct {
	name  string
	table *unicode.RangeTable
}{{"Latin", unicode.Latin}, {"Cyrillic", unicode.Cyrillic}, {"Greek", unicode.Greek}, {"Armenian", unicode.Armenian}, {"Cherokee", unicode.Cherokee}}

// Problem says why a word is not to be relied on by itself, or "": it is not
// written in Unicode's composed form, has characters that nobody sees, or mixes
// scripts that look alike.
func Problem(word string) string {
	if strings.ContainsFunc(word, invisible) {
		return "has a character that is not shown: another word looks the same"
	}
	if !norm.NFKC.IsNormalString(word) {
		return "is not in Unicode's composed form (NFKC): another word looks the same"
	}
	met := ""
	for _, c := range word {
		for _, s := range scripts {
			if !unicode.Is(s.table, c) {
				continue
			}
			if met != "" && met != s.name {
				return fmt.Sprintf("mixes %s and %s letters: another word looks the same", met, s.name)
			}
			met = s.name
		}
	}
	return ""
}

// Words remembers words and finds the one that looks like a further one. The
// zero value is ready.
type Words struct{ met map[string]string }

// Add returns the other word that was added before and looks like word; "" if
// there is none.
func (w *Words) Add(word string) (other string) {
	if w.met == nil {
		w.met = map[string]string{}
	}
	skeleton := Skeleton(word)
	if other, ok := w.met[skeleton]; ok {
		if other == word {
			return ""
		}
		return other
	}
	w.met[skeleton] = word
	return ""
}

// Owners remembers whose a word is, and finds words of somebody else that look
// like it. The zero value is ready.
type Owners struct{ met map[string]owned }

type owned struct{ word, owner string }

// Add returns the word of another owner that was added before and looks like
// word or is another form of the same name, and whose it is; or "".
func (o *Owners) Add(word, owner string) (other, whose string) {
	if o.met == nil {
		o.met = map[string]owned{}
	}
	skeleton := Skeleton(Name(word))
	if had, ok := o.met[skeleton]; ok && had.owner != owner {
		return had.word, had.owner
	}
	o.met[skeleton] = owned{word, owner}
	return "", ""
}
