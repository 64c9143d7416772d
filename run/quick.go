package run

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"

	"repro/format/manifest"
)

// ErrNoQuick says that an image has no quick profile to run. It wraps ErrAsked.
var ErrNoQuick error = askedError{errors.New("its recipe has no quick profile: no step has the key quick")}

// profile is an experiment as one of its profiles has it: the whole one, or
// the quick one. SPEC.md, RUN-26.
type profile struct {
	steps   []manifest.Step
	results []manifest.Result
	claims  []manifest.Claim
	leftOut []string // results and claims that the profile cannot decide
}

// wholeProfile is the experiment as published.
func wholeProfile(m *manifest.Manifest) profile {
	return profile{steps: m.Steps, results: m.Results, claims: m.Claims}
}

// quickProfile is the experiment for whoever has minutes.
func quickProfile(m *manifest.Manifest) (profile, error) {
	if !slices.ContainsFunc(m.Steps, func(s manifest.Step) bool { return s.Quick != nil }) {
		return profile{}, ErrNoQuick
	}
	var p profile
	skipped, other := map[string]bool{}, map[string]bool{} // steps not run; and those that do something else, or stand on one that does
	for _, s := range m.Steps {                            // each after those that it needs: MAN-8
		stands := func(set map[string]bool) bool {
			return slices.ContainsFunc(s.Needs, func(n string) bool { return set[n] })
		}
		q := cmp.Or(s.Quick, &manifest.Quick{})
		if q.Skip || stands(skipped) {
			skipped[s.Name] = true
			continue
		}
		other[s.Name] = len(q.Command) > 0 || len(q.Env) > 0 || stands(other)
		p.steps = append(p.steps, quickStep(s, q))
	}
	makes := func(output string) (manifest.Step, bool) {
		i := slices.IndexFunc(p.steps, func(s manifest.Step) bool { return declares(s, output) })
		if i < 0 {
			return manifest.Step{}, false
		}
		return p.steps[i], true
	}
	for _, r := range m.Results {
		s, made := makes(r.Output)
		switch {
		case made && other[s.Name] && r.Quick != "":
			r.Published, r.Sets = r.Quick, nil
			p.results = append(p.results, r)
		case made && !other[s.Name]:
			p.results = append(p.results, r)
		default:
			p.leftOut = append(p.leftOut, r.Name)
		}
	}
	for _, c := range m.Claims {
		if s, made := makes(c.Output); made && !other[s.Name] {
			p.claims = append(p.claims, c)
		} else {
			p.leftOut = append(p.leftOut, c.Name)
		}
	}
	return p, nil
}

func quickStep(s manifest.Step, q *manifest.Quick) manifest.Step {
	if len(q.Command) > 0 {
		s.Command = q.Command
	}
	if len(q.Env) > 0 {
		env := maps.Clone(s.Env)
		if env == nil {
			env = map[string]string{}
		}
		maps.Copy(env, q.Env)
		s.Env = env
	}
	s.Time = cmp.Or(q.Time, s.Time)
	if q.Takes > 0 || len(q.Command) > 0 || len(q.Env) > 0 {
		s.Takes = q.Takes // that of the whole experiment says nothing of this one
	}
	return s
}

// quickNote says what a quick run does not say.
func quickNote(leftOut []string) string {
	const note = "only the quick profile was run"
	if len(leftOut) == 0 {
		return note
	}
	return note + ": it says nothing of " + strings.Join(leftOut, ", ")
}
