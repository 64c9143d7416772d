package plan

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	"repro/format/manifest"
)

// Change is what a run sets otherwise than the image says, to learn what results
// depend on. The zero value changes nothing. The report names each change.
type Change struct {
	Env      map[string]string // over the variables of each step
	Default  map[string]string // of each step, unless it, or its profile, sets them
	CPU      string            // profile in place of each step's own: native, portable-v2 or portable-v3
	Threads  int               // in place of each step's cpus
	Fixed    []string          // held still beside what steps ask for: manifest.FixedAddresses, manifest.FixedClock
	Reversed bool              // directories list their entries backwards, where layers are served through FUSE
}

// Overridden returns the names of the variables in Default that have no effect
// on step s because s, or its processor profile, sets them itself. They are in
// byte order.
func (c Change) Overridden(s manifest.Step) []string {
	var own []string
	for name := range c.Default {
		if _, ok := s.Env[name]; ok || manifest.CPUVariables(s.CPU, runtime.GOARCH)[name] != "" {
			own = append(own, name)
		}
	}
	return slices.Sorted(slices.Values(own))
}

// Apply returns the steps with the changes made; steps itself stays as it is.
func (c Change) Apply(steps []manifest.Step) []manifest.Step {
	steps = slices.Clone(steps)
	for i := range steps {
		s := &steps[i]
		if c.CPU != "" {
			s.CPU = c.CPU
		}
		if len(c.Env)+len(c.Default) > 0 {
			env := map[string]string{}
			maps.Copy(env, c.Default)
			for _, name := range c.Overridden(*s) {
				delete(env, name)
			}
			maps.Copy(env, s.Env)
			maps.Copy(env, c.Env)
			s.Env = env
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

// Check refuses what no recipe could say either.
func (c Change) Check() error {
	if c.CPU != "" && c.CPU != "native" && c.CPU != manifest.CPUPortableV2 && c.CPU != manifest.CPUPortableV3 {
		return fmt.Errorf("run: cpu %q: not a profile that is known", c.CPU)
	}
	for _, f := range c.Fixed {
		if f != manifest.FixedAddresses && f != manifest.FixedClock {
			return fmt.Errorf("run: fixed %q: want %s or %s", f, manifest.FixedAddresses, manifest.FixedClock)
		}
	}
	both := maps.Clone(c.Env)
	if both == nil {
		both = map[string]string{}
	}
	maps.Copy(both, c.Default)
	for name, value := range both {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.ContainsRune(value, 0) {
			return fmt.Errorf("run: %q=%q cannot be an environment variable", name, value)
		}
	}
	return nil
}

// Lines describes the changes, one line each.
func (c Change) Lines() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(c.Env)) {
		out = append(out, name+"="+c.Env[name])
	}
	for _, name := range slices.Sorted(maps.Keys(c.Default)) {
		out = append(out, "by default "+name+"="+c.Default[name])
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
	if c.Reversed {
		out = append(out, "directories backwards")
	}
	return out
}
