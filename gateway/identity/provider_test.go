package identity

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func TestProviders(t *testing.T) {
	dir := t.TempDir()
	if all, err := Providers(dir); err != nil || all != nil {
		t.Errorf("none: %+v, %v", all, err)
	}
	orcid := Provider{ID: "orcid", Name: "ORCID", Issuer: "https://orcid.org", Client: "APP-1", Secret: "s"}
	uni := Provider{ID: "uni", Name: "University", Issuer: "http://localhost:8080/realms/x", Client: "gw", Scopes: []string{"profile"}}
	for _, p := range []Provider{orcid, uni, {ID: "orcid", Name: "ORCID", Issuer: "https://orcid.org", Client: "APP-2"}} {
		if err := AddProvider(dir, p); err != nil {
			t.Fatal(err)
		}
	}
	all, err := Providers(dir)
	if err != nil || len(all) != 2 || all[0].Client != "APP-2" || all[0].Secret != "" || all[1].Issuer != uni.Issuer || !slices.Equal(all[1].Scopes, uni.Scopes) {
		t.Errorf("%+v, %v", all, err)
	}
	if info, err := os.Stat(filepath.Join(dir, FileName)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestProvidersRefused(t *testing.T) {
	dir := t.TempDir()
	good := Provider{ID: "a", Name: "A", Issuer: "https://a.example", Client: "c"}
	for what, change := range map[string]func(*Provider){
		"no id": func(p *Provider) { p.ID = "" }, "id": func(p *Provider) { p.ID = "a/b" }, "long id": func(p *Provider) { p.ID = strings.Repeat("a", 33) },
		"name": func(p *Provider) { p.Name = " " }, "client": func(p *Provider) { p.Client = "" }, "no issuer": func(p *Provider) { p.Issuer = "" },
		"over http": func(p *Provider) { p.Issuer = "http://a.example" }, "query": func(p *Provider) { p.Issuer += "?x" },
		"user": func(p *Provider) { p.Issuer = "https://u@a.example" }, "scope": func(p *Provider) { p.Scopes = []string{"a b"} }, "scheme": func(p *Provider) { p.Issuer = "file://a" },
	} {
		p := good
		change(&p)
		if err := AddProvider(dir, p); err == nil || !strings.HasPrefix(err.Error(), "provider: ") {
			t.Errorf("%s: %v", what, err)
		}
	}
	longest := good
	longest.ID = strings.Repeat("a", 32)
	if err := AddProvider(dir, longest); err != nil {
		t.Error(err)
	}
	for i := range maxProviders - 1 {
		p := good
		p.ID = fmt.Sprint("p", i)
		if err := AddProvider(dir, p); err != nil {
			t.Fatal(err)
		}
	}
	if err := AddProvider(dir, good); err == nil || !strings.Contains(err.Error(), "17 providers") {
		t.Errorf("one too many: %v", err)
	}
	for text, want := range map[string]string{
		"x":                                 "invalid character",
		strings.Repeat(" ", maxFile) + "[]": "at most",
		`[{"id":"a","name":"A","issuer":"https://a.example","client":"c"},{"id":"a","name":"A","issuer":"https://a.example","client":"c"}]`: "stands there twice",
	} {
		if err := os.WriteFile(filepath.Join(dir, FileName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Providers(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}
