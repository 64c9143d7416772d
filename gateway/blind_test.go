package gateway

import (
	"context"
	"encoding/base64"
	"html"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/gateway/access"
	"repro/gateway/rerun"
	"repro/gateway/store"
	"repro/key"
	"repro/sign"
)

// adasKey is the public key by which the last adasImage is signed.
var adasKey []byte

const adasRecipe = `repro: 1
title: Notes by Ada Lovelace
authors: [{name: Ada Lovelace, email: ada.l@example.org}]
date: 2026-01-01
licence: MIT
environment: {host: [sh]}
code: [run.sh]
steps: [{name: lovelace, command: [sh, run.sh]}]
`

// adasImage is an image that says in every place whose work it is.
func adasImage(t *testing.T) []byte {
	t.Helper()
	env, code, published := tree.NewDir(), tree.NewDir(), tree.NewDir()
	put := func(root *tree.Node, at, content string) {
		if err := root.Put(at, tree.NewFile(0o644, []byte(content))); err != nil {
			t.Fatal(err)
		}
	}
	put(env, "bin/sh", "\x7fELF\x00")
	put(env, ".singularity.d/labels.json", `{"author": "Ada Lovelace", "mail": "ada.l@example.org"}`)
	put(code, "paper/by_lovelace.txt", "written by Ada Lovelace\n\xe9 Latin-1\n")
	put(code, "paper/home/Lovelace/read me.txt", "# alovelace, ADA.L@EXAMPLE.ORG, 0000-0002-1825-0097\n")
	put(code, "paper/figure.png", "\x89PNG\r\n\x1a\n\x00\x00tEXtAuthor\x00Ada Lovelace")
	put(code, "paper/clean.bin", "\x00\x01\x02")
	put(code, "paper/letter.pdf", "%PDF-\x00 drawn by Engine Project")
	put(code, "paper/wide.bin", "\xff\xfeL\x00o\x00v\x00e\x00l\x00a\x00c\x00e\x00")
	put(code, "paper/project.txt", "of the Engine Project")
	put(published, "lovelace/r.txt", "1 by Lovelace\n")
	file := filepath.Join(t.TempDir(), "x.sif")
	_, err := format.Create(context.Background(), file, format.Spec{
		Manifest: manifest.Manifest{
			Version: manifest.Version, Arch: "amd64", Environment: manifest.Environment{Kind: "rootfs", Source: "/home/alovelace/root"},
			Paper: manifest.Paper{Title: "Notes by Ada Lovelace", Date: "2026-01-01T00:00:00Z", DOI: "10.5281/zenodo.1842", Licence: "MIT",
				Authors: []manifest.Author{{Name: "Ada Lovelace", ORCID: "0000-0002-1825-0097", Email: "ada.l@example.org", Affiliation: "Ockham Park"}}},
			Steps:   []manifest.Step{{Name: "lovelace", Command: []string{"sh", "/home/alovelace/run.sh"}, Dir: "/paper", Outputs: []string{"/paper/r.txt"}}},
			Results: []manifest.Result{{Name: "lovelace-number", Output: "/paper/r.txt", Published: "lovelace/r.txt", Claim: "as Lovelace says, of Ockham Park"}},
		},
		Recipe: []byte(adasRecipe), Inspect: []byte("{}\n"),
		SBOM: func(context.Context) ([]byte, error) {
			return []byte(`{"packages":[{"name":"lovelace-tools","versionInfo":"1 (ada.l@example.org)"}]}`), nil
		},
		Layers: []format.LayerSpec{
			{Name: format.EnvironmentName, Role: manifest.RoleLayer, Tree: env},
			{Name: "code", Role: manifest.RoleLayer, Tree: code},
			{Name: format.PublishedName, Role: manifest.RoleHidden, Tree: published},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	k, err := key.New(key.OpenPGP, key.Options{Algorithm: key.Ed25519, Name: "Ada Lovelace", Email: "ada.l@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sign.Image(context.Background(), file, k, sign.Options{}); err != nil {
		t.Fatal(err)
	}
	if adasKey, err = k.Public().Encode(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// secretsOf are names in the spellings in which they could leave a server, in
// small letters.
func secretsOf(names ...string) (all []string) {
	for _, n := range names {
		all = append(all, strings.ToLower(n), strings.ToLower(url.QueryEscape(n)), strings.ToLower(url.PathEscape(n)), strings.ToLower(html.EscapeString(n)))
		for _, before := range []string{"", "x", "xx"} { // the three ways in which base64 can fall
			s := base64.RawStdEncoding.EncodeToString([]byte(before + n))
			all = append(all, strings.ToLower(s[len(before)+1:len(s)-1]))
		}
		var wide []byte
		for _, u := range utf16.Encode([]rune(strings.ToLower(n))) {
			wide = append(wide, byte(u), byte(u>>8))
		}
		all = append(all, string(wide[:len(wide)-1]))
	}
	return all
}

// walk opens every address that pages lead to, and those given, and returns all
// that the server sent, by address.
type walk struct {
	*person
	all      map[string]string
	answered map[string]bool // patterns of routes that said 200
}

var hrefs = regexp.MustCompile(`(?:href|src|action)="([^"]+)"`)

func (p *person) walk(more ...string) walk {
	p.Helper()
	w := walk{p, map[string]string{}, map[string]bool{}}
	mux := http.NewServeMux()
	for _, rule := range access.Rules() {
		mux.HandleFunc(rule.Pattern, func(http.ResponseWriter, *http.Request) {})
	}
	for todo := append([]string{"/"}, more...); len(todo) > 0; todo = todo[1:] {
		at := todo[0]
		if _, done := w.all[at]; done || len(w.all) > 2000 {
			continue
		}
		r, err := http.NewRequest("GET", p.origin+at, nil)
		if err != nil {
			p.Fatal(err)
		}
		r.Header.Set("Accept", "text/html")
		res, err := p.client.Do(r)
		if err != nil {
			w.all[at] = err.Error()
			continue
		}
		b, err := httputil.DumpResponse(res, true)
		res.Body.Close()
		if err != nil {
			b = append(b, err.Error()...)
		}
		w.all[at] = string(b)
		if _, pattern := mux.Handler(r); res.StatusCode == 200 {
			w.answered[pattern] = true
		}
		for _, m := range hrefs.FindAllStringSubmatch(string(b), -1) {
			next, err := url.Parse(html.UnescapeString(m[1]))
			if err == nil && next.Host == "" && strings.HasPrefix(next.Path, "/") {
				todo = append(todo, next.RequestURI())
			}
		}
	}
	return w
}

// says lists the addresses whose answers hold one of the secrets.
func (w walk) says(secrets []string) (where []string) {
	for at, answer := range w.all {
		answer = strings.ToLower(answer)
		for _, s := range secrets {
			if i := strings.Index(answer, s); i >= 0 {
				where = append(where, at+": "+answer[max(0, i-60):min(len(answer), i+60)])
				break
			}
		}
	}
	slices.Sort(where)
	return where
}

// doubleBlind starts a gateway with Ada's submission to a double-blind venue.
func doubleBlind(t *testing.T) (admin, author *person, at string) {
	t.Helper()
	admin, s := start(t)
	admin.post("/v/j/people", "/v/j/blind", url.Values{"blind": {"double"}}, 200)
	author = newPerson(t, admin.origin)
	author.join(admin.invite("j", "Augusta Byron", "author"))
	at = author.submit("j", "augusta-lovelace.sif", adasImage(t))
	author.post(at+"/names", at+"/names", url.Values{"names": {"Engine Project\n\n engine project "}, "files": {"*.pdf\n/paper/none"}}, 200)
	finishedRun(t, s, path.Base(at))
	return admin, author, at
}

// finishedRun writes down a run of a submission, whose record names the author.
func finishedRun(t *testing.T, s *store.Store, submission string) {
	t.Helper()
	ctx := context.Background()
	sub, err := s.Submission(ctx, submission)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddRun(ctx, store.Run{Venue: sub.Venue, Submission: sub.ID, Person: sub.Person, Kind: store.RunAll}); err != nil {
		t.Fatal(err)
	}
	r, ok, err := s.TakeRun(ctx, "w", time.Minute)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	r.State, r.Outcome, r.Results, r.Words = store.RunDone, store.OutcomeDiffers, 1, "0 of 1 results of Lovelace reproduced"
	if err := s.EndRun(ctx, r); err != nil {
		t.Fatal(err)
	}
	record := filepath.Join(rerun.Dir(s.Dir(), r.ID), rerun.Record)
	for name, text := range map[string]string{
		"report.json": `{"version":1,"paper":{"title":"by Lovelace","authors":[{"name":"Ada Lovelace"}]},"findings":[{"result":"lovelace-number","verdict":"differs","reason":"Ada Lovelace says 2","output":"/paper/r.txt","published":"lovelace/r.txt","diff":"-Lovelace"}],"steps":[{"name":"lovelace","status":"done","log":"logs/lovelace.log"}]}`,
		"report.html": "<!doctype html><title>Lovelace</title><p>by Ada Lovelace", "logs/lovelace.log": "hello from alovelace\n", "outputs/paper/r.txt": "2 by Lovelace\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(record, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(record, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNobodyIsNamed searches every byte that the server sends to those who must
// not learn whose work it is, over all pages that they can reach (GTW-9).
func TestNobodyIsNamed(t *testing.T) {
	admin, author, at := doubleBlind(t)
	secrets := secretsOf("Lovelace", "ada.l@", "0000-0002-1825-0097", "zenodo.1842", "Ockham Park", "Augusta", "Byron", "Engine Project")
	probes := []string{
		at, at + "/image", at + "/names", at + "/files/paper/none/lovelace", at + "/files/paper/letter.pdf", at + "/files/paper/letter.pdf?download",
		at + "/files/paper/figure.png", at + "/files/paper/figure.png?picture", at + "/files/paper/figure.png?download", at + "/files/paper/wide.bin", at + "/files/paper/by_lovelace.txt?download", at + "/files/paper/clean.bin",
		"/v/j/people", "/v/j/uploads", "/audit", at + "/files/?layer=x", path.Dir(at) + "/none", "/v/j/none",
	}
	for _, rule := range access.Rules() { // also those that no page leads to
		if method, pattern, _ := strings.Cut(rule.Pattern, " "); method == "GET" {
			probes = append(probes, strings.NewReplacer("{$}", "", "{venue}", "j", "{submission}", path.Base(at), "{path...}", "paper", "{upload}", "x", "{provider}", "x").Replace(pattern))
		}
	}
	for _, role := range []string{"reviewer", "reader"} {
		p := newPerson(t, admin.origin)
		p.join(admin.invite("j", "R 2", role))
		w := p.walk(probes...)
		for _, where := range w.says(secrets) {
			t.Errorf("a %s is told at %s", role, where)
		}
		for _, pattern := range []string{"GET /v/{venue}", "GET /v/{venue}/submissions/{submission}", "GET /v/{venue}/submissions/{submission}/files/{path...}", "GET /v/{venue}/submissions/{submission}/runs/{run}", "GET /v/{venue}/submissions/{submission}/runs/{run}/record/{path...}"} {
			if !w.answered[pattern] {
				t.Errorf("the walk of a %s saw nothing of %s", role, pattern)
			}
		}
		for address, want := range map[string]string{
			at: "Notes by ", at + "/image": "403", at + "/files/paper/clean.bin": "\x00\x01\x02", at + "/files/paper/letter.pdf": "whose work it is",
			at + "/files/paper/figure.png?picture": "whose work it is", at + "/files/paper/figure.png?download": "whose work it is", at + "/files/paper/project.txt": `<li id="L1">of the `,
		} {
			if !strings.Contains(w.all[address], want) {
				t.Errorf("a %s at %s: %.2000s", role, address, w.all[address])
			}
		}
		found := 0
		for address, answer := range w.all {
			if strings.Contains(strings.ToLower(address), "author~") && strings.Contains(address, "/paper/home/") && strings.Contains(answer, "# ") {
				found++
			}
		}
		if found == 0 {
			t.Errorf("no address with a pseudonym leads a %s to a file", role)
		}
	}
	p := newPerson(t, admin.origin)
	p.join(admin.invite("j", "R 3", "reviewer"))
	for q, want := range map[string]bool{"lovelace": false, "Notes": true, "author~": true, "nothing": false} {
		if got := strings.Contains(p.get("/v/j?q="+q), path.Base(at)); got != want {
			t.Errorf("a search for %s finds it: %v", q, got)
		}
	}
	if got := author.walk(at).says(secrets); len(got) < 5 {
		t.Errorf("this test sees nothing: the author herself is told at %q", got)
	}
	if got := admin.walk(at).says(secrets); len(got) < 5 {
		t.Errorf("editors see %q", got)
	}
}

// TestPiecesOfNames: no range of a file brings a name in two answers.
func TestPiecesOfNames(t *testing.T) {
	admin, _, at := doubleBlind(t)
	p := newPerson(t, admin.origin)
	p.join(admin.invite("j", "R 2", "reviewer"))
	r, err := http.NewRequest("GET", p.origin+at+"/files/paper/figure.png?download", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Range", "bytes=0-20")
	res, err := p.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 403 {
		t.Errorf("a range: %d", res.StatusCode)
	}
}

// TestBlindForms: who may say what is hidden, and what is none of it.
func TestBlindForms(t *testing.T) {
	admin, author, at := doubleBlind(t)
	admin.post("/v/j/people", "/v/j/blind", url.Values{"blind": {"triple"}}, 400)
	author.post(at+"/names", at+"/names", url.Values{"files": {"[x"}}, 400)
	author.post(at+"/names", at+"/names", url.Values{"names": {strings.Repeat("x", 201)}}, 400)
	author.post(at+"/names", at+"/names", url.Values{"names": {strings.Repeat("x", 200)}}, 200)
	if page := author.get(at + "/names"); !strings.Contains(page, "0000-0002-1825-0097") || !strings.Contains(page, strings.Repeat("x", 200)) || strings.Contains(page, "*.pdf") {
		t.Errorf("names: %s", page)
	}
	p := newPerson(t, admin.origin)
	p.join(admin.invite("j", "R 2", "reviewer"))
	if page := p.get(at); strings.Contains(page, "Lovelace") {
		t.Error("a reviewer of a double-blind venue is told")
	}
	admin.post("/v/j/people", "/v/j/blind", url.Values{"blind": {"single"}}, 200)
	if page := p.get(at); !strings.Contains(page, "Lovelace") {
		t.Error("a change of the venue is not at once")
	}
	if res, _ := p.fetch(at + "/image"); res.StatusCode != 200 {
		t.Errorf("the image of a single-blind venue: %d", res.StatusCode)
	}
}
