package recipe

import (
	"regexp"
	"slices"
	"strings"

	"repro/record"

	"go.yaml.in/yaml/v3"
)

// maxArgs bounds the words of one command.
const maxArgs = 1000

func (p *parser) steps(n *yaml.Node) []Step {
	var steps []Step
	entries := p.list("steps", n)
	if n.Kind == yaml.SequenceNode && len(entries) == 0 {
		p.errorf(at(n), "steps: want at least one")
	}
	for _, e := range entries {
		s := Step{Dir: Text{".", at(e)}, Pos: at(e)}
		p.mapping("step", e, []field{
			p.setText("name", true, &s.Name, checkName),
			{"command", true, func(v *yaml.Node) { s.Command = p.command(v) }},
			{"dir", false, func(v *yaml.Node) { s.Dir = p.path("dir", v, checkPath) }},
			{"env", false, func(v *yaml.Node) { s.Env = p.env(v) }},
			{"needs", false, func(v *yaml.Node) { s.Needs = p.lines("needs", v) }},
			{"inputs", false, func(v *yaml.Node) { s.Inputs = p.paths("inputs", v, checkGlob) }},
			{"outputs", false, func(v *yaml.Node) { s.Outputs = p.paths("outputs", v, checkExact) }},
			{"cpus", false, func(v *yaml.Node) { s.CPUs = int(p.integer("cpus", v, 1, maxCPUs)) }},
			{"memory", false, func(v *yaml.Node) { s.Memory = p.unit("memory", v, size) }},
			{"time", false, func(v *yaml.Node) { s.Time = p.unit("time", v, duration) }},
		})
		steps = append(steps, s)
	}
	return steps
}

// checkExact is checkPath for what must be named without wildcards.
func checkExact(s string) string {
	if why := checkPath(s); why != "" {
		return why
	}
	if IsGlob(s) {
		return "has a wildcard: name the file, or the folder that it lies in"
	}
	return ""
}

// command reads a list of words, or one text for sh.
func (p *parser) command(n *yaml.Node) []string {
	if n.Kind == yaml.ScalarNode {
		if s, ok := p.text("command", n); ok {
			return []string{"sh", "-c", s}
		}
		return nil
	}
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		p.errorf(at(n), "command: want a list of words such as [sh, run.sh], or one text for sh, found %s", describe(n))
		return nil
	}
	if len(n.Content) > maxArgs {
		p.errorf(at(n), "command: more than %d words", maxArgs)
		return nil
	}
	var words []string
	for i, e := range n.Content {
		if s, ok := p.value("command", e); ok && (i > 0 || s != "") {
			words = append(words, s)
		} else if ok {
			p.errorf(at(e), "command: the first word is empty")
		}
	}
	return words
}

// value reads text or a number as it is written; it may be empty.
func (p *parser) value(what string, n *yaml.Node) (string, bool) {
	number := n.Tag == "!!int" || n.Tag == "!!float"
	if n.Kind == yaml.ScalarNode && (number || n.Value == "" && n.Tag == "!!str") {
		return n.Value, true
	}
	if n.Kind == yaml.ScalarNode && isText(n) && strings.IndexFunc(n.Value, isControl) < 0 {
		return n.Value, true
	}
	return p.text(what, n)
}

func (p *parser) env(n *yaml.Node) map[string]string {
	if n.Kind != yaml.MappingNode {
		p.errorf(at(n), "env: want `NAME: value` lines, found %s", describe(n))
		return nil
	}
	env := make(map[string]string, len(n.Content)/2)
	seen := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if !p.key("env", k, seen) {
			continue
		}
		if len(k.Value) > MaxName*4 || !envForm.MatchString(k.Value) {
			p.errorf(at(k), "env: %q: want a name of letters, digits and underscores", shorten(k.Value))
			continue
		}
		if s, ok := p.value("env: "+k.Value, v); ok {
			env[k.Value] = s
		}
	}
	return env
}

func (p *parser) unit(what string, n *yaml.Node, read func(string) (int64, string)) int64 {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!int" {
		_, form := read("")
		p.errorf(at(n), "%s: %q has no unit: %s", what, shorten(n.Value), form)
		return 0
	}
	s, ok := p.line(what, n)
	if !ok {
		return 0
	}
	v, why := read(s)
	if why != "" {
		p.errorf(at(n), "%s: %q: %s", what, shorten(s), why)
	}
	return v
}

func (p *parser) results(n *yaml.Node) []Result {
	var results []Result
	for _, e := range p.list("results", n) {
		var r Result
		p.mapping("result", e, []field{
			p.setText("name", true, &r.Name, checkName),
			{"output", true, func(v *yaml.Node) { r.Output = p.path("output", v, checkExact) }},
			{"published", false, func(v *yaml.Node) { r.Published = p.path("published", v, checkExact) }},
			{"claim", false, func(v *yaml.Node) { r.Claim, _ = p.text("claim", v) }},
			{"compare", false, func(v *yaml.Node) { r.Compare = p.rule(v) }},
		})
		if !hasKey(e, "published") { // the file of the same name, as the author's own run left it
			r.Published = r.Output
		}
		results = append(results, r)
	}
	return results
}

// options lists what each kind of comparison can be told. The empty kind is
// chosen by the comparer and takes what one of the others takes.
var options = map[string][]string{
	"exact": {},
	"text":  {"absolute", "relative", "ulp", "digits", "ignore"},
	"csv":   {"absolute", "relative", "ulp", "digits", "keys"},
	"json":  {"absolute", "relative", "ulp", "digits"},
	"png":   {"score"},
}

var kinds = []string{"exact", "text", "csv", "json", "png"}

// rule reads {kind: csv, digits: 4}, or just the kind.
func (p *parser) rule(n *yaml.Node) (r record.Rule) {
	kind := p.setText("kind", false, &r.Kind, func(s string) string {
		if slices.Contains(kinds, s) {
			return ""
		}
		if near := suggest(s, kinds); near != "" {
			return "unknown kind: did you mean " + near + "?"
		}
		return "unknown kind: known are " + strings.Join(kinds, ", ")
	})
	if n.Kind == yaml.ScalarNode {
		kind.read(n)
		return r
	}
	if !p.mapping("compare", n, []field{
		kind,
		{"digits", false, func(v *yaml.Node) { r.Digits = int(p.integer("digits", v, 1, 40)) }},
		{"relative", false, func(v *yaml.Node) { r.Relative = p.decimal("relative", v) }},
		{"absolute", false, func(v *yaml.Node) { r.Absolute = p.decimal("absolute", v) }},
		{"ulp", false, func(v *yaml.Node) { r.ULP = p.integer("ulp", v, 1, 1<<53) }},
		{"keys", false, func(v *yaml.Node) { r.Keys = p.lines("keys", v) }},
		{"score", false, func(v *yaml.Node) { r.Score = p.score(v) }},
		{"ignore", false, func(v *yaml.Node) { r.Ignore = p.patterns(v) }},
	}) {
		return r
	}
	p.fits(n, r.Kind)
	return r
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
	if !slices.ContainsFunc(kinds, func(k string) bool { return len(unfit(k)) == 0 }) {
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
