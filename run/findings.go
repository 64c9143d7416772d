package run

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"repro/compare"
	"repro/engine/local"
	"repro/report"
	"repro/run/folder"
	"repro/run/processor"
)

// report describes an execution, without what became of the results.
func (x *experiment) report(ctx context.Context, e execution, outcomes []outcome, started time.Time) *report.Run {
	answers := x.askLibraries(ctx, e, outcomes)
	steps := x.statuses(e, outcomes, answers)
	rep := &report.Run{
		Version: report.Version, Image: x.image.Name(), ContentID: x.id, Paper: x.manifest.Paper,
		Machine: local.Machine(), Isolation: x.isolation(e, steps, answers),
		Started: timestamp(started), Finished: timestamp(time.Now()),
		Steps: steps, Outputs: e.collector.Files(),
		Quick: e.options.Quick, LeftOut: x.profile.LeftOut, Changed: e.options.Change.Lines(),
		Notebooks: x.manifest.Notebooks,
	}
	rep.Machine.Repro = e.options.Version
	return rep
}

// askLibraries asks the libraries of the image what they chose for each step that
// ran; none where steps share one root.
func (x *experiment) askLibraries(ctx context.Context, e execution, outcomes []outcome) []processor.Answer {
	if e.host.SharesRoot() {
		return nil
	}
	ran := make([]bool, len(outcomes))
	for i, o := range outcomes {
		ran[i] = o.status.Started != ""
	}
	return processor.Ask(ctx, x.plan.Steps, ran, x.manifest.Paper.Date, e.host.Root().View, e.host.Ask)
}

// statuses returns the status of each step, with the processor that it got: what
// the step's log says of that, or else what the libraries say. Answers may be
// empty.
func (x *experiment) statuses(e execution, outcomes []outcome, answers []processor.Answer) []report.StepStatus {
	steps := make([]report.StepStatus, len(outcomes))
	for i, o := range outcomes {
		steps[i] = o.status
		s := &steps[i]
		s.CPU = x.plan.Steps[i].CPU
		s.Core = processor.CoreInLog(filepath.Join(e.dir, filepath.FromSlash(logOf(x.plan.Steps[i].Name))))
		if s.Core == "" && i < len(answers) {
			s.Core = answers[i].Core
		}
	}
	return steps
}

// compare fills in the findings.
func (x *experiment) compare(ctx context.Context, e execution, rep *report.Run) error {
	results, claims := x.plan.Results(x.profile.Results), x.plan.Claims(x.profile.Claims)
	if len(results)+len(claims) == 0 {
		rep.Counts = report.Count(nil)
		return nil
	}
	produced := os.DirFS(filepath.Join(e.dir, folder.Outputs))
	numbers, claimErr := compare.Claims(ctx, produced, claims)
	if len(results) == 0 {
		rep.Findings, rep.Counts = numbers, report.Count(numbers)
		return claimErr
	}
	published, err := x.image.Published()
	if err != nil {
		return err
	}
	o := e.options.Compare
	o.Progress = e.options.Progress
	findings, err := compare.Results(ctx, published, produced, results, o)
	rep.Findings = append(findings, numbers...)
	rep.Counts = report.Count(rep.Findings)
	return errors.Join(err, claimErr)
}
