package recipe

import (
	"slices"
	"strings"

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
			p.setText("cpu", false, &s.CPU, oneOf("profile", cpuProfiles)),
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
