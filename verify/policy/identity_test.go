package policy

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"repro/format/manifest"
	"repro/key"
	"repro/verify/bundle/bundletest"
	"repro/verify/timestamp/timestamptest"
)

const (
	issuer = "https://accounts.example.org"
	head   = "policy: 1\nname: J\n"
	rules  = "require:\n  - {role: reviewer}\n"
)

// reviewer is a person whom a provider knows.
func reviewer(id string, subjects ...string) string {
	var all []string
	for _, s := range subjects {
		at, who, ok := strings.Cut(s, " ")
		if !ok {
			at, who = issuer, s
		}
		all = append(all, fmt.Sprintf("{issuer: %q, subject: %q}", at, who))
	}
	return fmt.Sprintf("  - {person: %s, roles: [reviewer], identities: [%s]}\n", id, strings.Join(all, ", "))
}

// TestIdentityFaults holds why a policy with identities is refused.
func TestIdentityFaults(t *testing.T) {
	const key1 = "  - {person: b@x.org, roles: [reviewer], keys: [{fingerprint: ABCDEF0123456789ABCDEF0123456789ABCDEF01}]}\n"
	for want, people := range map[string]string{
		"": reviewer("a", "a@x.org", "https://other.example.org c@x.org") + reviewer("b", "b@x.org") + "  - {person: d, roles: [reviewer], keys: [{fingerprint: ABCDEF0123456789ABCDEF0123456789ABCDEF01}]}\n",
		"a@x.org (https://accounts.example.org) stands here a second time: an identity has one owner": reviewer("a", "a@x.org") + reviewer("b", "a@x.org"),
		`"a@x.org" of b looks like "a@x.org" of a`:                                                    reviewer("a", "a@x.org") + reviewer("b", "https://other.example.org a@x.org"),
		`"a!x.org" of b looks like "a@x.org" of a`:                                                    reviewer("a", "a@x.org") + reviewer("b", "https://other.example.org a!x.org"),
		`"a@x.org." of b looks like "a@x.org" of a`:                                                   reviewer("a", "a@x.org") + reviewer("b", "a@x.org."),
		`"https://orcid.org/0000-0002-1825-0097" of b looks like "0000-0002-1825-0097" of a`:          reviewer("a", "0000-0002-1825-0097") + reviewer("b", "https://orcid.org/0000-0002-1825-0097"),
		"the person 0000000218250097 is 0000-0002-1825-0097":                                          reviewer("0000-0002-1825-0097", "a") + reviewer("'0000000218250097'", "b"),
		"has a character that is not shown: another":                                                  reviewer("a", "a\ufe0f@x.org"),
		`"A@x.org" of b looks like "a@x.org" of a`:                                                    reviewer("a", "a@x.org") + reviewer("b", "A@x.org"),
		`"b@x.org" of a looks like "b@x.org" of b@x.org`:                                              reviewer("a", "b@x.org") + key1,
		"\"B@x.org\" of a looks like \"b@x.org\" of b@x.org":                                          key1 + reviewer("a", "B@x.org"),
		`"A@x.org (https://accounts.example.org)" looks like "a@x.org`:                                reviewer("a", "a@x.org", "A@x.org"),
		"subject: \"\u0430@x.org\": mixes Cyrillic and Latin letters":                                 reviewer("a", "\u0430@x.org"),
		"is not in Unicode's composed form":                                                           reviewer("a", "rene\u0301@x.org"),
		"it has a blank, or a character that is not shown":                                            "  - {person: a, roles: [reviewer], identities: [{issuer: 'https://x.org', subject: a b}]}\n",
		`issuer "accounts": want the address of a provider`:                                           reviewer("a", "accounts a@x.org"),
		"keys or identities: missing":                                                                 "  - {person: a, roles: [reviewer]}\n",
		"identities: want at least one":                                                               reviewer("a"),
		"identity: window from 2027-01-01 until 2026-01-01: it ends before it starts":                 "  - {person: a, roles: [reviewer], identities: [{issuer: 'https://x.org', subject: a, from: 2027-01-01, until: 2026-01-01}]}\n",
		`unknown key "san"`:             "  - {person: a, roles: [reviewer], identities: [{issuer: 'https://x.org', san: a}]}\n",
		"want a day such as 2027-12-31": "  - {person: a, roles: [reviewer], identities: [{issuer: 'https://x.org', subject: a, until: soon}]}\n",
	} {
		_, err := Parse("p.yaml", []byte(head+"people:\n"+people+rules))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngot  %v\nwant %s", people, err, want)
		}
	}
}

