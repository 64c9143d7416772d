package recipe

import (
	"path"
	"strings"

	"repro/format/manifest"
	"repro/internal/form"
)

// recipe reads the whole mapping.
func (p *parser) recipe(root *form.Node, r *Recipe) {
	p.Mapping("recipe", root, []form.Field{
		form.Must("repro", func(v *form.Node) {
			if !form.IsScalar(v) || v.Tag != "!!int" || v.Value != "1" {
				p.Errorf(v, "repro: want %d, the version of this form, found %s", Version, form.Describe(v))
			}
		}),
		form.Must("title", p.StoreLine("title", &r.Paper.Title, nil)),
		form.Must("authors", func(v *form.Node) { r.Paper.Authors = p.authors(v) }),
		form.May("licence", p.StoreLine("licence", &r.Paper.Licence, checkLicence)),
		form.May("date", func(v *form.Node) { r.Paper.Date = p.date(v) }),
		form.May("doi", p.StoreLine("doi", &r.Paper.DOI, checkDOI)),
		form.May("keywords", func(v *form.Node) { r.Paper.Keywords = p.Lines("keywords", v, 0, MaxEntries, nil) }),
		form.May("abstract", func(v *form.Node) { r.Paper.Abstract, _ = p.Text("abstract", v) }),
		form.Must("environment", func(v *form.Node) { p.environment(v, &r.Environment) }),
		form.May("attributes", func(v *form.Node) { r.Attributes = p.Lines("attributes", v, 0, MaxEntries, checkAttribute) }),
		form.May("code", func(v *form.Node) { r.Code = p.code(v) }),
		form.May("data", func(v *form.Node) { r.Data = p.data(v) }),
		form.May("not_secret", func(v *form.Node) { r.NotSecret = p.notSecret(v) }),
		form.Must("steps", func(v *form.Node) { r.Steps = p.steps(v) }),
		form.May("results", func(v *form.Node) { r.Results = p.results(v) }),
		form.May("claims", func(v *form.Node) { r.Claims = p.claims(v) }),
		form.May("spread", func(v *form.Node) { r.Spread = p.path("spread", v, checkExact) }),
	})
	p.spreadAll(r)
}

func (p *parser) authors(n *form.Node) []manifest.Author {
	var authors []manifest.Author
	for _, e := range p.List("authors", n, 1, MaxEntries) {
		var a manifest.Author
		if form.IsScalar(e) { // just the name
			a.Name, _ = p.Line("author", e, nil)
		} else {
			p.Mapping("author", e, []form.Field{
				form.Must("name", p.StoreLine("name", &a.Name, nil)),
				form.May("orcid", p.StoreLine("orcid", &a.ORCID, checkORCID)),
				form.May("affiliation", p.StoreLine("affiliation", &a.Affiliation, nil)),
				form.May("email", p.StoreLine("email", &a.Email, checkEmail)),
			})
		}
		authors = append(authors, a)
	}
	return authors
}

func (p *parser) date(n *form.Node) string {
	s, ok := p.Line("date", n, nil)
	if !ok {
		return ""
	}
	d, err := Date(s)
	if err != nil {
		p.Errorf(n, "date: %q: %v", form.Shorten(s), err)
	}
	return d
}

// notSecret reads paths that name one file each.
func (p *parser) notSecret(n *form.Node) []Text {
	var all []Text
	for _, e := range p.List("not_secret", n, 0, MaxEntries) {
		if t := p.path("not_secret", e, checkExact); t.Value != "" {
			all = append(all, t)
		}
	}
	return all
}

// maxAttribute bounds the name of an extended attribute, as Linux does.
const maxAttribute = 255

// checkAttribute checks the name of an extended attribute. Those outside "user."
// are for the machine's administrator to set and mean nothing elsewhere.
func checkAttribute(name string) string {
	if !strings.HasPrefix(name, "user.") || len(name) == len("user.") || len(name) > maxAttribute {
		return "want the full name of an extended attribute, such as user.mime_type"
	}
	return ""
}

// texts reads a list of single lines with their places.
func (p *parser) texts(what string, n *form.Node, check func(string) string) []Text {
	var all []Text
	for _, e := range p.List(what, n, 0, MaxEntries) {
		if s, ok := p.Line(what, e, check); ok {
			all = append(all, Text{s, form.At(e)})
		}
	}
	return all
}

// path reads one clean path below the recipe's folder.
func (p *parser) path(what string, n *form.Node, check func(string) string) Text {
	s, ok := p.Line(what, n, check)
	switch {
	case !ok:
		return Text{}
	case path.Clean(s) == "." && what != "dir" && what != "code":
		p.Errorf(n, "%s: %q: that is the whole folder", what, form.Shorten(s))
		return Text{}
	}
	return Text{path.Clean(s), form.At(n)}
}

func (p *parser) paths(what string, n *form.Node, check func(string) string) []Text {
	var all []Text
	for _, e := range p.List(what, n, 0, MaxEntries) {
		if t := p.path(what, e, check); t.Value != "" {
			all = append(all, t)
		}
	}
	return all
}

// code reads paths and globs, those with a leading "!" included.
func (p *parser) code(n *form.Node) []Text {
	var all []Text
	for _, e := range p.List("code", n, 0, MaxEntries) {
		s, ok := p.Line("code", e, nil)
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
	for _, e := range p.List("data", n, 0, MaxEntries) {
		var d Data
		if form.IsScalar(e) { // just the path
			d.Path = p.path("path", e, checkGlob)
		} else {
			p.Mapping("data", e, []form.Field{
				form.Must("path", func(v *form.Node) { d.Path = p.path("path", v, checkGlob) }),
				form.May("source", p.StoreLine("source", &d.Source, nil)),
				form.May("licence", p.StoreLine("licence", &d.Licence, checkLicence)),
				form.May("sha256", p.StoreLine("sha256", &d.SHA256, checkSHA256)),
				form.May("fetch", func(v *form.Node) { d.Fetch = p.Bool("fetch", v) }),
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
