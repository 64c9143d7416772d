package policy

import (
	"strings"
	"testing"
	"time"

	"repro/format/manifest"
	"repro/key"
)

var today = time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)

func people() []Person {
	return []Person{
		{ID: "ann", Name: "Ann Author", Roles: []string{"author", "reviewer"}},
		{ID: "bob", Roles: []string{"reviewer"}}, {ID: "cat", Name: "Cat", Roles: []string{"reviewer", "editor"}},
	}
}

// TestDecideEvidence holds which deeds answer which rule, and whose.
func TestDecideEvidence(t *testing.T) {
	old := today.AddDate(0, 0, -10)
	all := func(what What) (out []Evidence) {
		for _, p := range people() {
			out = append(out, Evidence{Person: p.ID, What: what, Type: "t:" + string(what), At: old, Roles: p.Roles})
		}
		return out
	}
	for name, c := range map[string]struct {
		rule Rule
		done []Evidence
		work Work
		want string // persons
	}{
		"signed":                       {Rule{Role: "reviewer"}, all(Signed), Work{}, "ann bob cat"},
		"signed by default":            {Rule{Role: "reviewer"}, all(Reproduced), Work{}, ""},
		"reproduced":                   {Rule{What: Reproduced, Role: "reviewer"}, all(Reproduced), Work{}, "bob cat"},
		"reviewed":                     {Rule{What: Reviewed, Role: "reviewer"}, all(Reproduced), Work{}, ""},
		"endorsed":                     {Rule{What: Endorsed}, all(Endorsed), Work{}, "bob cat"},
		"by authors":                   {Rule{What: Endorsed, Role: "author"}, all(Endorsed), Work{}, "ann"},
		"by name":                      {Rule{What: Endorsed, Of: []string{"ann", "bob"}}, all(Endorsed), Work{}, "ann bob"},
		"not editors":                  {Rule{What: Reproduced, Not: []string{"editor"}}, all(Reproduced), Work{}, "bob"},
		"by sight":                     {Rule{What: Reproduced}, []Evidence{{Person: "bob", What: Reproduced, BySight: true}}, Work{}, ""},
		"by sight, asked":              {Rule{What: Reproduced, Looked: true}, []Evidence{{Person: "bob", What: Reproduced, BySight: true}}, Work{}, "bob"},
		"at once, sight asked":         {Rule{What: Reproduced, Looked: true}, []Evidence{{Person: "bob", What: Reproduced}}, Work{}, "bob"},
		"type":                         {Rule{Type: "t:reviewed", Role: "reviewer"}, all(Reviewed), Work{}, "bob cat"},
		"other type":                   {Rule{Type: "t:review", Role: "reviewer"}, all(Reviewed), Work{}, ""},
		"type of a signature":          {Rule{Type: "t:", Role: "reviewer"}, []Evidence{{Person: "bob", What: Signed}}, Work{}, ""},
		"since before":                 {Rule{What: Reviewed, Since: old.Add(-1)}, all(Reviewed), Work{}, "bob cat"},
		"since then":                   {Rule{What: Reviewed, Since: old}, all(Reviewed), Work{}, "bob cat"},
		"since later":                  {Rule{What: Reviewed, Since: old.Add(1)}, all(Reviewed), Work{}, ""},
		"days, just":                   {Rule{What: Reviewed, Days: 10}, all(Reviewed), Work{}, "bob cat"},
		"days, no more":                {Rule{What: Reviewed, Days: 9}, all(Reviewed), Work{}, ""},
		"no time stated":               {Rule{What: Reviewed, Days: 9}, []Evidence{{Person: "bob", What: Reviewed}}, Work{}, ""},
		"an author by name":            {Rule{What: Reviewed}, all(Reviewed), Work{Authors: []manifest.Author{{Name: "CAT"}}}, "bob"},
		"an author by mail":            {Rule{What: Reviewed}, all(Reviewed), Work{Authors: []manifest.Author{{Name: "x", Email: "bob"}}}, "cat"},
		"an author by ORCID iD":        {Rule{What: Reviewed}, all(Reviewed), Work{Authors: []manifest.Author{{Name: "x", ORCID: "bob"}}}, "cat"},
		"a role that ended":            {Rule{What: Reviewed, Role: "reviewer"}, []Evidence{{Person: "bob", What: Reviewed, Roles: []string{"editor"}}}, Work{}, ""},
		"as":                           {Rule{What: Reviewed, Of: []string{"bob"}, As: []string{"editor"}}, all(Reviewed), Work{}, "bob cat"},
		"as, ended":                    {Rule{As: []string{"editor"}}, []Evidence{{Person: "cat", What: Signed, Roles: []string{"reviewer"}}}, Work{}, ""},
		"says author":                  {Rule{What: Reviewed}, []Evidence{{Person: "bob", What: Reviewed, ByRole: "author"}}, Work{}, ""},
		"says author, asked":           {Rule{What: Reviewed, Of: []string{"bob"}}, []Evidence{{Person: "bob", What: Reviewed, ByRole: "author"}}, Work{}, "bob"},
		"says an author's name":        {Rule{What: Reviewed}, []Evidence{{Person: "bob", What: Reviewed, By: &manifest.Author{Name: "A B"}}}, Work{Authors: []manifest.Author{{Name: "a b", ORCID: "1"}}}, ""},
		"says an author's mail":        {Rule{What: Reviewed}, []Evidence{{Person: "bob", What: Reviewed, By: &manifest.Author{Name: "B", Email: "a@b"}}}, Work{Authors: []manifest.Author{{Name: "A", Email: "a@b"}}}, ""},
		"says an author's iD":          {Rule{What: Reviewed}, []Evidence{{Person: "bob", What: Reviewed, By: &manifest.Author{Name: "x", ORCID: "0000-0002-1825-0097"}}}, Work{Authors: []manifest.Author{{Name: "y", ORCID: "0000-0002-1825-0097"}}}, ""},
		"an author's iD as an address": {Rule{What: Reviewed}, []Evidence{{Person: "bob", What: Reviewed, By: &manifest.Author{Name: "x", ORCID: "https://orcid.org/0000000218250097"}}}, Work{Authors: []manifest.Author{{Name: "y", ORCID: "0000-0002-1825-0097"}}}, ""},
		"an author, iD hidden":         {Rule{What: Reviewed}, []Evidence{{Person: "bob", What: Reviewed, By: &manifest.Author{Name: "y", ORCID: "none"}}}, Work{Authors: []manifest.Author{{Name: "y", ORCID: "0000-0002-1825-0097"}}}, ""},
		"a namesake's iD":              {Rule{What: Reviewed}, []Evidence{{Person: "bob", What: Reviewed, By: &manifest.Author{Name: "x", ORCID: "0000-0002-1825-0097"}}}, Work{Authors: []manifest.Author{{Name: "x", ORCID: "0000-0002-1825-0089"}}}, "bob"},
		"an author signs":              {Rule{}, all(Signed), Work{Authors: []manifest.Author{{Name: "CAT"}}}, "ann bob cat"},
	} {
		c.rule.Persons = 1
		p := &Policy{People: people(), Require: []Rule{c.rule}}
		got := p.Decide(c.done, c.work, today)
		if len(got) != 1 || strings.Join(got[0].Persons, " ") != c.want || got[0].Met != (c.want != "") {
			t.Errorf("%s: %+v, want %q", name, got, c.want)
		}
	}
}

