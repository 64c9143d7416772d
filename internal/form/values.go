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

// OneLine returns the text n if it is of a single line.
func (r *Reader) OneLine(what string, n *Node) (string, bool) {
	s, ok := r.Text(what, n)
	if ok && strings.ContainsAny(s, "\n\t") {
		r.Errorf(n, "%s: want one line without tabs, found %s", what, Describe(n))
		return "", false
	}
	return s, ok
}

// Line returns what stores the single line of text of a key after check, if
// not nil, found nothing wrong with it.
func (r *Reader) Line(what string, to *string, check func(string) string) func(*Node) {
	return func(n *Node) {
		s, ok := r.OneLine(what, n)
		if !ok {
			return
		}
		if check != nil {
			if why := check(s); why != "" {
				r.Errorf(n, "%s: %q: %s", what, Shorten(s), why)
				return
			}
		}
		*to = s
	}
}

// Lines returns what stores a list of single lines.
func (r *Reader) Lines(what string, to *[]string, most int, check func(string) string) func(*Node) {
	return func(n *Node) {
		r.List(what, n, most, func(e *Node) {
			var s string
			if r.Line(what, &s, check)(e); s != "" {
				*to = append(*to, s)
			}
		})
	}
}

// Integer returns what stores a whole number from least to most.
func (r *Reader) Integer(what string, to *int, least, most int) func(*Node) {
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

// Truth returns what n says, true or false.
func (r *Reader) Truth(what string, n *Node) bool {
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
