package attest

import (
	"context"
	"fmt"
	"io/fs"
	"strings"

	"repro/compare"
	"repro/format"
	"repro/format/manifest"
	"repro/report"
	"repro/run/plan"
)

// checkAgain compares what the run left with what the image publishes once more,
// and holds each finding against that: a report is a file like any other, and
// its words are believed only where they can be found again. SPEC.md, ATT-14.
func checkAgain(ctx context.Context, im *format.Image, m *manifest.Manifest, rep *report.Run, files fs.FS) error {
	profile := plan.Whole(m)
	if rep.Quick {
		var err error
		if profile, err = plan.Quick(m); err != nil {
			return fmt.Errorf("%w: %w", ErrReport, err)
		}
	}
	again, err := findAgain(ctx, im, profile, files)
	if err != nil {
		return err
	}
	for _, f := range rep.Findings {
		a, ok := again[f.Result]
		switch {
		case !ok:
			return notWhole("result %q is none of what was run", f.Result)
		case a.Verdict != f.Verdict:
			return notWhole("it says of result %q: %s; compared again it is: %s (%s)", f.Result, f.Verdict, a.Verdict, a.Reason)
		case a.Published != f.Published || a.Set != f.Set:
			return notWhole("result %q was compared with %q, compared again it is with %q", f.Result, f.Published+f.Set, a.Published+a.Set)
		}
	}
	return nil
}

// findAgain compares the results and claims of a profile.
func findAgain(ctx context.Context, im *format.Image, p plan.Profile, files fs.FS) (map[string]report.Finding, error) {
	all, err := compare.Claims(ctx, files, p.Claims)
	if err != nil {
		return nil, err
	}
	if len(p.Results) > 0 {
		published, err := im.Published()
		if err != nil {
			return nil, err
		}
		findings, err := compare.Results(ctx, published, files, p.Results, compare.Options{})
		if err != nil {
			return nil, err
		}
		all = append(all, findings...)
	}
	byName := map[string]report.Finding{}
	for _, f := range all {
		byName[f.Result] = f
	}
	return byName, nil
}

// checkSteps refuses steps that are done and yet failed, and times that run
// backwards.
func checkSteps(rep *report.Run) error {
	for _, s := range rep.Steps {
		if s.Status == report.StepDone && (s.Exit != 0 || s.Signal != "") {
			return notWhole("step %q is said to be done, and to have ended with status %d%s", s.Name, s.Exit, strings.TrimSuffix(" "+s.Signal, " "))
		}
	}
	if rep.Finished < rep.Started {
		return notWhole("it was finished at %s, before it was started at %s", rep.Finished, rep.Started)
	}
	return nil
}
