package draft

import (
	"path"
	"slices"

	"repro/internal/pattern"
)

// Libraries for linear algebra choose code by the processor, and sums then end in
// other digits. A recipe can hold a step to what all processors of the last ten
// years have (SPEC.md, RUN-7).

// usesAlgebra finds Python's imports of packages that compute with such libraries,
// in a notebook's text too.
var usesAlgebra = pattern.New(`(?m)^[\s"]*(?:import|from)\s+(?:[\w. ]+,\s*)*(numpy|scipy|pandas|sklearn|statsmodels|numba|torch|jax|cvxpy|xarray)\b`)

// algebraPrograms bring such libraries along.
var algebraPrograms = []string{"octave", "octave-cli", "julia"}

// algebra says what of the experiment computes with libraries that choose code by
// the processor; "" if nothing is known to.
func (w *draft) algebra() string {
	for _, s := range w.steps {
		if program := path.Base(s.command[0]); slices.Contains(algebraPrograms, program) {
			return program
		}
	}
	for _, f := range w.files {
		if f.use == useCode && slices.Contains([]string{".py", ".ipynb"}, path.Ext(f.name)) {
			if m := usesAlgebra.FindStringSubmatch(string(peek(w.root, f.name))); m != nil {
				return m[1]
			}
		}
	}
	return ""
}

// processor writes to what processor a step is held: where there are results that
// were computed without, as a proposal.
func (w *draft) processor(published bool) {
	switch what := w.algebra(); {
	case what == "":
	case published:
		w.printf("    # cpu: portable-v3   # %s chooses code by the processor; with this line those of the last ten years compute alike: make the published results anew with it\n", what)
	default:
		w.printf("    cpu: portable-v3   # %s chooses code by the processor; so those of the last ten years compute alike\n", what)
	}
}
