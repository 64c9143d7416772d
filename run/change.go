package run

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"repro/record"
)

// Change is what is set otherwise than the image says, to learn on what
// results depend. The zero value changes nothing. The report names each change.
type Change struct {
	Env     map[string]string // over the variables of each step
	CPU     string            // profile in place of each step's own: native, portable-v2 or portable-v3
	Threads int               // in place of each step's cpus
	Fixed   []string          // held still beside what steps ask for: record.FixedAddresses, record.FixedClock
}

// apply returns the steps as c has them.
func (c Change) apply(steps []record.Step) []record.Step {
	steps = slices.Clone(steps)
	for i := range steps {
		s := &steps[i]
		if len(c.Env) > 0 {
			s.Env = maps.Clone(s.Env)
			if s.Env == nil {
				s.Env = map[string]string{}
			}
			maps.Copy(s.Env, c.Env)
		}
		if c.CPU != "" {
			s.CPU = c.CPU
		}
		if c.Threads > 0 {
			s.CPUs = c.Threads
		}
		for _, f := range c.Fixed {
			if !slices.Contains(s.Fixed, f) {
				s.Fixed = append(slices.Clone(s.Fixed), f)
			}
		}
	}
	return steps
}

// check refuses what no recipe could say either.
func (c Change) check() error {
	if c.CPU != "" && c.CPU != "native" && needed[c.CPU] == nil {
		return fmt.Errorf("run: cpu %q: not a profile that is known", c.CPU)
	}
	for _, f := range c.Fixed {
		if f != record.FixedAddresses && f != record.FixedClock {
			return fmt.Errorf("run: fixed %q: want %s or %s", f, record.FixedAddresses, record.FixedClock)
		}
	}
	for name, value := range c.Env {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.ContainsRune(value, 0) {
			return fmt.Errorf("run: %q=%q cannot be an environment variable", name, value)
		}
	}
	return nil
}

// words says what is set otherwise, a line each.
func (c Change) words() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(c.Env)) {
		out = append(out, name+"="+c.Env[name])
	}
	if c.CPU != "" {
		out = append(out, "cpu: "+c.CPU)
	}
	if c.Threads > 0 {
		out = append(out, fmt.Sprintf("cpus: %d", c.Threads))
	}
	for _, f := range c.Fixed {
		out = append(out, "fixed: "+f)
	}
	return out
}
