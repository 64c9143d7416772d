package store

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"repro/internal/form"
	"repro/internal/lookalike"
	"repro/key"
)

// Trust is the content of a trust file: text, one binding a line, that can be
// kept under version control and read in a diff.
//
//	# fingerprint                             person  role      from        until
//	70E5B6F9F5D3F0E2C1A0B9C8D7E6F5A4B3C2D1E0  alice   author    2026-01-01  -
//	SHA256:p2oPCGQZ7mWwHHAOSxnFQzYyC6RdHWCBg  bob     reviewer  -           2027-06-30
//	https://accounts.example.org carol@example.org  carol reviewer -         -
//
// A line of six fields binds an identity, of a provider and as whom that knows
// the person, in place of a key.
//
// Fields are separated by blanks; "-" is an open end. Lines that are empty or
// start with # are kept as they are. Two keys of one person count as one
// signer. A line that is not understood makes the whole file an error: it
// might have been the one that takes trust away. SPEC.md, TRU-3 to TRU-7.
type Trust struct {
	lines []line
}

type line struct {
	text    string
	binding *Binding // nil: a comment
}

// Binding says that a key, or an identity in its place, is a person's, in a role
// and for a time.
type Binding struct {
	Fingerprint  key.Fingerprint
	Identity     key.Identity // of one without a key file; else zero
	Person, Role string
	From, Until  string // as [key.ParseWindow] reads them
}

// Window returns the time for which the binding holds.
func (b Binding) Window() key.Window {
	w, _ := key.ParseWindow(b.From, b.Until) // was checked when it was made
	return w
}

// Whose says of what b speaks: the fingerprint or the identity.
func (b Binding) Whose() string {
	if b.Identity != (key.Identity{}) {
		return b.Identity.Issuer + " " + b.Identity.Subject
	}
	return string(b.Fingerprint)
}

// maxBindings bounds the lines of a trust file.
const maxBindings = 10_000

