package recipe

import (
	"regexp"
	"slices"
	"strings"

	"repro/record"

	"go.yaml.in/yaml/v3"
)

func (p *parser) results(n *yaml.Node) []Result {
	var results []Result
	for _, e := range p.list("results", n) {
		var r Result
		p.mapping("result", e, []field{
			p.setText("name", true, &r.Name, checkName),
			{"output", true, func(v *yaml.Node) { r.Output = p.path("output", v, checkExact) }},
			{"published", false, func(v *yaml.Node) { r.Published, r.Sets = p.published(v) }},
			{"claim", false, func(v *yaml.Node) { r.Claim, _ = p.text("claim", v) }},
			{"compare", false, func(v *yaml.Node) { r.Compare = p.rule(v, &r.Spread) }},
		})
		if !hasKey(e, "published") { // the file of the same name, as the author's own run left it
			r.Published = r.Output
		}
		if r.Compare.Random && len(r.Sets) == 0 && r.Spread.Value == "" {
			p.errorf(at(e), "result %q: is random: name a second published file or a spread to judge it by", r.Name)
		}
		results = append(results, r)
	}
	return results
}

// published reads one file, or several of the same experiment.
func (p *parser) published(n *yaml.Node) (Text, []Text) {
	if n.Kind != yaml.SequenceNode {
		return p.path("published", n, checkExact), nil
	}
	all := p.paths("published", n, checkExact)
	if len(n.Content) == 0 {
		p.errorf(at(n), "published: want at least one")
	}
	if len(all) == 0 {
		return Text{}, nil
	}
	return all[0], all[1:]
}

// What the kinds of comparison can be told.
var (
	forNumbers  = []string{"absolute", "relative", "ulp", "digits", "random", "spread"}
	forLines    = append([]string{"ignore"}, forNumbers...)
	forValues   = append([]string{"norm"}, forNumbers...)
	forArrays   = append([]string{"signs"}, forValues...)
	forTables   = append([]string{"keys", "columns"}, forArrays...)
	forPictures = []string{"score"}
	forArchives = []string{"absolute", "relative", "ulp", "digits", "ignore", "norm", "signs", "keys", "columns", "score"}
)

// options lists what each kind of comparison can be told. The empty kind is
// chosen by the comparer and takes what one of the others takes.
var options = map[string][]string{
	"exact": {},
	"text":  forLines, "xml": forLines, "svg": forLines, "html": forLines, "latex": forLines, "markdown": forLines, "pdf": forLines,
	"csv":  forTables,
	"json": forValues, "yaml": forValues, "xlsx": forNumbers,
	"npy": forArrays, "mat": forArrays, "netcdf": forArrays,
	"png": forPictures, "gif": forPictures, "jpeg": forPictures,
	"ipynb": forArchives, "zip": forArchives, "tar": forArchives,
}

var kinds = []string{"exact", "text", "csv", "json", "png", "gif", "jpeg", "svg", "xml", "html", "latex", "markdown",
	"yaml", "pdf", "ipynb", "xlsx", "zip", "tar", "npy", "mat", "netcdf"}

// rule reads {kind: csv, digits: 4}, or just the kind.
func (p *parser) rule(n *yaml.Node, spread *Text) (r record.Rule) {
	kind := p.setText("kind", false, &r.Kind, oneOf("kind", kinds))
	if n.Kind == yaml.ScalarNode {
		kind.read(n)
		return r
	}
	var t record.Tolerance
	if !p.mapping("compare", n, append(p.tolerance(&t), []field{
		kind,
		{"keys", false, func(v *yaml.Node) { r.Keys = p.lines("keys", v) }},
		{"columns", false, func(v *yaml.Node) { r.Columns = p.columns(v) }},
		p.setText("signs", false, &r.Signs, oneOf("signs", []string{"columns", "rows"})),
		{"random", false, func(v *yaml.Node) { r.Random = p.truth("random", v) }},
		{"spread", false, func(v *yaml.Node) { *spread = p.path("spread", v, checkExact) }},
		{"score", false, func(v *yaml.Node) { r.Score = p.score(v) }},
		{"ignore", false, func(v *yaml.Node) { r.Ignore = p.patterns(v) }},
	}...)) {
		return r
	}
	r.Digits, r.Relative, r.Absolute, r.ULP, r.Norm, r.Spread = t.Digits, t.Relative, t.Absolute, t.ULP, t.Norm, spread.Value
	p.fits(n, r.Kind)
	return r
}

