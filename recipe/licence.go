package recipe

import (
	"fmt"
	"strings"

	"repro/internal/pattern"
	"repro/internal/spdx"
)

// An SPDX licence expression (SPDX 2.3, annex D), as far as its grammar goes:
// an identifier that is not on SPDX's list is no error, since the list here ages;
// [Recipe.UnlistedLicences] says which are not.
//
//	expression = term { ("AND" | "OR") term }
//	term       = "(" expression ")" | id [ "+" ] [ "WITH" id ]
var (
	licenceToken = pattern.New(`[()]|[^\s()]+`)
	licenceID    = pattern.New(`^(DocumentRef-[A-Za-z0-9.-]+:)?[A-Za-z0-9][A-Za-z0-9.-]*\+?$`)
)

// maxLicence bounds the words and brackets of a licence expression.
const maxLicence = 200

func checkLicence(s string) string {
	const form = "want an SPDX licence expression such as CC-BY-4.0 or MIT OR Apache-2.0"
	l := licence{words: licenceToken.Regexp().FindAllString(s, maxLicence+1)}
	if len(l.words) > maxLicence || !l.expression() || len(l.words) > 0 {
		if dashed := strings.Join(strings.Fields(s), "-"); dashed != s && licenceID.MatchString(dashed) {
			return form + ": did you mean " + dashed + "?"
		}
		return form
	}
	return ""
}

// UnlistedLicences says which licences, of the work and of data, SPDX's list does
// not have: they may be new, or mistyped.
func (r *Recipe) UnlistedLicences() []Problem {
	var all []Problem
	seen := map[string]bool{}
	for _, e := range append([]Data{{Licence: r.Paper.Licence}}, r.Data...) {
		words := licenceToken.Regexp().FindAllString(e.Licence, maxLicence)
		for i, id := range words {
			exception := i > 0 && words[i-1] == "WITH"
			operator := id == "AND" || id == "OR" || id == "WITH" || id == "(" || id == ")"
			reference := strings.HasPrefix(id, "LicenseRef-") || strings.HasPrefix(id, "DocumentRef-")
			if operator || reference || seen[id] || exception && spdx.ListedException(id) || !exception && spdx.Listed(id) {
				continue
			}
			seen[id] = true
			text := fmt.Sprintf("licence: %q is not on SPDX's list of licences", id)
			if exception {
				text = fmt.Sprintf("licence: %q is not on SPDX's list of exceptions", id)
			} else if near := spdx.Nearest(id); near != "" {
				text += ": did you mean " + near + "?"
			}
			all = append(all, Problem{Pos: e.Path.Pos, Text: text})
		}
	}
	return all
}

type licence struct{ words []string }

func (l *licence) next() string {
	if len(l.words) == 0 {
		return ""
	}
	w := l.words[0]
	l.words = l.words[1:]
	return w
}

func (l *licence) peek() string {
	if len(l.words) == 0 {
		return ""
	}
	return l.words[0]
}

func (l *licence) expression() bool {
	for l.term() {
		if w := l.peek(); w != "AND" && w != "OR" {
			return true
		}
		l.next()
	}
	return false
}

func (l *licence) term() bool {
	if l.peek() == "(" {
		l.next()
		return l.expression() && l.next() == ")"
	}
	if !l.id() {
		return false
	}
	if l.peek() == "WITH" {
		l.next()
		return l.id()
	}
	return true
}

func (l *licence) id() bool {
	w := l.next()
	return licenceID.MatchString(w) && w != "AND" && w != "OR" && w != "WITH"
}
