package recipe

import (
	"slices"
	"strings"

	"repro/format/manifest"
	"repro/internal/form"
)

// maxArgs bounds the words of one command.
const maxArgs = 1000

func (p *parser) steps(n *form.Node) []Step {
	var steps []Step
	for _, e := range p.List("steps", n, 1, MaxEntries) {
		s := Step{Dir: Text{".", form.At(e)}, Pos: form.At(e)}
		p.Mapping("step", e, []form.Field{
			form.Must("name", p.StoreLine("name", &s.Name, checkName)),
			form.Must("command", func(v *form.Node) { s.Command = p.command(v) }),
			form.May("dir", func(v *form.Node) { s.Dir = p.path("dir", v, checkPath) }),
			form.May("env", func(v *form.Node) { s.Env = p.env(v) }),
			form.May("needs", func(v *form.Node) { s.Needs = p.Lines("needs", v, 0, MaxEntries, nil) }),
			form.May("inputs", func(v *form.Node) { s.Inputs = p.paths("inputs", v, checkGlob) }),
			form.May("outputs", func(v *form.Node) { s.Outputs = p.paths("outputs", v, checkExact) }),
			form.May("cpu", p.StoreLine("cpu", &s.CPU, oneOf("profile", cpuProfiles))),
			form.May("cpus", p.StoreInt("cpus", &s.CPUs, 1, maxCPUs)),
			form.May("ranks", p.StoreInt("ranks", &s.Ranks, 1, maxCPUs)),
			form.May("memory", func(v *form.Node) { s.Memory = p.unit("memory", v, size) }),
			form.May("time", func(v *form.Node) { s.Time = p.unit("time", v, duration) }),
			form.May("takes", func(v *form.Node) { s.Takes = p.unit("takes", v, duration) }),
			form.May("fixed", func(v *form.Node) { s.Fixed = p.fixed(v) }),
			form.May("quick", func(v *form.Node) { s.Quick = p.quick(v) }),
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
func (p *parser) command(n *form.Node) []string {
	if form.IsScalar(n) {
		if s, ok := p.Text("command", n); ok {
			return []string{"sh", "-c", s}
		}
		return nil
	}
	if !form.IsList(n) || len(n.Content) == 0 {
		p.Errorf(n, "command: want a list of words such as [sh, run.sh], or one text for sh, found %s", form.Describe(n))
		return nil
	}
	if len(n.Content) > maxArgs {
		p.Errorf(n, "command: more than %d words", maxArgs)
		return nil
	}
	var words []string
	for i, e := range n.Content {
		if s, ok := p.Value("command", e); ok && (i > 0 || s != "") {
			words = append(words, s)
		} else if ok {
			p.Errorf(e, "command: the first word is empty")
		}
	}
	return words
}

func (p *parser) env(n *form.Node) map[string]string {
	if !form.IsMapping(n) {
		p.Errorf(n, "env: want `NAME: value` lines, found %s", form.Describe(n))
		return nil
	}
	env := make(map[string]string, len(n.Content)/2)
	seen := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if !p.Key("env", k, seen) {
			continue
		}
		if len(k.Value) > MaxName*4 || !envForm.MatchString(k.Value) {
			p.Errorf(k, "env: %q: want a name of letters, digits and underscores", form.Shorten(k.Value))
			continue
		}
		if s, ok := p.Value("env: "+k.Value, v); ok {
			env[k.Value] = s
		}
	}
	return env
}

func (p *parser) unit(what string, n *form.Node, read func(string) (int64, string)) int64 {
	if form.IsScalar(n) && n.Tag == "!!int" {
		_, want := read("")
		p.Errorf(n, "%s: %q has no unit: %s", what, form.Shorten(n.Value), want)
		return 0
	}
	s, ok := p.Line(what, n, nil)
	if !ok {
		return 0
	}
	v, why := read(s)
	if why != "" {
		p.Errorf(n, "%s: %q: %s", what, form.Shorten(s), why)
	}
	return v
}

// fixedThings are what a step can ask to be held still.
var fixedThings = []string{manifest.FixedAddresses, manifest.FixedClock}

func (p *parser) fixed(n *form.Node) []string {
	all := p.Lines("fixed", n, 0, MaxEntries, nil)
	for i, s := range all {
		if why := oneOf("word", fixedThings)(s); why != "" {
			p.Errorf(n, "fixed: %q: %s", form.Shorten(s), why)
		} else if slices.Contains(all[:i], s) {
			p.Errorf(n, "fixed: %q stands there twice", s)
		}
	}
	return all
}

// quick reads how a step differs in the quick profile, or the word skip.
func (p *parser) quick(n *form.Node) *manifest.Quick {
	if form.IsScalar(n) && n.Value == "skip" {
		return &manifest.Quick{Skip: true}
	}
	if !form.IsMapping(n) || len(n.Content) == 0 {
		p.Errorf(n, "quick: want the word skip, or what is otherwise, such as {env: {DRAWS: 100}}, found %s", form.Describe(n))
		return nil
	}
	q := &manifest.Quick{}
	p.Mapping("quick", n, []form.Field{
		form.May("command", func(v *form.Node) { q.Command = p.command(v) }),
		form.May("env", func(v *form.Node) { q.Env = p.env(v) }),
		form.May("time", func(v *form.Node) { q.Time = p.unit("time", v, duration) }),
		form.May("takes", func(v *form.Node) { q.Takes = p.unit("takes", v, duration) }),
	})
	if len(q.Command) == 0 && len(q.Env) == 0 && q.Time == 0 && q.Takes == 0 && p.OK() {
		p.Errorf(n, "quick: says nothing")
	}
	return q
}

// cpuProfiles are the processors that a step may be held to.
var cpuProfiles = []string{"native", "portable-v2", "portable-v3"}

// oneOf checks for one of a few words.
func oneOf(what string, words []string) func(string) string {
	return func(s string) string {
		if slices.Contains(words, s) {
			return ""
		}
		if near := suggest(s, words); near != "" {
			return "unknown " + what + ": did you mean " + near + "?"
		}
		return "unknown " + what + ": known are " + strings.Join(words, ", ")
	}
}
