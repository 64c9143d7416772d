package calibrate

import (
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/run/plan"
	"repro/run/processor"
)

// Causes, in the words of reports.
const (
	Nothing   = "nothing" // the same settings again
	Processor = "processor"
	Threads   = "threads"
	HashSeed  = "hash seed"
	Locale    = "locale"
	Clock     = "clock"       // what programs take for the paper's date, and the time zone
	TimeOfDay = "time of day" // as programs ask the machine for it
	Order     = "directory order"
	Both      = "processor and threads"
)

// held are the causes that a runner sets the same on every machine (RUN-7).
func held(cause string) bool { return cause == HashSeed || cause == Locale || cause == Clock }

// attempt is one run that is to be made. SPEC.md, CAL-2.
type attempt struct {
	cause string
	plan.Change
}

// attempts lists the runs, those first that tell most, and what cannot be varied.
// Its first two change nothing: if their results differ, chance is at work.
func attempts(m *manifest.Manifest, root *tree.Node, cpus int) (runs []attempt, notes []string) {
	runs = []attempt{{cause: Nothing}, {cause: Nothing}}
	processors, note := processorsFor(m.Steps)
	notes = append(notes, note...)
	for _, p := range processors {
		runs = append(runs, attempt{Processor, plan.Change{Default: p.Env}})
	}
	threads := otherThreads(m.Steps)
	if threads > cpus {
		notes, threads = append(notes, "this machine has one processor: nothing was run with more threads"), 0
	}
	if threads > 0 {
		runs = append(runs, attempt{Threads, plan.Change{Threads: threads}})
	}
	locale, missing := otherLocale(root)
	notes = append(notes, missing...)
	runs = append(runs,
		attempt{HashSeed, plan.Change{Default: map[string]string{"PYTHONHASHSEED": "4242"}}},
		attempt{Locale, plan.Change{Default: map[string]string{"LC_ALL": locale, "LANG": locale}}},
		attempt{Clock, plan.Change{Default: otherTime(m.Paper.Date)}},
		attempt{Order, plan.Change{Reversed: true}},
	)
	switch moves := slices.ContainsFunc(m.Steps, func(s manifest.Step) bool { return !slices.Contains(s.Fixed, manifest.FixedClock) }); {
	case !moves:
	case format.ClockLibrary(root.Lookup) == "":
		notes = append(notes, "the image has no libfaketime: the time of day was that of the machine, and went on from run to run")
	default:
		runs = append(runs, attempt{TimeOfDay, plan.Change{Fixed: []string{manifest.FixedClock}}})
	}
	if n := len(processors); threads > 0 && n > 0 {
		for _, p := range slices.Compact([]int{0, n - 1}) {
			runs = append(runs, attempt{Both, plan.Change{Default: processors[p].Env, Threads: threads}})
		}
	}
	return append(runs, attempt{cause: Nothing}), append(notes, keptFrom(m.Steps, runs)...)
}

// processorsFor is the processors that the steps can be run for.
func processorsFor(steps []manifest.Step) ([]processor.Kind, []string) {
	processors := processor.Kinds()
	held := slices.DeleteFunc(slices.Clone(steps), processor.Native)
	switch {
	case len(held) > 0 && len(held) == len(steps):
		return nil, []string{"every step is held to a portable processor: no other was tried"}
	case len(processors) == 0:
		return nil, []string{"the code of libraries can't be chosen on this architecture: no other processor was tried"}
	}
	return processors, nil
}

// keptFrom names the variables that steps set themselves, and so were not
// varied.
func keptFrom(steps []manifest.Step, runs []attempt) (notes []string) {
	for _, s := range steps {
		own := map[string]bool{}
		for _, r := range runs {
			for _, name := range r.Overridden(s) {
				own[name] = true
			}
			if r.Threads > 0 {
				for name := range s.Env {
					if strings.HasSuffix(name, "_NUM_THREADS") {
						own[name] = true
					}
				}
			}
		}
		if len(own) > 0 {
			notes = append(notes, "step \""+s.Name+"\" keeps to its own "+strings.Join(slices.Sorted(maps.Keys(own)), ", "))
		}
	}
	return notes
}

// otherThreads is a number of threads that no step has: two for those that
// run on one, one if any runs on more.
func otherThreads(steps []manifest.Step) int {
	for _, s := range steps {
		if s.CPUs > 1 {
			return 1
		}
	}
	return 2
}

// otherLocale is another locale than that of runs: one that the image has, or
// else that of C, whose only difference is that text is bytes. Languages with
// a decimal comma come first.
func otherLocale(root *tree.Node) (string, []string) {
	var all []string
	if dir := root.Lookup("usr/lib/locale"); dir != nil && dir.IsDir() {
		for name, n := range dir.Entries {
			if n.IsDir() && !strings.HasPrefix(strings.ToUpper(name), "C.") && n.Entries["LC_NUMERIC"] != nil {
				all = append(all, name)
			}
		}
	}
	slices.Sort(all)
	for _, language := range []string{"de_", "fr_", "tr_", ""} {
		for _, name := range all {
			if strings.HasPrefix(name, language) {
				return name, nil
			}
		}
	}
	return "C", []string{"the image has no locale but C: decimal commas and other orders of letters were not tried"}
}

// otherTime is another date for programs that ask for the paper's, and another
// time zone, by POSIX's rules since an image may have no list of zones.
func otherTime(date string) map[string]string {
	env := map[string]string{"TZ": "<+0545>-5:45"}
	if t, err := time.Parse(time.RFC3339, date); err == nil {
		env["SOURCE_DATE_EPOCH"] = strconv.FormatInt(t.AddDate(1, 5, 3).Unix(), 10)
	}
	return env
}

// place is where the files of a result lie in a run's folder.
func place(output string) string { return strings.TrimPrefix(path.Clean(output), "/") }
