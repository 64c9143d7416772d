package manifest

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Declares reports whether the file called name is an output of the step, or
// lies in one that is a directory.
func (s Step) Declares(name string) bool {
	return slices.ContainsFunc(s.Outputs, func(out string) bool {
		return name == out || strings.HasPrefix(name, out+"/")
	})
}

// CheckOutputs says whether steps could run into each other: an output that two
// of them have, one that lies in another step's, or one that is the whole root,
// all of which steps would then not see (MAN-8a).
func CheckOutputs(steps []Step) error {
	owner := map[string]string{}
	for _, s := range steps {
		for _, name := range slices.Concat(s.Inputs, s.Outputs) {
			if name == "/" {
				return fmt.Errorf("step %q: %q is the whole root, not an input or output", s.Name, name)
			}
		}
		for _, name := range s.Outputs {
			if other, taken := owner[name]; taken {
				return fmt.Errorf("output %q belongs to step %q and to step %q", name, other, s.Name)
			}
			owner[name] = s.Name
		}
	}
	for name, step := range owner {
		for dir := path.Dir(name); dir != "/" && dir != "."; dir = path.Dir(dir) {
			if other, taken := owner[dir]; taken && other != step {
				return fmt.Errorf("output %q of step %q lies in output %q of step %q", name, step, dir, other)
			}
		}
	}
	return nil
}

// CheckMade says whether steps make what results and claims look at, and whether
// there is a layer that published files can be in: otherwise a run would find
// nothing to compare, and nothing that differs.
func (m *Manifest) CheckMade() error {
	if len(m.Steps) == 0 {
		return errors.New("steps: none: there is nothing to run")
	}
	made := func(output string) bool {
		return slices.ContainsFunc(m.Steps, func(s Step) bool { return s.Declares(output) })
	}
	for _, r := range m.Results {
		if !made(r.Output) {
			return fmt.Errorf("result %q: no step makes its output %q", r.Name, r.Output)
		}
	}
	for _, c := range m.Claims {
		if !made(c.Output) {
			return fmt.Errorf("claim %q: no step makes its output %q", c.Name, c.Output)
		}
	}
	hidden := func(o Object) bool { return o.Role == RoleHidden }
	if len(m.Results) > 0 && !slices.ContainsFunc(m.Objects, hidden) {
		return errors.New("results, but no layer of published files")
	}
	return nil
}

// PublishedFiles lists the files of the hidden layer that results name.
func (m *Manifest) PublishedFiles() (names []string) {
	for _, r := range m.Results {
		for _, name := range append([]string{r.Published, r.Quick, r.Compare.Spread}, r.Sets...) {
			if name != "" {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
