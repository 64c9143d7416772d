package lookalike

import "testing"

func TestName(t *testing.T) {
	for word, want := range map[string]string{
		"bob@example.org":                        "bob@example.org",
		"bob@example.org.":                       "bob@example.org",
		"bob!example.org":                        "bob@example.org",
		"MailTo:bob@example.org":                 "bob@example.org",
		"acct:bob@example.org":                   "bob@example.org",
		"mailto:":                                "mailto:",
		"a!b!c":                                  "a@b!c",
		"0000-0002-1825-009x":                    "0000-0002-1825-009X",
		"https://orcid.org/0000-0002-1825-0097":  "0000-0002-1825-0097",
		"http://www.orcid.org/0000000218250097/": "0000-0002-1825-0097",
		"0000-0002-1825-0097!orcid.org":          "0000-0002-1825-0097",
		"0000-0002-1825-00971":                   "0000-0002-1825-00971", // a digit more
		"10000-0002-1825-0097":                   "10000-0002-1825-0097",
		"0000-0002-1825--0097":                   "0000-0002-1825--0097",
		"0000-0002-1825-009":                     "0000-0002-1825-009",
		"000-00002-1825-0097":                    "000-00002-1825-0097", // a hyphen elsewhere
		"0000-0002-182X-0097":                    "0000-0002-182X-0097",
		"https://example.org/":                   "https://example.org",
		"":                                       "",
	} {
		if got := Name(word); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

func TestOwnersKnowForms(t *testing.T) {
	var o Owners
	o.Add("bob@example.org", "bob")
	if other, whose := o.Add("B0B!example.org.", "carol"); other != "bob@example.org" || whose != "bob" {
		t.Errorf("%q of %q", other, whose)
	}
	if other, whose := o.Add("mailto:bob@example.org", "bob"); other != "" || whose != "" {
		t.Errorf("%q of %q", other, whose)
	}
	if other, whose := o.Add("bob@example.com", "carol"); other != "" || whose != "" {
		t.Errorf("%q of %q", other, whose)
	}
}
