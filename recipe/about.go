package recipe

import (
	"os"
	"path"
	"strings"
	"time"

	"repro/internal/form"
)

// work is what a folder's own files say about it.
type work struct {
	title, licence, doi, date string
	authors                   []string // as YAML mappings
}

// describeWork reads CITATION.cff, README and LICENSE.
func describeWork(dir string) work {
	root := os.DirFS(dir)
	var k work
	k.citation(peek(root, "CITATION.cff"))
	for _, name := range []string{"README.md", "README.rst", "README.txt", "README"} {
		if k.title == "" {
			k.title = firstHeading(peek(root, name))
		}
	}
	if k.title == "" {
		k.title = placeholderTitle
	}
	for _, name := range []string{"LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING"} {
		if k.licence == "" {
			k.licence = knownLicence(string(peek(root, name)))
		}
	}
	if len(k.authors) == 0 {
		k.authors = []string{"name: " + placeholderAuthor + "   # and, where you have one: orcid, affiliation, email"}
	}
	return k
}

// citation takes what a CITATION.cff says, as far as it is plain.
func (k *work) citation(b []byte) {
	var c struct {
		Title    string `yaml:"title"`
		Licence  string `yaml:"license"`
		DOI      string `yaml:"doi"`
		Released string `yaml:"date-released"`
		Authors  []struct {
			Family      string `yaml:"family-names"`
			Given       string `yaml:"given-names"`
			Name        string `yaml:"name"`
			ORCID       string `yaml:"orcid"`
			Affiliation string `yaml:"affiliation"`
		} `yaml:"authors"`
	}
	var unlike error
	err := recipeForm.Read("CITATION.cff", b, func(_ *form.Reader, root *form.Node) { unlike = root.Decode(&c) })
	if err != nil || unlike != nil || len(b) == maxPeek {
		return
	}
	usable := func(s string, check func(string) string) string {
		s = strings.Join(strings.Fields(s), " ")
		if s == "" || strings.IndexFunc(s, form.IsControl) >= 0 || check != nil && check(s) != "" {
			return ""
		}
		return s
	}
	k.title, k.licence, k.doi = usable(c.Title, nil), usable(c.Licence, checkLicence), usable(c.DOI, checkDOI)
	if t, err := time.Parse(time.DateOnly, c.Released); err == nil && t.Year() >= 1970 && t.Year() < 2106 {
		k.date = c.Released
	}
	for _, a := range c.Authors {
		name := usable(strings.TrimSpace(a.Given+" "+a.Family+" "+a.Name), nil)
		if name == "" || len(k.authors) == 100 {
			continue
		}
		entry := "name: " + word(name)
		if id := usable(path.Base(a.ORCID), checkORCID); id != "" {
			entry += "\n    orcid: " + id
		}
		if at := usable(a.Affiliation, nil); at != "" {
			entry += "\n    affiliation: " + word(at)
		}
		k.authors = append(k.authors, entry)
	}
}

func firstHeading(b []byte) string {
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(line), "#="))
		if line != "" && len(line) < 200 && strings.IndexFunc(line, form.IsControl) < 0 && !strings.HasPrefix(line, "<") && !strings.HasPrefix(line, "[!") {
			return strings.ToValidUTF8(line, "")
		}
	}
	return ""
}

// knownLicence recognises the texts that most works carry.
func knownLicence(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	for _, l := range []struct{ mark, id string }{
		{"Apache License Version 2.0", "Apache-2.0"},
		{"MIT License", "MIT"},
		{"GNU AFFERO GENERAL PUBLIC LICENSE Version 3", "AGPL-3.0-only"},
		{"GNU LESSER GENERAL PUBLIC LICENSE Version 3", "LGPL-3.0-only"},
		{"GNU GENERAL PUBLIC LICENSE Version 3", "GPL-3.0-only"},
		{"GNU GENERAL PUBLIC LICENSE Version 2", "GPL-2.0-only"},
		{"BSD 3-Clause", "BSD-3-Clause"}, {"BSD 2-Clause", "BSD-2-Clause"},
		{"Mozilla Public License Version 2.0", "MPL-2.0"},
		{"Attribution 4.0 International", "CC-BY-4.0"},
		{"Attribution-ShareAlike 4.0 International", "CC-BY-SA-4.0"},
		{"CC0 1.0 Universal", "CC0-1.0"},
	} {
		if strings.Contains(text[:min(len(text), 400)], l.mark) {
			return l.id
		}
	}
	return ""
}
