package key

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const maxShownName = 256 // bytes of a user id that are shown

// UserIDs returns the names on an OpenPGP key that the key itself signed, the
// primary one first, made safe for a terminal. A name is a claim by the key's
// owner, no more. PEM keys have none.
func (p *Public) UserIDs() []string {
	if p.entity == nil {
		return nil
	}
	var names []string
	policy := Policy(time.Time{})
	for _, name := range slices.Sorted(maps.Keys(p.entity.Identities)) {
		if _, err := p.entity.Identities[name].Verify(time.Time{}, policy); err == nil {
			names = append(names, escape(name))
		}
	}
	if _, primary := p.entity.PrimaryIdentity(time.Time{}, policy); primary != nil {
		first := escape(primary.Name)
		names = slices.DeleteFunc(names, func(n string) bool { return n == first })
		names = slices.Insert(names, 0, first)
	}
	return names
}

// UserID returns the first of [Public.UserIDs], or "".
func (p *Public) UserID() string {
	if names := p.UserIDs(); len(names) > 0 {
		return names[0]
	}
	return ""
}

// escape writes what does not print (controls, invisible and direction-turning
// characters, bytes that are not UTF-8) the way Go source would.
func escape(s string) string {
	cut := len(s) > maxShownName
	var out strings.Builder
	for len(s) > 0 && out.Len() < maxShownName {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&out, `\x%02x`, s[0])
		case strconv.IsPrint(r):
			out.WriteRune(r)
		default:
			out.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
		s = s[n:]
	}
	if cut {
		out.WriteString("…")
	}
	return out.String()
}
