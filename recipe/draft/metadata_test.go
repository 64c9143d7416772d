package draft

import (
	"reflect"
	"testing"
)

// TestSources holds what each kind of file says.
func TestSources(t *testing.T) {
	for _, c := range []struct {
		name string
		read func([]byte) work
		text string
		want work
	}{
		{"zenodo", readZenodo, `{"title": "T", "license": "cc-by-4.0", "keywords": ["a"], "publication_date": "2025-01-02", "creators": [{"name": "Lovelace, Ada", "orcid": "0000-0002-1825-0097", "affiliation": "Porto"}]}`,
			work{title: "T", licence: "CC-BY-4.0", date: "2025-01-02", keywords: []string{"a"}, authors: []author{{"Ada Lovelace", "0000-0002-1825-0097", "Porto", ""}}}},
		{"zenodo's license as an object", readZenodo, `{"license": {"id": "MIT"}}`, work{licence: "MIT"}},
		{"codemeta", readCodemeta, `{"name": "T", "license": "https://spdx.org/licenses/GPL-3.0", "keywords": "a, b", "author": [{"@id": "https://orcid.org/0000-0002-1825-0097", "givenName": "Ada", "familyName": "Lovelace", "email": "a@b.c", "affiliation": {"name": "Porto"}}]}`,
			work{title: "T", licence: "GPL-3.0-only", keywords: []string{"a", " b"}, authors: []author{{"Ada Lovelace", "https://orcid.org/0000-0002-1825-0097", "Porto", "a@b.c"}}}},
		{"codemeta with one author", readCodemeta, `{"author": {"name": "Ada"}}`, work{authors: []author{{name: "Ada"}}}},
		{"DESCRIPTION", readDescription, "Package: p\nTitle: What We\n    Found\nLicense: GPL (>= 2)\nAuthors@R: c(person(\"Ada\", \"Lovelace\", role = c(\"aut\", \"cre\"), email = \"a@b.c\",\n    comment = c(ORCID = \"0000-0002-1825-0097\")), person(given = 'Bob', family = 'Ray'))\n",
			work{title: "What We Found", licence: "GPL-2.0-or-later", authors: []author{{"Ada  Lovelace", "0000-0002-1825-0097", "", "a@b.c"}, {name: "Bob  Ray"}}}},
		{"DESCRIPTION of old", readDescription, "Author: Ada Lovelace [aut] <a@b.c>, Bob\nLicense: MIT + file LICENSE\n", work{licence: "MIT", authors: []author{{name: "Ada Lovelace"}, {name: "Bob"}}}},
		{"pyproject", readPyproject, "[project]\nname = 'x'\ndescription = 'T'\nlicense = {text = 'mit'}\nkeywords = ['a']\n[[project.authors]]\nname = 'Ada'\nemail = 'a@b.c'\n",
			work{title: "T", licence: "MIT", keywords: []string{"a"}, authors: []author{{name: "Ada", email: "a@b.c"}}}},
		{"Project.toml", readJulia, "name = \"X\"\nauthors = [\"Ada Lovelace <a@b.c>\", \"Bob\"]\n", work{authors: []author{{name: "Ada Lovelace", email: "a@b.c"}, {name: "Bob"}}}},
		{"README with badges", readReadme, "[![b](x)](y)\n<p>\n\n# The Paper\n", work{title: "The Paper"}},
		{"README with a head", readReadme, "---\noutput: x\ntitle: \"The Paper\"\n---\n# Other\n", work{title: "The Paper"}},
		{"MIT without its name", readLicence, "Copyright 2025\n\nPermission is hereby granted, free of charge, to any person\nobtaining a copy", work{licence: "MIT"}},
		{"one for code, one for texts", readLicence, "Code: MIT License\n\nPermission is hereby granted.\n\nText: CC BY 4.0\n", work{}},
		{"CC BY-NC", readLicence, "Attribution-NonCommercial 4.0 International", work{licence: "CC-BY-NC-4.0"}},
		{"no licence that is known", readLicence, "All rights reserved", work{}},
		{"not JSON", readZenodo, "{", work{}},
		{"not TOML", readPyproject, "= =", work{}},
		{"anchors", readCodecheck, "paper: &a {title: T}\nx: *a\n", work{}},
	} {
		if got := c.read([]byte(c.text)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got\n%+v, want\n%+v", c.name, got, c.want)
		}
	}
}

// TestAdd: the first file that says something counts, and nothing that a recipe
// cannot hold.
func TestAdd(t *testing.T) {
	var a about
	a.add("one", work{title: "T\x01", licence: "no licence!", doi: "https://doi.org/10.1/x", date: "yesterday", authors: []author{{name: ""}, {name: "Ada", orcid: "0000-0002-1825-0098", email: "not an address"}}})
	a.add("two", work{title: "Two", licence: "MIT", doi: "https://doi.org/10.5281/zenodo.1", date: "2025-01-02", authors: []author{{name: "Bob"}}})
	a.add("three", work{title: "Three", date: "2024-01-01"})
	want := about{
		title: said[string]{"Two", "two"}, licence: said[string]{"MIT", "two"}, doi: said[string]{"10.5281/zenodo.1", "two"}, date: said[string]{"2025-01-02", "two"},
		authors: said[[]author]{[]author{{name: "Ada"}}, "one"},
	}
	if !reflect.DeepEqual(a, want) {
		t.Errorf("got %+v", a)
	}
}

func FuzzSources(f *testing.F) {
	for _, seed := range []string{"paper:\n  title: T\n", "{\"title\": 1}", "a = 1", "Authors@R: person(\"a\", c(\"b\"))", "---\ntitle: x", "\xff\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > maxPeek {
			return
		}
		var a about
		for _, s := range sources {
			a.add(s.names[0], s.read(b))
		}
	})
}
