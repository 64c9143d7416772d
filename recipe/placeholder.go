package recipe

import (
	"fmt"
	"strings"
)

// What a first recipe says where its writer cannot know.
const (
	PlaceholderTitle  = "Title of the paper"
	PlaceholderAuthor = "Your Name"
)

// placeholders are beginnings of texts that wait for somebody to fill them in.
var placeholders = []string{PlaceholderTitle, PlaceholderAuthor, "FIXME", "TODO", "TBD", "XXX"}

// isPlaceholder reports whether a text only says that one is missing (SPEC.md, RCP-19).
func isPlaceholder(s string) bool {
	s = strings.ToLower(strings.TrimSpace(s))
	for _, p := range placeholders {
		p = strings.ToLower(p)
		if rest, ok := strings.CutPrefix(s, p); ok && (rest == "" || strings.ContainsAny(rest[:1], " :.,-_(")) {
			return true
		}
	}
	return strings.HasPrefix(s, "<") && strings.HasSuffix(s, ">")
}

// Placeholders lists what the recipe still leaves open about whose work it is,
// with the lines that mend it. An image may have them only as a draft.
func (r *Recipe) Placeholders() []Problem {
	var all []Problem
	add := func(what, value, line string) {
		if isPlaceholder(value) {
			all = append(all, Problem{Text: fmt.Sprintf("%s: %q is a placeholder: write `%s`, or build a draft with --draft", what, value, line)})
		}
	}
	add("title", r.Paper.Title, "title: The title of the paper's first page")
	for _, a := range r.Paper.Authors {
		add("authors", a.Name, "- name: Ada Lovelace")
		add("authors: affiliation", a.Affiliation, "affiliation: University of Porto")
	}
	add("abstract", r.Paper.Abstract, "abstract: What was done and found.")
	return all
}
