package draft

import (
	"encoding/json"
	"path"
	"strings"

	"github.com/BurntSushi/toml"

	"repro/internal/form"
	"repro/internal/pattern"
)

// plainYAML is the form in which files of others are read: plain YAML within
// the bounds of recipes.
var plainYAML = form.Form{Name: "file", Trim: true, Digests: true, Entries: 10_000}

// decodeYAML reads a plain YAML mapping into v and reports whether it is one.
func decodeYAML(name string, b []byte, v any) bool {
	var unlike error
	err := plainYAML.Read(name, b, func(_ *form.Reader, root *form.Node) { unlike = root.Decode(v) })
	return err == nil && unlike == nil
}

// readCitation reads CITATION.cff (https://citation-file-format.github.io, 1.2).
func readCitation(b []byte) (w work) {
	var c struct {
		Title    string   `yaml:"title"`
		Abstract string   `yaml:"abstract"`
		Licence  any      `yaml:"license"`
		DOI      string   `yaml:"doi"`
		Released string   `yaml:"date-released"`
		Keywords []string `yaml:"keywords"`
		Authors  []struct {
			Family      string `yaml:"family-names"`
			Particle    string `yaml:"name-particle"`
			Given       string `yaml:"given-names"`
			Name        string `yaml:"name"`
			ORCID       string `yaml:"orcid"`
			Affiliation string `yaml:"affiliation"`
			Email       string `yaml:"email"`
		} `yaml:"authors"`
	}
	if !decodeYAML("CITATION.cff", b, &c) {
		return w
	}
	w = work{title: c.Title, abstract: c.Abstract, doi: c.DOI, date: c.Released, keywords: c.Keywords}
	w.licence, _ = c.Licence.(string) // a list of several leaves open which applies
	for _, a := range c.Authors {
		w.authors = append(w.authors, author{
			name: a.Given + " " + a.Particle + " " + a.Family + " " + a.Name, orcid: a.ORCID, affiliation: a.Affiliation, email: a.Email,
		})
	}
	return w
}

// readZenodo reads .zenodo.json, the metadata of a deposit made from a
// repository (https://developers.zenodo.org).
func readZenodo(b []byte) (w work) {
	var z struct {
		Title    string          `json:"title"`
		Licence  json.RawMessage `json:"license"`
		DOI      string          `json:"doi"`
		Date     string          `json:"publication_date"`
		Keywords []string        `json:"keywords"`
		Creators []struct {
			Name        string `json:"name"`
			ORCID       string `json:"orcid"`
			Affiliation string `json:"affiliation"`
		} `json:"creators"`
	}
	if json.Unmarshal(b, &z) != nil {
		return w
	}
	w = work{title: z.Title, doi: z.DOI, date: z.Date, keywords: z.Keywords}
	var id struct{ ID string }
	if json.Unmarshal(z.Licence, &w.licence) != nil && json.Unmarshal(z.Licence, &id) == nil {
		w.licence = id.ID
	}
	w.licence = spdxID(w.licence)
	for _, c := range z.Creators {
		w.authors = append(w.authors, author{name: givenFirst(c.Name), orcid: c.ORCID, affiliation: c.Affiliation})
	}
	return w
}

// givenFirst turns "Lovelace, Ada" into "Ada Lovelace".
func givenFirst(name string) string {
	if family, given, ok := strings.Cut(name, ","); ok && !strings.Contains(given, ",") {
		return strings.TrimSpace(given) + " " + strings.TrimSpace(family)
	}
	return name
}

// readCodemeta reads codemeta.json (https://codemeta.github.io/terms/).
func readCodemeta(b []byte) (w work) {
	var c struct {
		Name        string          `json:"name"`
		Description string          `json:"description"`
		Licence     json.RawMessage `json:"license"`
		Identifier  json.RawMessage `json:"identifier"`
		Published   string          `json:"datePublished"`
		Keywords    json.RawMessage `json:"keywords"`
		Author      json.RawMessage `json:"author"`
	}
	if json.Unmarshal(b, &c) != nil {
		return w
	}
	w = work{title: c.Name, abstract: c.Description, date: c.Published}
	if json.Unmarshal(c.Licence, &w.licence) == nil {
		w.licence = spdxID(w.licence)
	}
	_ = json.Unmarshal(c.Identifier, &w.doi) // an object says nothing that is sure to be a DOI
	if json.Unmarshal(c.Keywords, &w.keywords) != nil {
		var line string
		if json.Unmarshal(c.Keywords, &line) == nil {
			w.keywords = strings.Split(line, ",")
		}
	}
	type person struct {
		ID          string `json:"@id"`
		ID2         string `json:"id"`
		Name        string `json:"name"`
		Given       string `json:"givenName"`
		Family      string `json:"familyName"`
		Email       string `json:"email"`
		Affiliation json.RawMessage
	}
	var people []person
	if json.Unmarshal(c.Author, &people) != nil {
		people = make([]person, 1)
		if json.Unmarshal(c.Author, &people[0]) != nil {
			people = nil
		}
	}
	for _, p := range people {
		a := author{name: p.Given + " " + p.Family, orcid: p.ID + p.ID2, email: p.Email}
		if strings.TrimSpace(a.name) == "" {
			a.name = p.Name
		}
		var at struct{ Name string }
		if json.Unmarshal(p.Affiliation, &at) == nil {
			a.affiliation = at.Name
		}
		w.authors = append(w.authors, a)
	}
	return w
}

