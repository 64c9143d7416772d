package policy

import (
	"bytes"
	"crypto"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"repro/key"
)

// corpus calls f for each policy in testdata/kind.
func corpus(t testing.TB, kind string, f func(name string, b []byte)) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", kind, "*.yaml"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no policies in testdata/%s: %v", kind, err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f(filepath.Base(name), b)
	}
}

func TestParseGood(t *testing.T) {
	corpus(t, "good", func(name string, b []byte) {
		if _, err := Parse(name, b); err != nil {
			t.Error(err)
		}
	})
}

// Each bad policy starts with "# want: " and what Parse says of it.
func TestParseBad(t *testing.T) {
	for _, kind := range []string{"bad", "beyond"} {
		corpus(t, kind, func(name string, b []byte) {
			line, _, _ := bytes.Cut(b, []byte("\n"))
			want, _ := strings.CutPrefix(string(line), "# want: ")
			if _, err := Parse(name, b); err == nil || !strings.HasPrefix(err.Error(), name+":"+want) && !strings.Contains(err.Error(), want) {
				t.Errorf("%s:\ngot  %v\nwant %s", name, err, want)
			}
		})
	}
}

func TestParseFull(t *testing.T) {
	b, err := os.ReadFile("testdata/good/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse("full.yaml", b)
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "Journal of Examples" || p.Serial != 7 || !p.Foreign || !p.AcceptExpired || p.Crypto.RSA != 3072 {
		t.Errorf("%+v", p)
	}
	if want := time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC); !p.Expires.Equal(want) {
		t.Errorf("expires %v, want %v", p.Expires, want)
	}
	k := p.People[0].Keys
	if k[0].Fingerprint != "0123456789ABCDEF0123456789ABCDEF01234567" || k[1].Public == nil || k[1].Public.Fingerprint() != k[1].Fingerprint {
		t.Errorf("%+v", k)
	}
	if owner := p.Owner(Signer{Key: k[1].Fingerprint}); owner == nil || owner.ID != "0000-0002-1825-0097" {
		t.Errorf("owner %+v", owner)
	}
}

func TestDecide(t *testing.T) {
	p := &Policy{
		Expires: time.Unix(1000, 0).UTC(),
		People:  []Person{{ID: "a", Roles: []string{"author", "reviewer"}}, {ID: "b", Roles: []string{"reviewer"}}, {ID: "c", Roles: []string{"reviewer"}}},
		Require: []Rule{
			{Role: "author", Persons: 1},
			{Role: "reviewer", Not: []string{"author"}, Persons: 2},
			{Of: []string{"a", "b"}, Persons: 2},
			{Persons: 3},
		},
	}
	for _, c := range []struct {
		signed string
		at     int64
		met    string // one letter a rule; the first is that the policy is in force
	}{
		{"", 999, "ynnnn"},
		{"a", 999, "yynnn"},
		{"a b", 999, "yynyn"},
		{"a a a b b", 999, "yynyn"},
		{"b c", 999, "ynynn"},
		{"a b c", 999, "yyyyy"},
		{"a b c", 1000, "nyyyy"},
		{"x y z", 999, "ynnnn"},
	} {
		got := ""
		for _, r := range p.Decide(signatures(strings.Fields(c.signed)...), Work{}, time.Unix(c.at, 0)) {
			got += map[bool]string{true: "y", false: "n"}[r.Met]
		}
		if got != c.met {
			t.Errorf("%q at %d: %s, want %s", c.signed, c.at, got, c.met)
		}
	}
}

func TestWeak(t *testing.T) {
	p := &Policy{Crypto: Crypto{RSA: 3072, Hashes: []string{"sha256"}, Algorithms: []key.Family{"ed25519", "rsa"}}}
	ed25519, rsa, ecdsa := key.Ed25519, key.RSA3072, key.ECDSAP256
	ed25519.Hash = crypto.SHA256
	small, large, other := rsa, rsa, rsa
	small.Bits, large.Bits, other.Hash = 3071, 1<<40, crypto.SHA512
	for _, c := range []struct {
		made key.Algorithm
		want string
	}{
		{ed25519, ""},
		{rsa, ""},
		{large, ""},
		{key.Ed25519, "made with sha512; the policy allows sha256"},
		{other, "made with sha512; the policy allows sha256"},
		{small, "made with rsa of 3071 bits; the policy asks for 3072"},
		{ecdsa, "made with ecdsa P-256; the policy allows ed25519, rsa"},
		{key.Algorithm{}, "made in a way that repro does not know; the policy says in which it may be"},
	} {
		if got := p.Weak(c.made); got != c.want {
			t.Errorf("%+v: %q, want %q", c.made, got, c.want)
		}
	}
	if why := (&Policy{}).Weak(small); why != "" {
		t.Error(why)
	}
	for _, c := range []Crypto{{RSA: 2048}, {Hashes: []string{"sha256"}}, {Algorithms: []key.Family{"rsa"}}} {
		if why := (&Policy{Crypto: c}).Weak(key.Algorithm{}); why == "" {
			t.Errorf("%+v accepts a signature of which nothing is known", c)
		}
		if c.Algorithms == nil && (&Policy{Crypto: c}).Weak(ed25519) != "" {
			t.Errorf("%+v refuses Ed25519 with SHA-256", c)
		}
	}
	if why := (&Policy{}).Weak(key.Algorithm{}); why != "" {
		t.Errorf("a policy that asks for nothing says %q", why)
	}
}

