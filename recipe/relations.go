package recipe

import (
	"maps"
	"path"
	"slices"
	"strings"

	"repro/internal/form"
	"repro/internal/notebook"
)

// relations checks what goes beyond one value: names, needs, and who makes
// which file.
func (p *parser) relations(r *Recipe) {
	p.names(r)
	makers := p.makers(r)
	p.needs(r, makers)
	p.resultPaths(r, makers)
	if p.OK() {
		p.cycles(r)
	}
}

func (p *parser) names(r *Recipe) {
	seen := make(map[string]int)
	for _, s := range r.Steps {
		if line := seen[s.Name]; line > 0 {
			p.ErrorAt(s.Pos, "step %q: another step of this name is in line %d", s.Name, line)
		}
		seen[s.Name] = s.Pos.Line
	}
	clear(seen)
	for _, s := range r.Results {
		if line := seen[s.Name]; line > 0 {
			p.ErrorAt(s.Output.Pos, "result %q: another result of this name is in line %d", s.Name, line)
		}
		seen[s.Name] = s.Output.Pos.Line
	}
	for _, c := range r.Claims {
		if line := seen[c.Name]; line > 0 {
			p.ErrorAt(c.Pos, "claim %q: another result or claim of this name is in line %d", c.Name, line)
		}
		seen[c.Name] = c.Pos.Line
	}
}

// maker is a step that writes a path.
type maker struct {
	step string
	at   Pos
}

// makers maps each output to its step. SPEC.md, RCP-12.
func (p *parser) makers(r *Recipe) map[string]maker {
	all := make(map[string]maker)
	for _, s := range r.Steps {
		for _, o := range s.Outputs {
			if m, ok := all[o.Value]; ok {
				p.ErrorAt(o.Pos, "outputs: %q: step %q writes it too, in line %d", o.Value, m.step, m.at.Line)
				continue
			}
			all[o.Value] = maker{s.Name, o.Pos}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if over, ok := makerOf(all, path.Dir(name)); ok && over.step != all[name].step {
			p.ErrorAt(all[name].at, "outputs: %q: lies in an output of step %q, line %d", name, over.step, over.at.Line)
		}
	}
	return all
}

// makerOf returns the step that writes name or a folder that name lies in.
func makerOf(makers map[string]maker, name string) (maker, bool) {
	for ; name != "."; name = path.Dir(name) {
		if m, ok := makers[name]; ok {
			return m, true
		}
	}
	return maker{}, false
}

// needs checks the names of needed steps and adds those whose outputs are
// inputs. SPEC.md, RCP-12.
func (p *parser) needs(r *Recipe, makers map[string]maker) {
	var names []string
	for _, s := range r.Steps {
		names = append(names, s.Name)
	}
	for i := range r.Steps {
		s := &r.Steps[i]
		for j, need := range s.Needs {
			switch {
			case need == s.Name:
				p.ErrorAt(s.Pos, "step %q: needs itself", s.Name)
			case slices.Contains(s.Needs[:j], need):
				p.ErrorAt(s.Pos, "step %q: needs %q twice", s.Name, need)
			case !slices.Contains(names, need):
				hint := "there is no such step"
				if near := suggest(need, names); near != "" {
					hint += ": did you mean \"" + near + "\"?"
				}
				p.ErrorAt(s.Pos, "step %q: needs %q: %s", s.Name, form.Shorten(need), hint)
			}
		}
		for _, in := range s.Inputs {
			for _, step := range makersOf(makers, in.Value) {
				if step == s.Name {
					p.ErrorAt(in.Pos, "inputs: %q is an output of the same step", in.Value)
				} else if !slices.Contains(s.Needs, step) {
					s.Needs = append(s.Needs, step)
				}
			}
		}
	}
}

// makersOf returns the steps that write what the input names: a file, what
// lies in a folder, or what a pattern matches.
func makersOf(makers map[string]maker, input string) []string {
	var steps []string
	for _, out := range slices.Sorted(maps.Keys(makers)) {
		if below(out, input) || below(input, out) || IsGlob(input) && Match(input, out) {
			if step := makers[out].step; !slices.Contains(steps, step) {
				steps = append(steps, step)
			}
		}
	}
	return steps
}

func (p *parser) resultPaths(r *Recipe, makers map[string]maker) {
	outputs := slices.Sorted(maps.Keys(makers))
	for _, res := range r.Results {
		if _, ok := makerOf(makers, res.Output.Value); !ok {
			hint := ""
			if near := suggest(res.Output.Value, outputs); near != "" {
				hint = ": did you mean \"" + near + "\"?"
			}
			p.ErrorAt(res.Output.Pos, "result %q: no step has %q among its outputs%s", res.Name, res.Output.Value, hint)
		}
		for _, name := range res.Hidden() {
			p.hidden(r, res, name)
		}
	}
	for _, c := range r.Claims {
		if _, ok := makerOf(makers, c.Output.Value); !ok {
			p.ErrorAt(c.Output.Pos, "claim %q: no step has %q among its outputs", c.Name, c.Output.Value)
		}
	}
}

// hidden checks that no step or data reads the published file: a program
// must not be able to copy the answer. SPEC.md, RCP-16.
func (p *parser) hidden(r *Recipe, res Result, published Text) {
	if notebook.Is(published.Value) {
		return // steps get it without its outputs
	}
	for _, s := range r.Steps {
		for _, in := range s.Inputs {
			if in.Value == published.Value && in.Value != res.Output.Value {
				p.ErrorAt(in.Pos, "inputs: %q is the published file of result %q: steps may not see what they are to reproduce", in.Value, res.Name)
			}
		}
	}
	for _, d := range r.Data {
		if d.Path.Value == published.Value {
			p.ErrorAt(d.Path.Pos, "data: %q is the published file of result %q: steps may not see what they are to reproduce", d.Path.Value, res.Name)
		}
	}
}

// cycles names the steps of a cycle, if there is one.
func (p *parser) cycles(r *Recipe) {
	const visiting, done = 1, 2
	state := make(map[string]int, len(r.Steps))
	steps := make(map[string]Step, len(r.Steps))
	for _, s := range r.Steps {
		steps[s.Name] = s
	}
	var trail []string
	var visit func(name string) bool
	visit = func(name string) bool {
		if state[name] == visiting {
			cycle := append(trail[slices.Index(trail, name):], name)
			p.ErrorAt(steps[name].Pos, "step %q: needs itself in a circle: %s", name, strings.Join(cycle, " needs "))
			return false
		}
		if state[name] == done {
			return true
		}
		state[name] = visiting
		trail = append(trail, name)
		for _, need := range steps[name].Needs {
			if !visit(need) {
				return false
			}
		}
		trail = trail[:len(trail)-1]
		state[name] = done
		return true
	}
	for _, s := range r.Steps {
		if !visit(s.Name) {
			return
		}
	}
}
