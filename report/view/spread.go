package view

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"repro/report"
)

// Spread writes what `repro calibrate` found: how far each result moved, what
// moved it, and whether the recipe's rule accepts that. Undeclared names the
// results that move by chance although the recipe does not say so.
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
		switch advice := r.Advice(); {
		case slices.Contains(undeclared, r.Name):
			p.line("  %s", style.paint(warn, Clean(r.Name)+": is not deterministic: two runs with the same settings differ. Set its seed, or declare `compare: {random: true}`"))
		case r.Refused != "":
			p.line("  %s", style.paint(bad, Clean(r.Name)+": a run is not accepted: "+Clean(r.Refused)))
		case advice != "":
			p.line("  %s: on processors that were not tried it may move further: `norm: %s` accepts ten times what was seen", Clean(r.Name), advice)
		}
	}
	for _, note := range s.Notes {
		p.line("  %s", style.paint(warn, "note: "+Clean(note)))
	}
	return p.err
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
	var moving, held []string
	for _, cause := range r.Causes {
		if slices.ContainsFunc(s.Runs, func(run report.SpreadRun) bool { return run.Cause == cause && run.Held }) {
			held = append(held, Clean(cause))
		} else {
			moving = append(moving, Clean(cause))
		}
	}
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