// TestSchemaFamilies holds the schema to the families of keys that there are.
func TestSchemaFamilies(t *testing.T) {
	var schema struct {
		Properties struct {
			Crypto struct {
				Properties struct {
					Algorithms struct{ Items struct{ Enum []key.Family } }
				}
			}
		}
	}
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	got := schema.Properties.Crypto.Properties.Algorithms.Items.Enum
	if !slices.Equal(got, key.Families()) || !slices.Contains(got, "ecdsa") {
		t.Errorf("families %q", got)
	}
}

func TestResolve(t *testing.T) {
	k, err := key.New(key.PEM, key.Options{})
	if err != nil {
		t.Fatal(err)
	}
	other, err := key.New(key.PEM, key.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := &Policy{People: []Person{{ID: "a", Keys: []Key{{Fingerprint: k.Fingerprint()}, {Fingerprint: "SHA256:none"}}}}}
	if err := p.Resolve(func(key.Fingerprint) (*key.Public, error) { return other.Public(), nil }); err != nil || p.People[0].Keys[0].Public != nil {
		t.Errorf("another key was taken: %v", err)
	}
	if err := p.Resolve(func(key.Fingerprint) (*key.Public, error) { return k.Public(), nil }); err != nil || p.People[0].Keys[0].Public != k.Public() {
		t.Error("the key was not taken")
	}
}

// TestSchemaAgrees proves that the schema takes what Parse takes, and refuses
// what Parse refuses by form alone (testdata/bad).
func TestSchemaAgrees(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.UseRegexpEngine(func(s string) (jsonschema.Regexp, error) { return regexp.Compile(s) })
	if err := c.AddResource("policy.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("policy.json")
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string]bool{"good": true, "bad": false, "beyond": true} {
		corpus(t, kind, func(name string, b []byte) {
			var doc yaml.Node
			if err := yaml.Unmarshal(b, &doc); err != nil {
				t.Fatal(err)
			}
			if err := s.Validate(value(doc.Content[0])); (err == nil) != want {
				t.Errorf("%s/%s: schema says %v", kind, name, err)
			}
		})
	}
}

// value is what a YAML 1.2 reader makes of n.
func value(n *yaml.Node) any {
	switch {
	case n.Kind == yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = value(n.Content[i+1])
		}
		return m
	case n.Kind == yaml.SequenceNode:
		l := []any{}
		for _, c := range n.Content {
			l = append(l, value(c))
		}
		return l
	case n.Tag == "!!int":
		if _, err := strconv.Atoi(n.Value); err == nil {
			return json.Number(n.Value)
		}
	}
	return n.Value
}

// FuzzParse: never a panic, never a control character in a message, and what
// is accepted can be met.
func FuzzParse(f *testing.F) {
	for _, kind := range []string{"good", "bad", "beyond"} {
		corpus(f, kind, func(_ string, b []byte) { f.Add(b) })
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse("x", b)
		if err != nil {
			if strings.ContainsFunc(strings.ReplaceAll(err.Error(), "\n", ""), func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }) {
				t.Fatalf("control character in %q", err)
			}
			return
		}
		var all []Evidence
		for _, person := range p.People {
			for _, r := range p.Require {
				all = append(all, Evidence{Person: person.ID, What: r.What, Type: r.Type, At: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), Roles: person.Roles})
			}
		}
		for _, r := range p.Decide(all, Work{}, time.Time{}) {
			if !r.Met {
				t.Fatalf("%s: not met by everybody", r.Rule)
			}
		}
		if again, err := Parse("x", b); err != nil || !reflect.DeepEqual(again.Require, p.Require) {
			t.Fatal("reads otherwise the second time")
		}
	})
}

// TestWords holds what a rule says and what is said to have been found.
func TestWords(t *testing.T) {
	p := &Policy{People: []Person{{ID: "ann", Roles: []string{"author"}}, {ID: "bob", Roles: []string{"reviewer"}}, {ID: "cat", Roles: []string{"reviewer", "author"}}}}
	for _, c := range []struct {
		rule   Rule
		signed []string
		says   string
		found  string
		met    bool
	}{
		{Rule{Persons: 1}, nil, "signed by 1 of its people", "nobody", false},
		{Rule{Persons: 1}, []string{"bob"}, "signed by 1 of its people", "bob", true},
		{Rule{Persons: 2, Role: "reviewer"}, []string{"cat", "bob", "ann"}, "signed by 2 of the role reviewer", "bob, cat", true},
		{Rule{Persons: 2, Role: "reviewer", Not: []string{"author"}}, []string{"bob", "cat"}, "signed by 2 of the role reviewer, not author", "bob", false},
		{Rule{Persons: 1, Of: []string{"ann", "bob"}, Not: []string{"author", "editor"}}, []string{"ann", "cat"}, "signed by 1 of ann, bob, not author or editor", "nobody", false},
		{Rule{Persons: 1}, []string{"bob", "bob", "stranger", ""}, "signed by 1 of its people", "bob", true},
		{Rule{Persons: 2}, []string{"bob", "bob", "stranger", ""}, "signed by 2 of its people", "bob", false},
	} {
		p.Require = []Rule{c.rule}
		got := p.Decide(signatures(c.signed...), Work{}, time.Time{})
		if len(got) != 1 || got[0].Rule != c.says || got[0].Found != c.found || got[0].Met != c.met || got[0].Wanted != c.rule.Persons {
			t.Errorf("%+v with %q: %+v, want %q, %q, %v", c.rule, c.signed, got, c.says, c.found, c.met)
		}
	}
}