func TestDecideWithdrawn(t *testing.T) {
	p := &Policy{People: people(), Require: []Rule{{Persons: 1}}}
	got := p.Decide(signatures("bob"), Work{Withdrawn: "Ann KEY"}, today)
	if len(got) != 2 || got[0].Met || got[0].Rule != "not withdrawn by a signer" || got[0].Found != "withdrawn by Ann KEY" || !got[1].Met {
		t.Errorf("%+v", got)
	}
}

// TestRolesOf: a key is its person's in a role for a time, and what is not known
// to have been there before the end was not said in it.
func TestRolesOf(t *testing.T) {
	end := today.AddDate(0, 0, 7)
	p := &Policy{}
	p.Add("bob", "reviewer", Key{Fingerprint: "K", Window: key.Window{From: today, Until: end}})
	p.Add("bob", "editor", Key{Fingerprint: "K"})
	p.Add("bob", "reader", Key{Fingerprint: "L"})
	for name, c := range map[string]struct {
		key       key.Fingerprint
		at, known time.Time
		accept    bool
		want      string
	}{
		"within":           {"K", today, end.Add(-1), false, "reviewer editor"},
		"before":           {"K", today.Add(-1), today, false, "editor"},
		"after":            {"K", end, end, true, "editor"},
		"known too late":   {"K", today, end, false, "editor"},
		"late is accepted": {"K", today, end, true, "reviewer editor"},
		"another key":      {"L", today, today, false, "reader"},
		"nobody's":         {"M", today, today, false, ""},
	} {
		p.AcceptExpired = c.accept
		if got := strings.Join(p.RolesOf(Signer{Key: c.key}, c.at, c.known), " "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	p.People[0].Keys[2].Role = "" // as policy files have it
	if got := p.RolesOf(Signer{Key: "L"}, today, today); len(got) != 3 {
		t.Errorf("a key for all roles: %q", got)
	}
}

func TestRuleSays(t *testing.T) {
	for want, r := range map[string]Rule{
		"reproduced by 2 of the role reviewer, not author, since 2026-01-01T00:00:00Z": {What: Reproduced, Role: "reviewer", Not: []string{"author"}, Persons: 2, Since: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
		"reproduced by 1 of its people, by sight where a result needs eyes":            {What: Reproduced, Looked: true, Persons: 1},
		"signed by 1 of ann, the role editor":                                          {Of: []string{"ann"}, As: []string{"editor"}, Persons: 1},
		"attested (a:b) by 1 of its people, in the last 30 days":                       {Type: "a:b", Persons: 1, Days: 30},
	} {
		if got := r.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestParseRule(t *testing.T) {
	p := &Policy{People: people()}
	for text, want := range map[string]string{
		"reproduced by 2 reviewers":  "reproduced by 2 of the role reviewer",
		"reviewed by 1 editor":       "reviewed by 1 of the role editor",
		"signed by 1 author":         "signed by 1 of the role author",
		"endorsed  by 10000 authors": "endorsed by 10000 of the role author",
	} {
		if r, err := p.ParseRule(text); err != nil || r.String() != want {
			t.Errorf("%q: %v, %v", text, r, err)
		}
	}
	for text, want := range map[string]string{
		"":                            "want WHAT by N ROLE",
		"applauded by 2 reviewers":    "want WHAT by N ROLE",
		"reproduced of 2 reviewers":   "want WHAT by N ROLE",
		"reproduced by reviewers":     "want WHAT by N ROLE",
		"reproduced by 0 reviewers":   "want a number of persons",
		"reproduced by -1 reviewers":  "want a number of persons",
		"reproduced by 02 reviewers":  "want a number of persons",
		"reproduced by 10001 authors": "want a number of persons",
		"reproduced by 2 readers":     `nobody has the role "readers"`,
	} {
		if _, err := p.ParseRule(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestOneOwner: a private number belongs to one person, whatever the
// fingerprints that it goes by.
func TestOneOwner(t *testing.T) {
	k, err := key.New(key.PEM, key.Options{Algorithm: key.Ed25519})
	if err != nil {
		t.Fatal(err)
	}
	other, err := key.New(key.PEM, key.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := &Policy{}
	p.Add("bob", "reviewer", Key{Fingerprint: k.Fingerprint(), Public: k.Public()})
	p.Add("bob", "editor", Key{Fingerprint: "another", Public: k.Public()})
	p.Add("cat", "", Key{Fingerprint: other.Fingerprint(), Public: other.Public()})
	p.Add("dan", "x", Key{Fingerprint: "unknown"})
	if err := p.oneOwner(); err != nil {
		t.Errorf("one person twice: %v", err)
	}
	if len(p.People) != 3 || len(p.People[0].Roles) != 2 || p.People[1].Roles != nil || len(p.People[0].Keys) != 2 {
		t.Errorf("%+v", p.People)
	}
	p.Add("eve", "x", Key{Fingerprint: "third", Public: k.Public()})
	if err := p.Resolve(func(key.Fingerprint) (*key.Public, error) { return nil, nil }); err == nil || !strings.Contains(err.Error(), "a key or identity has one owner: key third of eve is the same as one of bob") {
		t.Errorf("two persons: %v", err)
	}
}
