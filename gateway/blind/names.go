package blind

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"repro/archive/anonymous"
	"repro/archive/deposit"
	"repro/format/manifest"
)

// A name is one line of text. Letter case does not matter unless it begins with
// exact, and then it counts only as a word of its own.
const exact = "="

// shortName is how many letters a name has at most that counts only as a word
// of its own: others are in too many words.
const shortName = 5

// Names returns what gives people away: their names in every order and as they
// become accounts, iDs, addresses and where they work, and the DOI of their
// paper.
func Names(people []manifest.Author, doi string) []string {
	var all []string
	add := func(s string) {
		if s = strings.TrimSpace(s); s != "" && s != exact && !strings.ContainsAny(s, "\\\r\n") && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	for _, s := range anonymous.Identities(&manifest.Manifest{Paper: manifest.Paper{Authors: people, DOI: doi}}) {
		add(s)
	}
	for _, p := range people {
		for _, s := range accounts(p) {
			add(s)
		}
	}
	return all
}

// accounts are the words of a person's name, and what is made of it: alovelace,
// ada.lovelace, lovelace-a.
func accounts(p manifest.Author) (all []string) {
	given, family := split(p)
	if family == "" {
		return nil
	}
	for _, w := range append(strings.Fields(given), strings.Fields(family)...) {
		w = strings.Trim(w, ".,")
		if utf8.RuneCountInString(w) > 1 && !isGeneric(w) {
			all = append(all, exact+w)
		}
	}
	given, _, _ = strings.Cut(given, " ")
	g, f := strings.ToLower(strings.Trim(given, ".,")), strings.ToLower(strings.ReplaceAll(family, " ", ""))
	if g == "" {
		return all
	}
	initial, _ := utf8.DecodeRuneInString(g)
	for _, first := range []string{g, string(initial)} {
		for _, between := range []string{"", ".", "_", "-", " "} {
			all = append(all, first+between+f, f+between+first)
		}
	}
	return append(all, string(initial)+". "+f)
}

// split tells a person's names apart: none of a group.
func split(p manifest.Author) (given, family string) {
	if given, family = deposit.SplitName(p); family != "" {
		return given, family
	}
	words := strings.Fields(p.Name)
	for _, w := range words {
		if isGeneric(w) {
			return "", ""
		}
	}
	initial := slices.ContainsFunc(words, func(w string) bool { return utf8.RuneCountInString(strings.Trim(w, ".")) == 1 })
	if n := len(words); n == 2 || n > 2 && initial || n == 1 {
		return strings.Join(words[:n-1], " "), words[n-1]
	}
	return "", ""
}

// generic are words that stand in names of roles and groups, and give nobody
// away.
var generic = []string{
	"administrator", "anonymous", "author", "authors", "consortium", "department", "editor", "group", "institute", "lab", "laboratory",
	"of", "reader", "referee", "reviewer", "team", "the", "university",
}

func isGeneric(word string) bool {
	return slices.Contains(generic, strings.ToLower(word)) || !strings.ContainsFunc(word, unicode.IsLetter)
}
