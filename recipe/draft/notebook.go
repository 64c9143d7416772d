package draft

import (
	"path"
	"slices"

	"repro/internal/pattern"
)

// hasOutputs tells a notebook that was run from one that was cleared.
var hasOutputs = pattern.New(`"output_type"\s*:`)

// notebookResults takes notebooks that a step executes in place for results, if
// the author's have outputs: steps see them without (SPEC.md, RCP-16a).
func (w *draft) notebookResults() {
	for _, s := range w.steps {
		if !slices.Contains(s.command, "--inplace") {
			continue
		}
		name := path.Join(s.dir, s.command[len(s.command)-1])
		listed := slices.ContainsFunc(w.results, func(r result) bool { return r.output == name })
		if path.Ext(name) == ".ipynb" && !listed && len(w.results) < maxResults && hasOutputs.MatchString(string(peek(w.root, name))) {
			w.results = append(w.results, result{output: name, author: name})
		}
	}
}

// installedBy says how a program comes to a machine that has it not.
var installedBy = map[string]string{
	"jupyter-nbconvert": "python3 -m venv .venv && .venv/bin/pip install nbconvert ipykernel   # and what the notebook imports",
	"snakemake":         "python3 -m venv .venv && .venv/bin/pip install snakemake",
}

// stepsWithout says which programs the steps start that this machine has not.
func (w *draft) stepsWithout() (notes []string) {
	said := map[string]bool{}
	for _, s := range w.steps {
		program := s.command[0]
		if said[program] || w.onMachine(program) {
			continue
		}
		said[program] = true
		note := "the steps start " + program + ", which this machine has not: build where it is, or name an image that has it"
		if how := installedBy[path.Base(program)]; how != "" {
			note = "the steps start " + program + ", which this machine has not: " + how + "; then `repro init` again"
		}
		notes = append(notes, note)
	}
	return notes
}
