package format

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"repro/format/manifest"
	"repro/internal/pattern"
)

const (
	maxName  = 64   // bytes of the name of a step or result
	maxWords = 1000 // of one command
)

// nameForm is what steps and results may be called: their names become those
// of files.
var nameForm = pattern.New(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

func checkName(name string, seen map[string]bool) error {
	switch {
	case len(name) > maxName || !nameForm.MatchString(name):
		return fmt.Errorf("name %q: want up to %d letters, digits, dots, hyphens, underscores", name, maxName)
	case seen[name]:
		return fmt.Errorf("name %q: used twice", name)
	}
	seen[name] = true
	return nil
}

// checkSteps checks what whoever runs steps relies on: a step needs only
// earlier ones, every path is absolute and clean.
func checkSteps(steps []manifest.Step) error {
	seen := map[string]bool{}
	for i, s := range steps {
		if err := checkStep(s, seen); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return manifest.CheckOutputs(steps)
}

func checkStep(s manifest.Step, seen map[string]bool) error {
	for _, n := range s.Needs {
		if !seen[n] {
			return fmt.Errorf("needs %q, which is not an earlier step", n)
		}
	}
	if err := checkName(s.Name, seen); err != nil {
		return err
	}
	if err := errors.Join(checkCommand(s.Command), checkEnv(s.Env)); err != nil {
		return err
	}
	for _, p := range append(append([]string{s.Dir}, s.Inputs...), s.Outputs...) {
		if err := checkAbsolute(p); err != nil {
			return err
		}
	}
	if s.CPU != "" && !slices.Contains([]string{"native", "portable-v2", "portable-v3"}, s.CPU) {
		return fmt.Errorf("cpu %q: not a profile that is known", s.CPU)
	}
	if s.CPUs < 0 || s.Memory < 0 || s.Time < 0 || s.Ranks < 0 || s.Takes < 0 {
		return fmt.Errorf("limits: less than nothing")
	}
	for i, f := range s.Fixed {
		if f != manifest.FixedAddresses && f != manifest.FixedClock || slices.Contains(s.Fixed[:i], f) {
			return fmt.Errorf("fixed %q: twice, or not a word that is known", f)
		}
	}
	if s.Quick == nil {
		return nil
	}
	return checkQuick(s.Quick)
}

func checkQuick(q *manifest.Quick) error {
	other := len(q.Command) > 0 || len(q.Env) > 0 || q.Time != 0 || q.Takes != 0
	if q.Skip == other || q.Time < 0 || q.Takes < 0 {
		return errors.New("quick: want skip, or something else that is otherwise")
	}
	if len(q.Command) > 0 {
		if err := checkCommand(q.Command); err != nil {
			return fmt.Errorf("quick: %w", err)
		}
	}
	return checkEnv(q.Env)
}

func checkCommand(words []string) error {
	if len(words) == 0 || len(words) > maxWords || words[0] == "" {
		return fmt.Errorf("command of %d words, or an empty first one", len(words))
	}
	for _, w := range words {
		if strings.ContainsRune(w, 0) {
			return fmt.Errorf("command: %q has a NUL", w)
		}
	}
	return nil
}

func checkEnv(env map[string]string) error {
	for k, v := range env {
		if k == "" || strings.ContainsAny(k, "=\x00") || strings.ContainsRune(v, 0) {
			return fmt.Errorf("env: %q=%q", k, v)
		}
	}
	return nil
}

func checkAbsolute(p string) error {
	if !path.IsAbs(p) || path.Clean(p) != p || strings.ContainsRune(p, 0) {
		return fmt.Errorf("path %q: want an absolute one in its shortest form", p)
	}
	return nil
}

// checkResults checks results and claims, whose names stand side by side in
// reports.
func checkResults(results []manifest.Result, claims []manifest.Claim) error {
	seen := map[string]bool{}
	for i, r := range results {
		err := checkName(r.Name, seen)
		if err == nil {
			err = checkAbsolute(r.Output)
		}
		for _, name := range append([]string{r.Published}, r.Sets...) {
			if err == nil {
				err = checkPublished(name)
			}
		}
		for _, name := range []string{r.Compare.Spread, r.Quick} {
			if err == nil && name != "" {
				err = checkPublished(name)
			}
		}
		if err != nil {
			return fmt.Errorf("result %d: %w", i+1, err)
		}
	}
	for i, c := range claims {
		err := checkName(c.Name, seen)
		if err == nil {
			err = checkAbsolute(c.Output)
		}
		if err == nil && (c.Cell != nil && c.Pointer+c.Pattern != "" || c.Pointer != "" && c.Pattern != "" || c.Cell == nil && c.Pointer+c.Pattern == "") {
			err = errors.New("want one of cell, pointer and pattern")
		}
		if err != nil {
			return fmt.Errorf("claim %d: %w", i+1, err)
		}
	}
	return nil
}

func checkPublished(name string) error {
	if !fs.ValidPath(name) || name == "." || strings.ContainsRune(name, 0) {
		return fmt.Errorf("published %q: want a path in the published layer", name)
	}
	return nil
}
