package recipe

import (
	"path"
	"strings"

	"repro/format/manifest"
	"repro/internal/form"
)

// recipe reads the whole mapping.
func (p *parser) recipe(root *form.Node, r *Recipe) {
	p.Fields("recipe", root, []form.Field{
		form.Must("repro", func(v *form.Node) {
			if !form.IsScalar(v) || v.Tag != "!!int" || v.Value != "1" {
				p.Errorf(v, "repro: want %d, the version of this form, found %s", Version, form.Describe(v))
			}
		}),
		p.setText("title", true, &r.Paper.Title, nil),
		form.Must("authors", func(v *form.Node) { r.Paper.Authors = p.authors(v) }),
		p.setText("licence", false, &r.Paper.Licence, checkLicence),
		form.May("date", func(v *form.Node) { r.Paper.Date = p.date(v) }),
		p.setText("doi", false, &r.Paper.DOI, checkDOI),
		form.May("keywords", func(v *form.Node) { r.Paper.Keywords = p.lines("keywords", v) }),
		form.May("abstract", func(v *form.Node) { r.Paper.Abstract, _ = p.Text("abstract", v) }),
		form.Must("environment", func(v *form.Node) { p.environment(v, &r.Environment) }),
		form.May("attributes", func(v *form.Node) { r.Attributes = p.attributes(v) }),
		form.May("code", func(v *form.Node) { r.Code = p.code(v) }),
		form.May("data", func(v *form.Node) { r.Data = p.data(v) }),
		form.Must("steps", func(v *form.Node) { r.Steps = p.steps(v) }),
		form.May("results", func(v *form.Node) { r.Results = p.results(v) }),
		form.May("claims", func(v *form.Node) { r.Claims = p.claims(v) }),
		form.May("spread", func(v *form.Node) { r.Spread = p.path("spread", v, checkExact) }),
	})
	p.spreadAll(r)
}

func (p *parser) authors(n *form.Node) []manifest.Author {
	var authors []manifest.Author
	entries := p.Entries("authors", n)
	if form.IsList(n) && len(entries) == 0 {
		p.Errorf(n, "authors: want at least one")
	}
	for _, e := range entries {
		var a manifest.Author
		if form.IsScalar(e) { // just the name
			a.Name, _ = p.OneLine("author", e)
		} else {
			p.Fields("author", e, []form.Field{
				p.setText("name", true, &a.Name, nil),
				p.setText("orcid", false, &a.ORCID, checkORCID),
				p.setText("affiliation", false, &a.Affiliation, nil),
				p.setText("email", false, &a.Email, checkEmail),
			})
		}
		authors = append(authors, a)
	}
	return authors
}

func (p *parser) date(n *form.Node) string {
	s, ok := p.OneLine("date", n)
	if !ok {
		return ""
	}
	d, err := Date(s)
	if err != nil {
		p.Errorf(n, "date: %q: %v", form.Shorten(s), err)
	}
	return d
}

// lines reads a list of single lines.
func (p *parser) lines(what string, n *form.Node) []string {
	var all []string
	for _, e := range p.Entries(what, n) {
		if s, ok := p.OneLine(what, e); ok {
			all = append(all, s)
		}
	}
	return all
}

// attributes reads names of extended attributes. Those outside "user." are for
// the machine's administrator to set and mean nothing elsewhere.
func (p *parser) attributes(n *form.Node) []string {
	var names []string
	for _, e := range p.Entries("attributes", n) {
		name, ok := p.OneLine("attributes", e)
		switch {
		case !ok:
		case !strings.HasPrefix(name, "user.") || len(name) == len("user.") || len(name) > maxAttribute:
			p.Errorf(e, "attributes: %q: want the full name of an extended attribute, such as user.mime_type", form.Shorten(name))
		default:
			names = append(names, name)
		}
	}
	return names
}

// maxAttribute bounds the name of an extended attribute, as Linux does.
const maxAttribute = 255

// texts reads a list of single lines with their places.
func (p *parser) texts(what string, n *form.Node, check func(string) string) []Text {
	var all []Text
	for _, e := range p.Entries(what, n) {
		s, ok := p.OneLine(what, e)
		if !ok {
			continue
		}
		if why := check(s); why != "" {
			p.Errorf(e, "%s: %q: %s", what, form.Shorten(s), why)
			continue
		}
		all = append(all, Text{s, form.At(e)})
	}
	return all
}

// path reads one clean path below the recipe's folder.
func (p *parser) path(what string, n *form.Node, check func(string) string) Text {
	s, ok := p.OneLine(what, n)
	if !ok {
		return Text{}
	}
	why := check(s)
	if why == "" && path.Clean(s) == "." && what != "dir" && what != "code" {
		why = "that is the whole folder"
	}
	if why != "" {
		p.Errorf(n, "%s: %q: %s", what, form.Shorten(s), why)
		return Text{}
	}
	return Text{path.Clean(s), form.At(n)}
}

func (p *parser) paths(what string, n *form.Node, check func(string) string) []Text {
	var all []Text
	for _, e := range p.Entries(what, n) {
		if t := p.path(what, e, check); t.Value != "" {
			all = append(all, t)
		}
	}
	return all
}

// code reads paths and globs, those with a leading "!" included.
func (p *parser) code(n *form.Node) []Text {
	var all []Text
	for _, e := range p.Entries("code", n) {
		s, ok := p.OneLine("code", e)
		if !ok {
			continue
		}
		pattern, taken := strings.CutPrefix(s, "!")
		if why := checkGlob(pattern); why != "" || pattern == "" {
			p.Errorf(e, "code: %q: %s", form.Shorten(s), why)
			continue
		}
		pattern = path.Clean(pattern)
		if taken {
			pattern = "!" + pattern
		}
		all = append(all, Text{pattern, form.At(e)})
	}
	return all
}

func (p *parser) data(n *form.Node) []Data {
	var all []Data
	for _, e := range p.Entries("data", n) {
		var d Data
		if form.IsScalar(e) { // just the path
			d.Path = p.path("path", e, checkGlob)
		} else {
			p.Fields("data", e, []form.Field{
				form.Must("path", func(v *form.Node) { d.Path = p.path("path", v, checkGlob) }),
				p.setText("source", false, &d.Source, nil),
				p.setText("licence", false, &d.Licence, checkLicence),
				p.setText("sha256", false, &d.SHA256, checkSHA256),
				form.May("fetch", func(v *form.Node) { d.Fetch = p.Truth("fetch", v) }),
				form.May("size", func(v *form.Node) { d.Size = p.bytes(v) }),
			})
			p.elsewhere(e, d)
		}
		if d.SHA256 != "" && !d.Fetch && IsGlob(d.Path.Value) {
			p.ErrorAt(d.Path.Pos, "path: %q: a pattern has no sha256: name the file", d.Path.Value)
		}
		if d.Path.Value != "" {
			all = append(all, d)
		}
	}
	return all
}
