package recipe

import (
	"regexp"
	"slices"
	"strings"

	"repro/compare/kinds"
	"repro/format/manifest"
	"repro/internal/form"
	"repro/internal/pattern"
)

func (p *parser) results(n *form.Node) []Result {
	var results []Result
	for _, e := range p.List("results", n, 0, MaxEntries) {
		var r Result
		p.Mapping("result", e, []form.Field{
			form.Must("name", p.StoreLine("name", &r.Name, checkName)),
			form.Must("output", func(v *form.Node) { r.Output = p.path("output", v, checkExact) }),
			form.May("published", func(v *form.Node) { r.Published, r.Sets, r.SetNames = p.published(v) }),
			form.May("quick", func(v *form.Node) { r.Quick = p.path("quick", v, checkExact) }),
			form.May("claim", func(v *form.Node) { r.Claim, _ = p.Text("claim", v) }),
			form.May("compare", func(v *form.Node) { r.Compare = p.rule(v, &r.Spread) }),
		})
		if !form.HasKey(e, "published") { // the file of the same name, as the author's own run left it
			r.Published = r.Output
		}
		r.pos = form.At(e)
		results = append(results, r)
	}
	return results
}

// spreadAll has the recipe's spread hold for each random result that names none
// and whose kind may have one, and refuses spreads that judge nothing.
func (p *parser) spreadAll(r *Recipe) {
	const instead = "a spread judges results that move by chance: declare `random: true`, or state a tolerance such as `norm: 1e-10` and leave the spread out"
	used := false
	for i := range r.Results {
		res := &r.Results[i]
		if res.Spread.Value != "" && !res.Compare.Random {
			p.ErrorAt(res.Spread.Pos, "result %q: spread: is not random: %s", res.Name, instead)
		}
		if res.Compare.Random && res.Spread.Value == "" && r.Spread.Value != "" && res.Compare.Score == "" &&
			(res.Compare.Kind == "" || takes(res.Compare.Kind, "spread")) {
			res.Spread, res.Compare.Spread = r.Spread, r.Spread.Value
			used = true
		}
		if res.Compare.Random && len(res.Sets) == 0 && res.Spread.Value == "" {
			p.ErrorAt(res.pos, "result %q: is random: name a second published file or a spread, as repro calibrate writes it, to judge it by", res.Name)
		}
	}
	if r.Spread.Value != "" && !used {
		p.ErrorAt(r.Spread.Pos, "spread: no result of this recipe is judged by it: %s", instead)
	}
}

// WithoutSpread is the recipe before anything was calibrated.
func (r *Recipe) WithoutSpread() *Recipe {
	out := *r
	out.Spread, out.Results = Text{}, slices.Clone(r.Results)
	for i := range out.Results {
		out.Results[i].Spread, out.Results[i].Compare.Spread = Text{}, ""
	}
	return &out
}

// published reads one file, or several of the same experiment, which may have
// names.
func (p *parser) published(n *form.Node) (first Text, sets []Text, names []string) {
	switch {
	case form.IsMapping(n):
		var all []Text
		all, names = p.namedSets(n)
		if len(all) == 0 {
			return Text{}, nil, nil
		}
		return all[0], all[1:], names
	case !form.IsList(n):
		return p.path("published", n, checkExact), nil, nil
	}
	all := p.paths("published", n, checkExact)
	if len(n.Content) == 0 {
		p.Errorf(n, "published: want at least one")
	}
	if len(all) == 0 {
		return Text{}, nil, nil
	}
	return all[0], all[1:], nil
}

// namedSets reads {author: a.csv, codechecker: b.csv}.
func (p *parser) namedSets(n *form.Node) (all []Text, names []string) {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if !p.Key("published", k, seen) {
			continue
		}
		if why := checkName(k.Value); why != "" {
			p.Errorf(k, "published: name %q: %s", form.Shorten(k.Value), why)
		}
		all, names = append(all, p.path("published", n.Content[i+1], checkExact)), append(names, k.Value)
	}
	if len(all) == 0 {
		p.Errorf(n, "published: want at least one")
	}
	return all, names
}

