package calibrate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"repro/compare"
	"repro/format/manifest"
	"repro/report"
)

// sum compares what all runs left to what the first did, then asks of each
// whether the recipe's rules, with the spread just found, accept it.
func (c *calibration) sum(ctx context.Context) error {
	for _, r := range c.manifest.Results {
		s, err := c.result(ctx, r)
		if err != nil {
			return fmt.Errorf("result %q: %w", r.Name, err)
		}
		c.spread.Results = append(c.spread.Results, s)
	}
	if err := c.fit(); err != nil {
		return err
	}
	for _, f := range c.done {
		if held(f.cause) {
			continue
		}
		if err := c.judge(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// result compares one result over all runs.
func (c *calibration) result(ctx context.Context, r manifest.Result) (report.ResultSpread, error) {
	first := c.done[0]
	moves := compare.NewMoves(first.file(r), r.Compare)
	moved := map[string]bool{}
	for _, f := range c.done[1:] {
		compared := moves.Add
		if held(f.cause) {
			compared = moves.Look
		}
		same, err := compared(ctx, f.file(r))
		if err != nil {
			return report.ResultSpread{}, err
		}
		if !same {
			moved[f.cause] = true
		}
	}
	s := moves.Spread()
	s.Name, s.Random = r.Name, moved[Nothing]
	if !s.Random { // the numbers of each run are draws only where chance moves them
		for i := range s.Places {
			s.Places[i].Runs = nil
		}
	}
	for _, cause := range []string{Processor, Threads, Both, HashSeed, Locale, Clock, TimeOfDay, Order} {
		both := cause == Both && (moved[Processor] || moved[Threads]) // they explain it
		if moved[cause] && !both && !s.Random {
			s.Causes = append(s.Causes, cause)
		}
	}
	return s, nil
}

// fit leaves out the places of the results that take most room for them until
// the document is one that can be read again.
func (c *calibration) fit() error {
	const room = manifest.MaxDocument - manifest.MaxDocument/16 // for what is still added
	sizes, total := make([]int, len(c.spread.Results)), 0
	for i, s := range c.spread.Results {
		b, err := manifest.Marshal(s.Places)
		if err != nil {
			return err
		}
		sizes[i] = len(b)
		total += len(b)
	}
	for total > room {
		most := slices.Index(sizes, slices.Max(sizes))
		total -= sizes[most]
		sizes[most], c.spread.Results[most].Places = 0, nil
	}
	for _, s := range c.spread.Results {
		if s.Moved > 0 && len(s.Places) == 0 {
			c.note("result %q: %d numbers move, more than a spread holds: state a tolerance", s.Name, s.Moved)
		}
	}
	return nil
}

// judge counts for each result whether a run's is accepted.
func (c *calibration) judge(ctx context.Context, f finished) error {
	findings, err := compare.Results(ctx, c.published, f.outputs(), c.manifest.Results, compare.Options{Spread: &c.spread})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if len(findings) != len(c.manifest.Results) {
		return errors.Join(errors.New("not every result was compared"), err)
	}
	for i, found := range findings {
		s := &c.spread.Results[i]
		if found.Verdict.Reproduced() {
			s.Accepted++
		} else if s.Refused == "" {
			s.Refused = string(found.Verdict) + ": " + found.Reason
		}
	}
	return nil
}

// Undeclared lists the results that move by chance, and are not declared
// random by the manifest.
func Undeclared(m *manifest.Manifest, s *report.Spread) (names []string) {
	for _, r := range m.Results {
		at := slices.IndexFunc(s.Results, func(x report.ResultSpread) bool { return x.Name == r.Name })
		if at >= 0 && s.Results[at].Random && !r.Compare.Random {
			names = append(names, r.Name)
		}
	}
	return names
}
