package form

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"repro/internal/pattern"
)

// Text returns the text n: not blank, nothing that YAML takes for a number or
// a truth value, no control characters but line breaks and tabs.
func (r *Reader) Text(what string, n *Node) (string, bool) {
	s := n.Value
	if r.form.Trim {
		s = strings.TrimRight(s, "\n")
	}
	text := IsScalar(n) && r.isText(n)
	switch {
	case !text && IsScalar(n) && n.Tag != "!!null":
		r.Errorf(n, "%s: want text, found %s: put it in quotes to make it text", what, Describe(n))
	case !text:
		r.Errorf(n, "%s: want text, found %s", what, Describe(n))
	case strings.TrimSpace(s) == "":
		r.Errorf(n, "%s: empty text", what)
	case strings.ContainsFunc(s, IsControl):
		r.Errorf(n, "%s: control character in %q", what, Shorten(s))
	default:
		return s, true
	}
	return "", false
}

var digestForm = pattern.New(`^[0-9a-f]{64}$`)

// isText reports whether n is text. What only YAML 1.1 takes for something
// else (a date) is text, as in YAML 1.2.
func (r *Reader) isText(n *Node) bool {
	return n.Tag == "!!str" || n.Tag == "!!timestamp" || r.form.Digests && digestForm.MatchString(n.Value)
}

// IsControl reports whether c may not stand in a form: a control character
// other than line breaks and tabs.
func IsControl(c rune) bool {
	return c < 0x20 && c != '\n' && c != '\t' || c >= 0x7f && c < 0xa0
}

// Value returns text, or a number as it is written; it may be empty.
func (r *Reader) Value(what string, n *Node) (string, bool) {
	if IsScalar(n) {
		number := n.Tag == "!!int" || n.Tag == "!!float"
		empty := n.Value == "" && n.Tag == "!!str"
		if number || empty || r.isText(n) && !strings.ContainsFunc(n.Value, IsControl) {
			return n.Value, true
		}
	}
	return r.Text(what, n)
}

// Line returns the text n if it is a single line and check, if not nil, returns
// "" for it; check otherwise says what is wrong.
func (r *Reader) Line(what string, n *Node, check func(string) string) (string, bool) {
	s, ok := r.Text(what, n)
	switch {
	case !ok:
		return "", false
	case strings.ContainsAny(s, "\n\t"):
		r.Errorf(n, "%s: want one line without tabs, found %s", what, Describe(n))
		return "", false
	case check == nil:
		return s, true
	}
	if why := check(s); why != "" {
		r.Errorf(n, "%s: %q: %s", what, Shorten(s), why)
		return "", false
	}
	return s, true
}

// StoreLine returns a function for a [Field] that stores a [Reader.Line]. If
// that has a problem, to stays as it is.
func (r *Reader) StoreLine(what string, to *string, check func(string) string) func(*Node) {
	return func(n *Node) {
		if s, ok := r.Line(what, n, check); ok {
			*to = s
		}
	}
}

// Lines returns the entries of a [Reader.List] that are a [Reader.Line].
func (r *Reader) Lines(what string, n *Node, least, most int, check func(string) string) []string {
	var all []string
	for _, e := range r.List(what, n, least, most) {
		if s, ok := r.Line(what, e, check); ok {
			all = append(all, s)
		}
	}
	return all
}

// StoreInt returns a function for a [Field] that stores a [Reader.Int]. If that
// has a problem, to stays as it is.
func (r *Reader) StoreInt(what string, to *int, least, most int) func(*Node) {
	return func(n *Node) {
		if v, ok := r.Int(what, n, int64(least), int64(most)); ok {
			*to = int(v)
		}
	}
}

// Int returns the whole number n from least to most.
func (r *Reader) Int(what string, n *Node, least, most int64) (int64, bool) {
	v, err := strconv.ParseInt(n.Value, 10, 64)
	switch {
	case n.Tag != "!!int" || err != nil || strconv.FormatInt(v, 10) != n.Value:
		r.Errorf(n, "%s: want a whole number, found %s", what, Describe(n))
	case v < least || v > most:
		r.Errorf(n, "%s: %d is not between %d and %d", what, v, least, most)
	default:
		return v, true
	}
	return 0, false
}

// Bool returns what n says, true or false; false if there is a problem.
func (r *Reader) Bool(what string, n *Node) bool {
	if n.Tag != "!!bool" || n.Value != "true" && n.Value != "false" {
		r.Errorf(n, "%s: want true or false, found %s", what, Describe(n))
		return false
	}
	return n.Value == "true"
}

// Describe names what n is, for a person.
func Describe(n *Node) string {
	switch {
	case IsMapping(n):
		return "a mapping"
	case IsList(n):
		return "a list"
	case n.Tag == "!!null":
		return "nothing"
	case n.Tag == "!!int" || n.Tag == "!!float":
		return "the number " + strconv.Quote(Shorten(n.Value))
	case n.Tag == "!!bool":
		return "the truth value " + strconv.Quote(n.Value)
	}
	return "the text " + strconv.Quote(Shorten(n.Value))
}

// Shorten keeps a message readable whatever the form holds.
func Shorten(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