// rule reads {kind: csv, digits: 4}, or just the kind. SPEC.md, RCP-14.
func (p *parser) rule(n *form.Node, spread *Text) (r manifest.Rule) {
	kind := form.May("kind", p.StoreLine("kind", &r.Kind, oneOf("kind", kinds.Names())))
	if form.IsScalar(n) {
		kind.Read(n)
		return r
	}
	var t manifest.Tolerance
	if !p.Mapping("compare", n, append(p.tolerance(&t), []form.Field{
		kind,
		form.May("keys", func(v *form.Node) { r.Keys = p.Lines("keys", v, 0, MaxEntries, nil) }),
		form.May("columns", func(v *form.Node) { r.Columns = p.columns(v) }),
		form.May("whole", func(v *form.Node) { r.Whole = p.Bool("whole", v) }),
		form.May("omit", func(v *form.Node) { r.Omit = p.Lines("omit", v, 0, MaxEntries, nil) }),
		form.May("blanks", p.StoreLine("blanks", &r.Blanks, oneOf("blanks", []string{"free"}))),
		form.May("cells", func(v *form.Node) { r.Cells = p.Lines("cells", v, 0, MaxEntries, nil) }),
		form.May("signs", p.StoreLine("signs", &r.Signs, oneOf("signs", []string{"columns", "rows"}))),
		form.May("random", func(v *form.Node) { r.Random = p.Bool("random", v) }),
		form.May("spread", func(v *form.Node) { *spread = p.path("spread", v, checkExact) }),
		form.May("score", func(v *form.Node) { r.Score = p.score(v) }),
		form.May("ignore", func(v *form.Node) { r.Ignore = p.Lines("ignore", v, 0, MaxEntries, checkPattern) }),
		form.May("masks", func(v *form.Node) { r.Masks = p.Lines("masks", v, 0, MaxEntries, checkMask) }),
		form.May("only", func(v *form.Node) { r.Only = p.Lines("only", v, 0, MaxEntries, checkPattern) }),
		form.May("from", p.StoreLine("from", &r.From, checkPattern)),
		form.May("to", p.StoreLine("to", &r.To, checkPattern)),
	}...)) {
		return r
	}
	r.Digits, r.Relative, r.Absolute, r.ULP, r.Norm, r.Numbers, r.Spread = t.Digits, t.Relative, t.Absolute, t.ULP, t.Norm, t.Numbers, spread.Value
	if r.To != "" && r.From == "" {
		p.Errorf(n, "compare: to: a section has a first line, too: from")
	}
	p.fits(n, r.Kind)
	return r
}

// tolerance is the fields that say which numbers are accepted.
func (p *parser) tolerance(t *manifest.Tolerance) []form.Field {
	return []form.Field{
		form.May("digits", p.StoreInt("digits", &t.Digits, 1, 40)),
		form.May("relative", func(v *form.Node) { t.Relative = p.decimal("relative", v) }),
		form.May("absolute", func(v *form.Node) { t.Absolute = p.decimal("absolute", v) }),
		form.May("ulp", func(v *form.Node) { t.ULP, _ = p.Int("ulp", v, 1, 1<<52) }),
		form.May("norm", func(v *form.Node) { t.Norm = p.decimal("norm", v) }),
		form.May("numbers", p.StoreLine("numbers", &t.Numbers, oneOf("numbers", []string{"exact", "rounded", "cut"}))),
	}
}

// columns reads a tolerance for each of some columns.
func (p *parser) columns(n *form.Node) map[string]manifest.Tolerance {
	if !form.IsMapping(n) {
		p.Errorf(n, "columns: want `NAME: {digits: 4}` lines, found %s", form.Describe(n))
		return nil
	}
	all, seen := map[string]manifest.Tolerance{}, map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if !p.Key("columns", k, seen) {
			continue
		}
		if _, ok := p.Line("columns", k, nil); !ok {
			continue
		}
		var t manifest.Tolerance
		p.Mapping("column", n.Content[i+1], p.tolerance(&t))
		all[k.Value] = t
	}
	return all
}

// fits checks that the options at n go with the kind, or, where none is
// named, with one kind at all.
func (p *parser) fits(n *form.Node, kind string) {
	var given []*form.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i]; k.Value != "kind" {
			given = append(given, k)
		}
	}
	unfit := func(kind string) (bad []*form.Node) {
		for _, k := range given {
			if !takes(kind, k.Value) {
				bad = append(bad, k)
			}
		}
		return bad
	}
	if kind != "" {
		for _, k := range unfit(kind) {
			p.Errorf(k, "compare: %q does not go with kind %s", k.Value, kind)
		}
		return
	}
	// A kind that holds others must be named: it takes what no one file does.
	if !slices.ContainsFunc(kinds.All(), func(k kinds.Kind) bool { return !k.Holds && len(unfit(k.Name)) == 0 }) {
		names := make([]string, len(given))
		for i, k := range given {
			names[i] = k.Value
		}
		p.Errorf(n, "compare: no kind of comparison takes %s together", strings.Join(names, ", "))
	}
}

func takes(kind, option string) bool {
	k := kinds.Of(kind)
	return k.Takes(option)
}

func (p *parser) decimal(what string, n *form.Node) string {
	s, ok := p.Value(what, n)
	if !ok {
		return ""
	}
	if why := checkDecimal(s); why != "" {
		p.Errorf(n, "%s: %q: %s", what, form.Shorten(s), why)
		return ""
	}
	return s
}

func (p *parser) score(n *form.Node) string {
	s := p.decimal("score", n)
	if s != "" && !scoreForm.MatchString(s) {
		p.Errorf(n, "score: %q: want a number from 0 to 1, such as 0.98", form.Shorten(s))
	}
	return s
}

var scoreForm = pattern.New(`^(0(\.[0-9]+)?|1(\.0+)?)$`)

// checkPattern checks a regular expression.
func checkPattern(s string) string {
	if _, err := regexp.Compile(s); err != nil {
		return "not a regular expression: " + err.Error()
	}
	return ""
}

// maskNames are what the comparer knows to leave out (SPEC.md CMP-46).
var maskNames = []string{"addresses", "dates", "hosts", "ids", "paths", "processes", "timings", "versions"}

func checkMask(s string) string {
	if !slices.Contains(maskNames, s) {
		return "want " + strings.Join(maskNames, ", ")
	}
	return ""
}