// ParseTrust reads a trust file; name serves messages only.
func ParseTrust(name string, b []byte) (*Trust, error) {
	t := &Trust{}
	if !utf8.Valid(b) {
		return nil, fmt.Errorf("%s: not UTF-8", name)
	}
	n := 0
	for text := range strings.Lines(string(b)) {
		n++
		if n > maxBindings {
			return nil, fmt.Errorf("%s: more than %d lines", name, maxBindings)
		}
		l := line{text: strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")}
		if strings.ContainsFunc(l.text, hidden) {
			return nil, fmt.Errorf("%s:%d: a control character, or one that reorders text: %+q", name, n, l.text)
		}
		if fields := strings.FieldsFunc(l.text, isBlank); len(fields) > 0 && !strings.HasPrefix(fields[0], "#") {
			binding, err := parseBinding(fields)
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", name, n, err)
			}
			l.binding = &binding
		}
		t.lines = append(t.lines, l)
	}
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

// isBlank: space and tab separate fields, and nothing else that looks like
// them; editors and people see other blanks differently.
func isBlank(r rune) bool { return r == ' ' || r == '\t' }

// hidden reports characters with which a line can be made to look like another.
func hidden(r rune) bool {
	return r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// check holds what a person must be able to rely on: that two persons, or two
// roles, do not look alike, and that a key has one person. SPEC.md, TRU-6 and
// POL-13.
func (t *Trust) check() error {
	var people, roles, identities lookalike.Words
	var subjects lookalike.Owners
	owners := map[key.Fingerprint]string{}
	for _, b := range t.Bindings() {
		if other, whose := subjects.Add(b.Person, b.Person); whose != "" && lookalike.Skeleton(b.Person) != lookalike.Skeleton(other) {
			return fmt.Errorf("person %q is %q: nobody could tell them apart", b.Person, other)
		}
	}
	for _, b := range t.Bindings() {
		if other := people.Add(b.Person); other != "" {
			return fmt.Errorf("person %q looks like %q: nobody could tell them apart", b.Person, other)
		}
		if other := roles.Add(b.Role); other != "" {
			return fmt.Errorf("role %q looks like %q: nobody could tell them apart", b.Role, other)
		}
		if b.Identity != (key.Identity{}) {
			if other, whose := subjects.Add(b.Identity.Subject, b.Person); whose != "" {
				return fmt.Errorf("identity %q of %q looks like %q of %q: an identity has one person", b.Identity.Subject, b.Person, other, whose)
			}
			if other := identities.Add(b.Whose()); other != "" {
				return fmt.Errorf("identity %q looks like %q: nobody could tell them apart", b.Whose(), other)
			}
			continue
		}
		if owner, ok := owners[b.Fingerprint]; ok && owner != b.Person {
			return fmt.Errorf("key %s is bound to %q and %q: a key has one person", b.Fingerprint, owner, b.Person)
		}
		owners[b.Fingerprint] = b.Person
	}
	return nil
}

func parseBinding(fields []string) (b Binding, err error) {
	whose := 1
	if strings.Contains(fields[0], "://") {
		whose = 2
	}
	rest := fields[min(whose, len(fields)):]
	switch {
	case len(rest) == 4:
	case whose == 2:
		return b, fmt.Errorf("%d fields, want six: issuer, subject, person, role, from, until", len(fields))
	default:
		return b, fmt.Errorf("%d fields, want five: fingerprint, person, role, from, until", len(fields))
	}
	for i, f := range rest[2:] {
		if f == "-" {
			rest[2+i] = ""
		}
	}
	b = Binding{Person: rest[0], Role: rest[1], From: rest[2], Until: rest[3]}
	if whose == 2 {
		b.Identity = key.Identity{Issuer: fields[0], Subject: fields[1]}
	} else if b.Fingerprint, err = key.ParseFingerprint(fields[0]); err != nil {
		return b, err
	}
	return b, b.check()
}

func (b Binding) check() error {
	for what, word := range map[string]string{"person": b.Person, "role": b.Role} {
		if !form.IsWord(word) {
			return fmt.Errorf("%s %q: want one word of letters, digits and ._@+-", what, word)
		}
		if why := lookalike.Problem(word); why != "" {
			return fmt.Errorf("%s %q: %s", what, word, why)
		}
	}
	if b.Identity != (key.Identity{}) {
		if err := b.Identity.Check(); err != nil {
			return err
		}
		if why := lookalike.Problem(b.Identity.Subject); why != "" {
			return fmt.Errorf("subject %q: %s", b.Identity.Subject, why)
		}
	}
	_, err := key.ParseWindow(b.From, b.Until)
	return err
}

// Bindings returns what the file says, in its order.
func (t *Trust) Bindings() []Binding {
	var all []Binding
	for _, l := range t.lines {
		if l.binding != nil {
			all = append(all, *l.binding)
		}
	}
	return all
}

// Of returns the bindings of a person or role.
func (t *Trust) Of(whom string) []Binding {
	return slices.DeleteFunc(t.Bindings(), func(b Binding) bool { return b.Person != whom && b.Role != whom })
}

const trustHead = "# Whom I trust. Importing a key never adds a line here; repro key trust does.\n" +
	"# fingerprint person role from until (days in UTC, both included; - is an open end)"

// Add adds a binding, in place of one of the same key to the same person and
// role.
func (t *Trust) Add(b Binding) error {
	if err := b.check(); err != nil {
		return err
	}
	for _, old := range t.Bindings() {
		if old.Whose() == b.Whose() && old.Person != b.Person {
			return fmt.Errorf("key %s is bound to %q: a key has one person; take that away first with repro key untrust", b.Whose(), old.Person)
		}
	}
	if err := (&Trust{append(slices.Clone(t.lines), line{binding: &b})}).check(); err != nil {
		return err
	}
	l := line{b.text(), &b}
	for i, old := range t.lines {
		if old.binding != nil && old.binding.Whose() == b.Whose() && old.binding.Role == b.Role {
			t.lines[i] = l
			return nil
		}
	}
	if len(t.lines) == 0 {
		t.lines = append(t.lines, line{text: trustHead})
	}
	t.lines = append(t.lines, l)
	return nil
}

// Remove takes away the bindings that match, and says how many.
func (t *Trust) Remove(match func(Binding) bool) int {
	n := len(t.lines)
	t.lines = slices.DeleteFunc(t.lines, func(l line) bool { return l.binding != nil && match(*l.binding) })
	return n - len(t.lines)
}

func (b Binding) text() string {
	open := func(s string) string {
		if s == "" {
			return "-"
		}
		return s
	}
	return strings.Join([]string{b.Whose(), b.Person, b.Role, open(b.From), open(b.Until)}, " ")
}

// Encode returns the file.
func (t *Trust) Encode() []byte {
	var out bytes.Buffer
	for _, l := range t.lines {
		out.WriteString(l.text + "\n")
	}
	return out.Bytes()
}
