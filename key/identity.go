package key

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Identity is whom a provider says that somebody is, who signs without a key
// file. Both parts are compared exactly, as bytes. SPEC.md, KLS-4.
type Identity struct {
	Issuer  string // address of the provider, "https://accounts.example.org"
	Subject string // a mail address, an address of a workflow, or NAME!DOMAIN
}

func (i Identity) String() string { return i.Subject + " (" + i.Issuer + ")" }

const maxIdentity = 1024 // bytes of each part

// Check says what keeps i from being named in a file that people read: a part
// that is missing, is too long or has characters that are not shown. SPEC.md,
// TRU-7.
func (i Identity) Check() error {
	for what, part := range map[string]string{"issuer": i.Issuer, "subject": i.Subject} {
		switch {
		case part == "" || len(part) > maxIdentity:
			return fmt.Errorf("%s: %d bytes, want 1 to %d", what, len(part), maxIdentity)
		case !utf8.ValidString(part) || strings.ContainsFunc(part, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }):
			return fmt.Errorf("%s %q: it has a blank, or a character that is not shown", what, part)
		}
	}
	if u, err := url.Parse(i.Issuer); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("issuer %q: want the address of a provider, such as https://accounts.example.org", i.Issuer)
	}
	return nil
}
