// Package plan decides what a run does before anything is read or started:
// which steps, in which order, with which settings, what each step's files
// depend on, and how long it takes. It does no input or output, so all of it
// can be tested with values alone.
package plan

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"repro/format"
	"repro/format/manifest"
)

// Plan is the graph of the steps that are to run, in the image's order.
type Plan struct {
	Steps []manifest.Step
	Needs [][]int // for each step, the indices of all its predecessors, direct or not, ascending
}

// ErrAsked is what every error wraps that says that something was asked for
// which the image does not have: a step, or a quick profile.
var ErrAsked = errors.New("the image does not have what was asked for")

// askedError is one.
type askedError struct{ error }

func (askedError) Is(target error) bool { return target == ErrAsked }

// New selects the steps called names and their predecessors; all steps if there
// are no names. An error wraps [ErrAsked] if a name is unknown, or
// format.ErrMalformed if the steps need each other in a circle, need unknown
// steps, or claim the same output: no image that was built does.
func New(steps []manifest.Step, names []string) (*Plan, error) {
	index := map[string]int{}
	for i, s := range steps {
		if _, twice := index[s.Name]; twice {
			return nil, fmt.Errorf("%w: manifest: two steps are called %q", format.ErrMalformed, s.Name)
		}
		index[s.Name] = i
	}
	if err := checkOutputs(steps); err != nil {
		return nil, err
	}
	closure, err := closures(steps, index)
	if err != nil {
		return nil, err
	}
	wanted := make([]bool, len(steps))
	for _, name := range names {
		i, ok := index[name]
		if !ok {
			return nil, askedError{fmt.Errorf("step %q: not in the image; its steps are %s", name, stepNames(steps))}
		}
		wanted[i] = true
		for _, n := range closure[i] {
			wanted[n] = true
		}
	}
	p := &Plan{}
	place := make([]int, len(steps)) // index in the plan
	for i, s := range steps {
		if len(names) == 0 || wanted[i] {
			place[i] = len(p.Steps)
			p.Steps = append(p.Steps, s)
		}
	}
	for i := range steps {
		if len(names) > 0 && !wanted[i] {
			continue
		}
		needs := make([]int, 0, len(closure[i]))
		for _, n := range closure[i] {
			needs = append(needs, place[n])
		}
		p.Needs = append(p.Needs, needs)
	}
	return p, nil
}

// closures returns for every step the indices of all its predecessors,
// ascending, or an error that names a step of a cycle.
func closures(steps []manifest.Step, index map[string]int) ([][]int, error) {
	const (
		unseen = iota
		open
		closed
	)
	mark := make([]int, len(steps))
	sets := make([]map[int]bool, len(steps))
	var visit func(i int) error
	visit = func(i int) error {
		switch mark[i] {
		case closed:
			return nil
		case open:
			return fmt.Errorf("%w: manifest: step %q needs itself, through others or directly", format.ErrMalformed, steps[i].Name)
		}
		mark[i] = open
		sets[i] = map[int]bool{}
		for _, name := range steps[i].Needs {
			n, ok := index[name]
			if !ok {
				return fmt.Errorf("%w: manifest: step %q needs %q, which is not a step", format.ErrMalformed, steps[i].Name, name)
			}
			if err := visit(n); err != nil {
				return err
			}
			sets[i][n] = true
			for m := range sets[n] {
				sets[i][m] = true
			}
		}
		mark[i] = closed
		return nil
	}
	out := make([][]int, len(steps))
	for i := range steps {
		if err := visit(i); err != nil {
			return nil, err
		}
		for n := range sets[i] {
			out[i] = append(out[i], n)
		}
		slices.Sort(out[i])
	}
	return out, nil
}

// checkOutputs checks what a manifest from [format.Image.Manifest] has been held
// to already, for steps that come from elsewhere.
func checkOutputs(steps []manifest.Step) error {
	for _, s := range steps {
		if !path.IsAbs(s.Dir) || path.Clean(s.Dir) != s.Dir || len(s.Command) == 0 {
			return fmt.Errorf("%w: manifest: step %q: command %q in directory %q", format.ErrMalformed, s.Name, s.Command, s.Dir)
		}
		for _, name := range slices.Concat(s.Inputs, s.Outputs) {
			if !path.IsAbs(name) || path.Clean(name) != name {
				return fmt.Errorf("%w: manifest: step %q: %q is not a clean absolute path", format.ErrMalformed, s.Name, name)
			}
		}
	}
	if err := manifest.CheckOutputs(steps); err != nil {
		return fmt.Errorf("%w: manifest: %w", format.ErrMalformed, err)
	}
	return nil
}

// Step returns the index of the step called name, or -1.
func (p *Plan) Step(name string) int {
	return slices.IndexFunc(p.Steps, func(s manifest.Step) bool { return s.Name == name })
}

// IsNeeded reports whether any step of the plan needs step i.
func (p *Plan) IsNeeded(i int) bool {
	return slices.ContainsFunc(p.Needs, func(needs []int) bool { return slices.Contains(needs, i) })
}

// Results returns those published results whose new file a step of the plan
// declares.
func (p *Plan) Results(all []manifest.Result) []manifest.Result {
	var out []manifest.Result
	for _, r := range all {
		if slices.ContainsFunc(p.Steps, func(s manifest.Step) bool { return s.Declares(r.Output) }) {
			out = append(out, r)
		}
	}
	return out
}

// Claims returns those claims whose file a step of the plan declares.
func (p *Plan) Claims(all []manifest.Claim) []manifest.Claim {
	var out []manifest.Claim
	for _, c := range all {
		if slices.ContainsFunc(p.Steps, func(s manifest.Step) bool { return s.Declares(c.Output) }) {
			out = append(out, c)
		}
	}
	return out
}

// CPUs is how many processors a step uses: each of its ranks as many as it says.
func CPUs(s manifest.Step) int { return max(1, s.CPUs) * max(1, s.Ranks) }

func stepNames(steps []manifest.Step) string {
	names := make([]string, len(steps))
	for i, s := range steps {
		names[i] = fmt.Sprintf("%q", s.Name)
	}
	return strings.Join(names, ", ")
}