// tolerance is the fields that say which numbers are accepted.
func (p *parser) tolerance(t *record.Tolerance) []field {
	return []field{
		{"digits", false, func(v *yaml.Node) { t.Digits = int(p.integer("digits", v, 1, 40)) }},
		{"relative", false, func(v *yaml.Node) { t.Relative = p.decimal("relative", v) }},
		{"absolute", false, func(v *yaml.Node) { t.Absolute = p.decimal("absolute", v) }},
		{"ulp", false, func(v *yaml.Node) { t.ULP = p.integer("ulp", v, 1, 1<<52) }},
		{"norm", false, func(v *yaml.Node) { t.Norm = p.decimal("norm", v) }},
	}
}

// columns reads a tolerance for each of some columns.
func (p *parser) columns(n *yaml.Node) map[string]record.Tolerance {
	if n.Kind != yaml.MappingNode {
		p.errorf(at(n), "columns: want `NAME: {digits: 4}` lines, found %s", describe(n))
		return nil
	}
	all, seen := map[string]record.Tolerance{}, map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if !p.key("columns", k, seen) {
			continue
		}
		if _, ok := p.line("columns", k); !ok {
			continue
		}
		var t record.Tolerance
		p.mapping("column", n.Content[i+1], p.tolerance(&t))
		all[k.Value] = t
	}
	return all
}

// fits checks that the options at n go with the kind, or, where none is
// named, with one kind at all.
func (p *parser) fits(n *yaml.Node, kind string) {
	var given []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i]; k.Value != "kind" {
			given = append(given, k)
		}
	}
	unfit := func(kind string) (bad []*yaml.Node) {
		for _, k := range given {
			if !slices.Contains(options[kind], k.Value) {
				bad = append(bad, k)
			}
		}
		return bad
	}
	if kind != "" {
		for _, k := range unfit(kind) {
			p.errorf(at(k), "compare: %q does not go with kind %s", k.Value, kind)
		}
		return
	}
	archives := []string{"ipynb", "zip", "tar"} // must be named: they take what no one file does
	if !slices.ContainsFunc(kinds, func(k string) bool { return !slices.Contains(archives, k) && len(unfit(k)) == 0 }) {
		names := make([]string, len(given))
		for i, k := range given {
			names[i] = k.Value
		}
		p.errorf(at(n), "compare: no kind of comparison takes %s together", strings.Join(names, ", "))
	}
}

func (p *parser) decimal(what string, n *yaml.Node) string {
	s, ok := p.value(what, n)
	if !ok {
		return ""
	}
	if why := checkDecimal(s); why != "" {
		p.errorf(at(n), "%s: %q: %s", what, shorten(s), why)
		return ""
	}
	return s
}

func (p *parser) score(n *yaml.Node) string {
	s := p.decimal("score", n)
	if s != "" && !scoreForm.MatchString(s) {
		p.errorf(at(n), "score: %q: want a number from 0 to 1, such as 0.98", shorten(s))
	}
	return s
}

var scoreForm = regexp.MustCompile(`^(0(\.[0-9]+)?|1(\.0+)?)$`)

func (p *parser) patterns(n *yaml.Node) []string {
	all := p.lines("ignore", n)
	for i, e := range n.Content {
		if i < len(all) && n.Kind == yaml.SequenceNode {
			if _, err := regexp.Compile(e.Value); err != nil {
				p.errorf(at(e), "ignore: %q: not a regular expression: %v", shorten(e.Value), err)
			}
		}
	}
	return all
}
