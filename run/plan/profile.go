package plan

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

// Profile is one of the two forms of an experiment: the whole, or the quick
// one. SPEC.md, RUN-26.
type Profile struct {
	Steps   []manifest.Step
	Results []manifest.Result
	Claims  []manifest.Claim
	LeftOut []string // names of the results and claims that the profile cannot decide
}

// Whole is the experiment as published.
func Whole(m *manifest.Manifest) Profile {
	return Profile{Steps: m.Steps, Results: m.Results, Claims: m.Claims}
}

// Quick is the experiment for whoever has minutes. The error is [ErrNoQuick] if
// the recipe has none.
func Quick(m *manifest.Manifest) (Profile, error) {
	if !slices.ContainsFunc(m.Steps, func(s manifest.Step) bool { return s.Quick != nil }) {
		return Profile{}, ErrNoQuick
	}
	var p Profile
	skipped := map[string]bool{} // steps that do not run
	other := map[string]bool{}   // steps that compute something else, or need one that does
	for _, s := range m.Steps {  // each after those that it needs: MAN-8
		needsOne := func(of map[string]bool) bool {
			return slices.ContainsFunc(s.Needs, func(n string) bool { return of[n] })
		}
		q := cmp.Or(s.Quick, &manifest.Quick{})
		if q.Skip || needsOne(skipped) {
			skipped[s.Name] = true
			continue
		}
		other[s.Name] = len(q.Command) > 0 || len(q.Env) > 0 || needsOne(other)
		p.Steps = append(p.Steps, quickStep(s, q))
	}
	makes := func(output string) (manifest.Step, bool) {
		i := slices.IndexFunc(p.Steps, func(s manifest.Step) bool { return s.Declares(output) })
		if i < 0 {
			return manifest.Step{}, false
		}
		return p.Steps[i], true
	}
	for _, r := range m.Results {
		s, made := makes(r.Output)
		switch {
		case made && other[s.Name] && r.Quick != "":
			r.Published, r.Sets, r.SetNames = r.Quick, nil, nil
			p.Results = append(p.Results, r)
		case made && !other[s.Name]:
			p.Results = append(p.Results, r)
		default:
			p.LeftOut = append(p.LeftOut, r.Name)
		}
	}
	for _, c := range m.Claims {
		if s, made := makes(c.Output); made && !other[s.Name] {
			p.Claims = append(p.Claims, c)
		} else {
			p.LeftOut = append(p.LeftOut, c.Name)
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

// QuickNote says which results and claims a quick run leaves open.
func (p Profile) QuickNote() string {
	const note = "only the quick profile was run"
	if len(p.LeftOut) == 0 {
		return note
	}
	return note + ": it says nothing of " + strings.Join(p.LeftOut, ", ")
}
