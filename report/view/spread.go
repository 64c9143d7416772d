package view

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"repro/report"
)

// Spread writes what `repro calibrate` found: how far each result moved, what
// moved it, whether the recipe's rule accepts that, and what to write into the
// recipe. Undeclared names the results that move by chance although the recipe
// does not say so.
func Spread(w io.Writer, s *report.Spread, undeclared []string, style Style) error {
	p := &printer{w: w, style: style}
	if s.Machine != nil {
		p.line("%s  %d %s over %s", style.paint(bold, Clean(s.Machine.CPU)), len(s.Runs), noun(len(s.Runs), "run"), strings.Join(causes(s.Runs), ", "))
	}
	c := columns{indent: "  "}
	for _, r := range s.Results {
		moved, t := movement(s, r)
		accepted := cell{fmt.Sprintf("%d of %d accepted", r.Accepted, s.Counted()), good, false}
		if r.Accepted < s.Counted() {
			accepted.tone = bad
		}
		c.add(cell{text: Clean(r.Name)}, cell{moved, t, false}, accepted, cell{text: Clean(agreement(r))})
	}
	c.write(p)
	for _, r := range s.Results {
		undeclared := slices.Contains(undeclared, r.Name)
		if r.Refused != "" && !undeclared {
			p.line("  %s", style.paint(bad, Clean(r.Name)+": a run is not accepted: "+Clean(r.Refused)))
		}
		if line, t := proposal(s, r, undeclared); line != "" {
			p.line("  %s", style.paint(t, Clean(r.Name)+": "+line))
		}
	}
	for _, note := range s.Notes {
		p.line("  %s", style.paint(warn, "note: "+Clean(note)))
	}
	return p.err
}

// proposal is what to write into the recipe for a result that moves, and why;
// empty if there is nothing to.
func proposal(s *report.Spread, r report.ResultSpread, undeclared bool) (string, tone) {
	moving, _ := causesOf(s, r)
	switch advice := r.Advice(); {
	case undeclared:
		return "is not deterministic: two runs with the same settings differ. Set its seed, or declare `compare: {random: true}`", warn
	case len(moving) == 0:
		return "", good
	case advice != "":
		return fmt.Sprintf("moves with %s by rounding alone: `compare: {%s}` accepts ten times what was seen, for processors that were not tried", strings.Join(moving, ", "), advice), good
	case r.Other != "":
		return fmt.Sprintf("moves with %s in more than numbers, which no rule accepts: set what moves it in the step", strings.Join(moving, ", ")), warn
	}
	return fmt.Sprintf("moves with %s further than by rounding: find out why, or set it in the step; a spread does not excuse it", strings.Join(moving, ", ")), warn
}

// causes lists what runs varied, each once.
func causes(runs []report.SpreadRun) (all []string) {
	seen := map[string]bool{"nothing": true, "processor and threads": true}
	for _, r := range runs {
		if !seen[r.Cause] {
			seen[r.Cause] = true
			all = append(all, Clean(r.Cause))
		}
	}
	if len(all) == 0 {
		return []string{"nothing but chance"}
	}
	return all
}

// movement says in a few words what became of a result.
func movement(s *report.Spread, r report.ResultSpread) (string, tone) {
	moving, held := causesOf(s, r)
	switch {
	case r.Random:
		return "moves by chance", warn
	case len(moving) > 0:
		return "moves with " + strings.Join(append(moving, held...), ", "), warn
	case len(held) > 0:
		return "only with " + strings.Join(held, ", ") + ", which run sets", good
	case r.Identical:
		return "never moves", good
	}
	return "same content", good
}

// causesOf lists what moves a result, and what would if run did not set it.
func causesOf(s *report.Spread, r report.ResultSpread) (moving, held []string) {
	for _, cause := range r.Causes {
		if slices.ContainsFunc(s.Runs, func(run report.SpreadRun) bool { return run.Cause == cause && run.Held }) {
			held = append(held, Clean(cause))
		} else {
			moving = append(moving, Clean(cause))
		}
	}
	return moving, held
}

// agreement says how far a result moved.
func agreement(r report.ResultSpread) string {
	var parts []string
	if r.Moved > 0 {
		parts = append(parts, fmt.Sprintf("%d %s", r.Moved, noun(int(r.Moved), "number")))
	}
	if r.Digits != "" {
		parts = append(parts, r.Digits+" digits agree")
	}
	if r.Norm != "" {
		parts = append(parts, "at most "+r.Norm+" of the largest of its column or array")
	}
	if r.Score != "" {
		parts = append(parts, "pictures similar to "+r.Score)
	}
	if r.Other != "" {
		parts = append(parts, "not numbers alone: "+r.Other)
	}
	return strings.Join(parts, "; ")
}
