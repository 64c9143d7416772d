package key

import (
	"strings"
	"testing"
)

func TestIdentityCheck(t *testing.T) {
	const issuer, subject = "https://accounts.example.org", "alice@example.org"
	long := strings.Repeat("a", maxIdentity)
	for _, c := range []struct {
		issuer, subject, want string
	}{
		{issuer, subject, ""},
		{"http://127.0.0.1:5556/dex", "https://github.com/o/r/.github/workflows/w.yml@refs/heads/main", ""},
		{issuer, "0000-0002-1825-0097!orcid.org", ""},
		{issuer, long, ""},
		{issuer, long + "a", "subject: 1025 bytes, want 1 to 1024"},
		{issuer, "", "subject: 0 bytes"},
		{"", subject, "issuer: 0 bytes"},
		{issuer, "alice @example.org", "has a blank"},
		{issuer, "alice\u00a0@example.org", "has a blank"},
		{issuer, "alice\u202e@example.org", "has a blank, or a character that is not shown"},
		{issuer, "alice\x00@example.org", "has a blank, or a character that is not shown"},
		{issuer, "alice\xff@example.org", "has a blank, or a character that is not shown"},
		{"accounts.example.org", subject, "want the address of a provider"},
		{"https://", subject, "want the address of a provider"},
		{"ftp://accounts.example.org", subject, "want the address of a provider"},
		{"://", subject, "want the address of a provider"},
	} {
		err := Identity{c.issuer, c.subject}.Check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40q, %.40q: %v, want %q", c.issuer, c.subject, err, c.want)
		}
	}
}