// spdxID takes an identifier out of the addresses and lower-case words by which
// some name licences.
func spdxID(s string) string {
	s = strings.TrimSuffix(strings.TrimSuffix(path.Base(strings.TrimSpace(s)), ".html"), ".json")
	for _, l := range licenceTexts {
		if strings.EqualFold(l.id, s) || strings.EqualFold(strings.TrimSuffix(l.id, "-only"), s) {
			return l.id
		}
	}
	return s
}

// readPyproject reads a Python project's pyproject.toml (PEP 621).
func readPyproject(b []byte) (w work) {
	var p struct {
		Project struct {
			Description string
			Licence     any `toml:"license"`
			Keywords    []string
			Authors     []struct{ Name, Email string }
		}
	}
	if toml.Unmarshal(b, &p) != nil {
		return w
	}
	w.title, w.keywords = p.Project.Description, p.Project.Keywords
	switch l := p.Project.Licence.(type) {
	case string:
		w.licence = l
	case map[string]any:
		text, _ := l["text"].(string)
		w.licence = spdxID(text)
	}
	for _, a := range p.Project.Authors {
		w.authors = append(w.authors, author{name: a.Name, email: a.Email})
	}
	return w
}

var nameAndAddress = pattern.New(`^\s*([^<>]+?)\s*(?:<([^<>]+)>)?\s*$`)

// readJulia reads a Julia project's Project.toml: who wrote it. Its name is a
// package's, not a paper's.
func readJulia(b []byte) (w work) {
	var p struct{ Authors []string }
	if toml.Unmarshal(b, &p) != nil {
		return w
	}
	for _, text := range p.Authors {
		if m := nameAndAddress.FindStringSubmatch(text); m != nil {
			w.authors = append(w.authors, author{name: m[1], email: m[2]})
		}
	}
	return w
}

var (
	person   = pattern.New(`person\s*\(((?:[^()"']|"[^"]*"|'[^']*'|c\s*\((?:[^()"']|"[^"]*"|'[^']*')*\))*)\)`)
	argument = pattern.New(`(?:^|,)\s*(?:([A-Za-z]+)\s*=\s*)?(?:"([^"]*)"|'([^']*)'|(c\s*\([^)]*\)))`)
	orcidIn  = pattern.New(`[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{3}[0-9X]`)
)

// readDescription reads the DESCRIPTION of an R package or compendium
// ("Writing R Extensions", 1.1.1).
func readDescription(b []byte) (w work) {
	fields := map[string]string{}
	key := ""
	for line := range strings.Lines(string(b)) {
		if line != "" && (line[0] == ' ' || line[0] == '\t') {
			fields[key] += " " + strings.TrimSpace(line)
		} else if name, value, ok := strings.Cut(line, ":"); ok {
			key = name
			fields[key] = strings.TrimSpace(value)
		}
	}
	w = work{title: fields["Title"], abstract: fields["Description"], date: fields["Date"]}
	w.licence = rLicences[strings.TrimSpace(strings.TrimSuffix(fields["License"], "+ file LICENSE"))]
	for _, m := range person.Regexp().FindAllStringSubmatch(fields["Authors@R"], -1) {
		w.authors = append(w.authors, rPerson(m[1]))
	}
	if len(w.authors) == 0 {
		for name := range strings.SplitSeq(fields["Author"], ",") {
			name, _, _ = strings.Cut(name, "[")
			if m := nameAndAddress.FindStringSubmatch(name); m != nil {
				w.authors = append(w.authors, author{name: m[1], email: m[2]})
			}
		}
	}
	return w
}

