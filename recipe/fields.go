package recipe

import (
	"path"
	"strings"

	"repro/record"

	"go.yaml.in/yaml/v3"
)

// recipe reads the whole mapping.
func (p *parser) recipe(root *yaml.Node, r *Recipe) {
	p.mapping("recipe", root, []field{
		{"repro", true, func(v *yaml.Node) {
			if v.Kind != yaml.ScalarNode || v.Tag != "!!int" || v.Value != "1" {
				p.errorf(at(v), "repro: want %d, the version of this form, found %s", Version, describe(v))
			}
		}},
		p.setText("title", true, &r.Paper.Title, nil),
		{"authors", true, func(v *yaml.Node) { r.Paper.Authors = p.authors(v) }},
		p.setText("licence", false, &r.Paper.Licence, checkLicence),
		{"date", false, func(v *yaml.Node) { r.Paper.Date = p.date(v) }},
		p.setText("doi", false, &r.Paper.DOI, checkDOI),
		{"keywords", false, func(v *yaml.Node) { r.Paper.Keywords = p.lines("keywords", v) }},
		{"abstract", false, func(v *yaml.Node) { r.Paper.Abstract, _ = p.text("abstract", v) }},
		{"environment", true, func(v *yaml.Node) { p.environment(v, &r.Environment) }},
		{"code", false, func(v *yaml.Node) { r.Code = p.code(v) }},
		{"data", false, func(v *yaml.Node) { r.Data = p.data(v) }},
		{"steps", true, func(v *yaml.Node) { r.Steps = p.steps(v) }},
		{"results", false, func(v *yaml.Node) { r.Results = p.results(v) }},
		{"claims", false, func(v *yaml.Node) { r.Claims = p.claims(v) }},
	})
}