// TestIdentityOwner: an identity is its person's as a key is.
func TestIdentityOwner(t *testing.T) {
	p, err := Parse("p.yaml", []byte(head+"people:\n"+
		"  - {person: a, roles: [reviewer, editor], identities: [{issuer: 'https://x.org', subject: a, from: 2026-06-01, until: 2026-06-30}]}\n"+
		reviewer("b", "b@x.org")+rules))
	if err != nil {
		t.Fatal(err)
	}
	a, b := key.Identity{Issuer: "https://x.org", Subject: "a"}, key.Identity{Issuer: issuer, Subject: "b@x.org"}
	if all := p.Identities(); len(all) != 2 || all[0] != a || all[1] != b {
		t.Error(all)
	}
	for s, want := range map[Signer]string{
		{Identity: a}: "a", {Identity: b}: "b", {Key: "b"}: "", {}: "",
		{Identity: key.Identity{Issuer: issuer, Subject: "a"}}:           "",
		{Identity: key.Identity{Issuer: "https://x.org/", Subject: "a"}}: "",
	} {
		got := ""
		if owner := p.Owner(s); owner != nil {
			got = owner.ID
		}
		if got != want {
			t.Errorf("%v: %q, want %q", s, got, want)
		}
	}
	june, july := time.Date(2026, 6, 30, 23, 59, 59, 0, time.UTC), time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	if got := p.RolesOf(Signer{Identity: a}, june, june); len(got) != 2 {
		t.Error(got)
	}
	if got := p.RolesOf(Signer{Identity: a}, july, july); got != nil {
		t.Error(got)
	}
	if w := p.Windows(Signer{Identity: a}); len(w) != 1 || !w[0].Contains(june) || w[0].Contains(july) {
		t.Error(w)
	}
	if w := p.Windows(Signer{Key: "none"}); w != nil {
		t.Error(w)
	}
	p.AddIdentity("b", "guest", Identity{Identity: a})
	if err := p.Resolve(nil); err == nil || !strings.Contains(err.Error(), `"a" of b looks like "a" of a`) {
		t.Error(err)
	}
}

// TestAuthorByIdentity: an author is known by how a provider knows her, too.
func TestAuthorByIdentity(t *testing.T) {
	authors := []manifest.Author{{Name: "Ada", Email: "ada@x.org", ORCID: "0000-0002-1825-0097"}}
	for subject, is := range map[string]bool{
		"ada@x.org": true, "ADA@x.org": true, "0000-0002-1825-0097!orcid.org": true, "Ada!x": true,
		"ada!x.org": true, "mailto:ada@x.org": true, "ada@x.org.": true, "https://orcid.org/0000-0002-1825-0097": true, "0000000218250097": true,
		"https://orcid.org/0000-0002-1825-0098": false, "eve!x.com": false,
		"ada@x.com": false, "0000-0002-1825-0098!orcid.org": false, "x!ada@x.org": false,
	} {
		p := &Policy{Require: []Rule{{What: Reviewed, Persons: 1}}}
		i := Identity{Identity: key.Identity{Issuer: issuer, Subject: subject}}
		p.AddIdentity("r", "reviewer", i)
		st := p.Decide([]Evidence{{Person: "r", What: Reviewed, Roles: []string{"reviewer"}}}, Work{Authors: authors}, today)
		if st[0].Met == is {
			t.Errorf("%s: %+v", subject, st)
		}
	}
}

// TestParseTrust: a policy holds whose word counts.
func TestParseTrust(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := bundletest.New("log.example", start, start.AddDate(5, 0, 0))
	root, _ := json.Marshal(string(s.TrustedRoot()))
	cert := func(name string) string {
		a := timestamptest.New(name, start, start.AddDate(5, 0, 0))
		text, _ := json.Marshal(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Root.Raw})))
		return fmt.Sprintf("  - {name: %s, certificates: %s}\n", name, text)
	}
	one := cert("One")
	two := "authorities:\n" + one + cert("Two")
	people := "people:\n" + reviewer("a", "a@x.org")
	p, err := Parse("p.yaml", []byte(head+"trusted-root: "+string(root)+"\ntime: {authorities: 2, required: true}\n"+two+people+rules))
	if err != nil {
		t.Fatal(err)
	}
	if p.Root == nil || len(p.Time.Authorities) != 2 || p.Time.Authorities[1].Name != "Two" || p.Time.Least != 2 || !p.Time.Required {
		t.Errorf("%+v", p)
	}
	for text, want := range map[string]string{
		"time: {authorities: 3}\n" + two:                    "time: it can never be met: 3 authorities are wanted, 2 named",
		"time: {authorities: 0}\n":                          "authorities: 0 is not between 1 and 100",
		"time: {authorities: 101}\n":                        "authorities: 101 is not between 1 and 100",
		"time: {required: true}\nexpired-keys: accept\n":    "want one of them",
		"authorities:\n" + one + one:                        "its key stands here a second time",
		"authorities: []\n":                                 "authorities: want at least one",
		"authorities:\n  - {name: A, certificates: none}\n": "want certificates in PEM",
		"trusted-root: '{}'\n":                              "trusted-root: not a trusted root",
	} {
		if _, err := Parse("p.yaml", []byte(head+text+people+rules)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %s", text, err, want)
		}
	}
	for _, text := range []string{"time: {authorities: 2}\n" + two, "time: {authorities: 100}\n", "time: {required: false}\nexpired-keys: accept\n"} {
		if _, err := Parse("p.yaml", []byte(head+text+people+rules)); err != nil {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}