// rPerson reads the arguments of R's person(): given, family, middle, email, …
func rPerson(arguments string) (a author) {
	places := []string{"given", "family", "middle", "email"}
	names := map[string]string{}
	for _, m := range argument.Regexp().FindAllStringSubmatch(arguments, -1) {
		key, value := m[1], m[2]+m[3]
		if key == "" && len(places) > 0 {
			key = places[0]
		}
		if i := indexOf(places, key); i >= 0 {
			places = append(places[:i:i], places[i+1:]...)
		}
		if key == "comment" {
			value = orcidIn.Regexp().FindString(m[0])
		}
		names[key] = value
	}
	return author{name: names["given"] + " " + names["middle"] + " " + names["family"], email: names["email"], orcid: names["comment"]}
}

func indexOf(list []string, s string) int {
	for i, l := range list {
		if l == s {
			return i
		}
	}
	return -1
}

// rLicences are the names that R packages use.
var rLicences = map[string]string{
	"MIT": "MIT", "GPL-2": "GPL-2.0-only", "GPL-3": "GPL-3.0-only", "GPL (>= 2)": "GPL-2.0-or-later", "GPL (>= 3)": "GPL-3.0-or-later",
	"LGPL-3": "LGPL-3.0-only", "AGPL-3": "AGPL-3.0-only", "Apache License (>= 2)": "Apache-2.0", "Apache License 2.0": "Apache-2.0", "Apache License (== 2.0)": "Apache-2.0",
	"BSD_3_clause": "BSD-3-Clause", "BSD_2_clause": "BSD-2-Clause", "CC0": "CC0-1.0", "CC BY 4.0": "CC-BY-4.0",
}

// readReadme takes the first heading of a README.
func readReadme(b []byte) work { return work{title: firstHeading(b)} }

func firstHeading(b []byte) string {
	inFront := false // YAML between lines of ---, as R Markdown has
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if line == "---" {
			inFront = !inFront
			continue
		}
		if title, ok := strings.CutPrefix(line, "title:"); inFront && ok {
			return strings.Trim(strings.TrimSpace(title), `"'`)
		}
		line = strings.TrimSpace(strings.Trim(line, "#= "))
		if inFront || line == "" || len(line) >= 200 || strings.IndexFunc(line, form.IsControl) >= 0 || strings.HasPrefix(line, "<") || strings.HasPrefix(line, "[!") || strings.HasPrefix(line, "[![") {
			continue
		}
		return strings.ToValidUTF8(line, "")
	}
	return ""
}

// licenceTexts are the beginnings of the texts that most works carry.
var licenceTexts = []struct{ mark, id string }{
	{"Apache License Version 2.0", "Apache-2.0"},
	{"MIT License", "MIT"},
	{"Permission is hereby granted, free of charge, to any person obtaining a copy", "MIT"},
	{"GNU AFFERO GENERAL PUBLIC LICENSE Version 3", "AGPL-3.0-only"},
	{"GNU LESSER GENERAL PUBLIC LICENSE Version 3", "LGPL-3.0-only"},
	{"GNU GENERAL PUBLIC LICENSE Version 3", "GPL-3.0-only"},
	{"GNU GENERAL PUBLIC LICENSE Version 2", "GPL-2.0-only"},
	{"BSD 3-Clause", "BSD-3-Clause"}, {"BSD 2-Clause", "BSD-2-Clause"},
	{"Mozilla Public License Version 2.0", "MPL-2.0"},
	{"Attribution-NonCommercial 4.0 International", "CC-BY-NC-4.0"},
	{"Attribution-ShareAlike 4.0 International", "CC-BY-SA-4.0"},
	{"Attribution 4.0 International", "CC-BY-4.0"},
	{"CC0 1.0 Universal", "CC0-1.0"},
	{"This is free and unencumbered software released into the public domain", "Unlicense"},
}

// readLicence recognises the text of a licence. A text that names a licence for
// code and one for texts leaves to people which is for what.
func readLicence(b []byte) work {
	text := strings.Join(strings.Fields(string(b)), " ")
	for _, l := range licenceTexts {
		if !strings.Contains(text[:min(len(text), 600)], l.mark) {
			continue
		}
		if !strings.HasPrefix(l.id, "CC") && len(text) < maxTwoLicences && alsoCC.MatchString(text) {
			return work{}
		}
		return work{licence: l.id}
	}
	return work{}
}

// maxTwoLicences is the size of a file that may hold two short licences; the
// long ones say in their text how they go with others.
const maxTwoLicences = 4 << 10

var alsoCC = pattern.New(`\bCC[ -]BY|\bCreative Commons|\bCC0\b`)
