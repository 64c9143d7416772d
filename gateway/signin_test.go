package gateway

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/gateway/identity"
)

// TestProviderCommand: the secret comes from a file, and the page has a button.
func TestProviderCommand(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	got := run(t, 0, "provider", "--data", data, "--secret", secret, "--scopes", "profile,email", "orcid", "ORCID <b>", "http://127.0.0.1:1", "APP-1")
	if got != "added orcid\nreturn addresses end in /sign-in/orcid/return\n" {
		t.Errorf("%q", got)
	}
	if all, err := identity.Providers(data); err != nil || len(all) != 1 || all[0].Secret != "hush" || strings.Join(all[0].Scopes, " ") != "profile email" {
		t.Errorf("%+v, %v", all, err)
	}
	run(t, 1, "provider", "--data", data, "x", "X", "http://x.example", "c")
	run(t, 1, "provider", "--data", data, "--secret", secret+"x", "x", "X", "https://x.example", "c")
	run(t, 2, "provider", "--data", data, "x", "X")

	p := newPerson(t, startProcess(t, data).origin)
	for _, path := range []string{"/", "/join?token=a.b"} {
		if page := p.get(path); !strings.Contains(page, `action="/sign-in/orcid"`) || !strings.Contains(page, "ORCID &lt;b&gt;") {
			t.Errorf("%s: %s", path, page)
		}
	}
	p.do("POST", "/sign-in/none", url.Values{}, 404)
	if page := p.do("POST", "/sign-in/orcid", url.Values{}, 502); !strings.Contains(page, "does not answer now") {
		t.Errorf("a provider that is down: %s", page)
	}
	if page := p.do("GET", "/sign-in/orcid/return?state=x&code=y", nil, 403); !strings.Contains(page, "not begun in this browser") {
		t.Errorf("an answer that nobody asked for: %s", page)
	}
}
