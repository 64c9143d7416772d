package recipe

import (
	"strings"

	"repro/internal/pattern"
)

// An SPDX licence expression (SPDX 2.3, annex D), as far as its grammar goes:
// whether the identifiers exist is not checked, so that no list ages here.
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