func (p *parser) authors(n *yaml.Node) []record.Author {
	var authors []record.Author
	entries := p.list("authors", n)
	if n.Kind == yaml.SequenceNode && len(entries) == 0 {
		p.errorf(at(n), "authors: want at least one")
	}
	for _, e := range entries {
		var a record.Author
		if e.Kind == yaml.ScalarNode { // just the name
			a.Name, _ = p.line("author", e)
		} else {
			p.mapping("author", e, []field{
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

func (p *parser) date(n *yaml.Node) string {
	s, ok := p.line("date", n)
	if !ok {
		return ""
	}
	d, err := Date(s)
	if err != nil {
		p.errorf(at(n), "date: %q: %v", shorten(s), err)
	}
	return d
}

// lines reads a list of single lines.
func (p *parser) lines(what string, n *yaml.Node) []string {
	var all []string
	for _, e := range p.list(what, n) {
		if s, ok := p.line(what, e); ok {
			all = append(all, s)
		}
	}
	return all
}

func (p *parser) environment(n *yaml.Node, env *Environment) {
	env.Pos = at(n)
	source := func(kind Kind) field {
		return field{string(kind), false, func(v *yaml.Node) {
			if s, ok := p.line(string(kind), v); ok {
				p.kind(v, env, kind)
				env.Source = Text{s, at(v)}
			}
		}}
	}
	ok := p.mapping("environment", n, []field{
		{"host", false, func(v *yaml.Node) {
			p.kind(v, env, Host)
			p.host(v, env)
		}},
		source(Rootfs), source(Tar), source(OCI), source(SIF),
		p.setText("cpu", false, &env.CPU, oneOf("profile", cpuProfiles)),
		p.setText("sha256", false, &env.SHA256, checkSHA256),
	})
	switch {
	case ok && env.Kind == "":
		if len(n.Content) == 0 {
			p.errorf(at(n), "environment: want one of host, rootfs, tar, oci, sif")
		} else if hasKey(n, "sha256") && len(n.Content) == 2 {
			p.errorf(at(n), "environment: sha256 of what? want one of tar, oci, sif")
		}
	case env.SHA256 != "" && (env.Kind == Host || env.Kind == Rootfs):
		p.errorf(at(n), "environment: sha256 does not go with %s: only a tar, oci or sif has one", env.Kind)
	}
}

// hasKey reports whether the mapping n has the key.
func hasKey(n *yaml.Node, key string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}

func (p *parser) kind(n *yaml.Node, env *Environment, kind Kind) {
	if env.Kind != "" {
		p.errorf(at(n), "environment: %s and %s: want exactly one source", env.Kind, kind)
	}
	env.Kind = kind
}

// host reads {programs: [...], files: [...]}, or just the list of programs.
func (p *parser) host(n *yaml.Node, env *Environment) {
	programs := func(v *yaml.Node) {
		env.Programs = p.texts("programs", v, checkProgram)
		if v.Kind == yaml.SequenceNode && len(v.Content) == 0 {
			p.errorf(at(v), "programs: want at least one, such as sh")
		}
	}
	if n.Kind == yaml.SequenceNode {
		programs(n)
		return
	}
	p.mapping("host", n, []field{
		{"programs", true, programs},
		{"files", false, func(v *yaml.Node) { env.Files = p.texts("files", v, checkHostFile) }},
	})
}

func checkProgram(s string) string {
	switch {
	case strings.HasPrefix(s, "/"):
		return checkHostFile(s)
	case strings.Contains(s, "/"):
		return "want a name that is looked up in PATH, or an absolute path"
	case IsGlob(s), strings.ContainsAny(s, " "):
		return "want the name of one program"
	}
	return ""
}

func checkHostFile(s string) string {
	switch {
	case !strings.HasPrefix(s, "/"):
		return "want an absolute path on the building machine; files of the experiment belong under code or data"
	case path.Clean(s) == "/":
		return "that is the whole machine"
	}
	if why := checkGlob(strings.TrimLeft(s, "/")); why != "" {
		return why
	}
	return ""
}

// texts reads a list of single lines with their places.
func (p *parser) texts(what string, n *yaml.Node, check func(string) string) []Text {
	var all []Text
	for _, e := range p.list(what, n) {
		s, ok := p.line(what, e)
		if !ok {
			continue
		}
		if why := check(s); why != "" {
			p.errorf(at(e), "%s: %q: %s", what, shorten(s), why)
			continue
		}
		all = append(all, Text{s, at(e)})
	}
	return all
}

// path reads one clean path below the recipe's folder.
func (p *parser) path(what string, n *yaml.Node, check func(string) string) Text {
	s, ok := p.line(what, n)
	if !ok {
		return Text{}
	}
	why := check(s)
	if why == "" && path.Clean(s) == "." && what != "dir" && what != "code" {
		why = "that is the whole folder"
	}
	if why != "" {
		p.errorf(at(n), "%s: %q: %s", what, shorten(s), why)
		return Text{}
	}
	return Text{path.Clean(s), at(n)}
}

func (p *parser) paths(what string, n *yaml.Node, check func(string) string) []Text {
	var all []Text
	for _, e := range p.list(what, n) {
		if t := p.path(what, e, check); t.Value != "" {
			all = append(all, t)
		}
	}
	return all
}

// code reads paths and globs, those with a leading "!" included.
func (p *parser) code(n *yaml.Node) []Text {
	var all []Text
	for _, e := range p.list("code", n) {
		s, ok := p.line("code", e)
		if !ok {
			continue
		}
		pattern, taken := strings.CutPrefix(s, "!")
		if why := checkGlob(pattern); why != "" || pattern == "" {
			p.errorf(at(e), "code: %q: %s", shorten(s), why)
			continue
		}
		pattern = path.Clean(pattern)
		if taken {
			pattern = "!" + pattern
		}
		all = append(all, Text{pattern, at(e)})
	}
	return all
}

func (p *parser) data(n *yaml.Node) []Data {
	var all []Data
	for _, e := range p.list("data", n) {
		var d Data
		if e.Kind == yaml.ScalarNode { // just the path
			d.Path = p.path("path", e, checkGlob)
		} else {
			p.mapping("data", e, []field{
				{"path", true, func(v *yaml.Node) { d.Path = p.path("path", v, checkGlob) }},
				p.setText("source", false, &d.Source, nil),
				p.setText("licence", false, &d.Licence, checkLicence),
				p.setText("sha256", false, &d.SHA256, checkSHA256),
				{"fetch", false, func(v *yaml.Node) { d.Fetch = p.truth("fetch", v) }},
				{"size", false, func(v *yaml.Node) { d.Size = p.bytes(v) }},
			})
			p.elsewhere(e, d)
		}
		if d.SHA256 != "" && !d.Fetch && IsGlob(d.Path.Value) {
			p.errorf(d.Path.Pos, "path: %q: a pattern has no sha256: name the file", d.Path.Value)
		}
		if d.Path.Value != "" {
			all = append(all, d)
		}
	}
	return all
}
