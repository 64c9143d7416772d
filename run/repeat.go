package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"repro/compare"
	"repro/format/manifest"
	"repro/report"
	"repro/run/folder"
)

// repeat runs all steps a second time, in directories of their own, and notes
// how the two runs differ. Damaged says that the error means an altered image.
// SPEC.md, RUN-29.
func repeat(ctx context.Context, x *experiment, first execution, rep *report.Run) (damaged bool, err error) {
	second, err := again(ctx, first)
	if err != nil {
		return false, fmt.Errorf("second run: %w", err)
	}
	defer second.close()
	outcomes, damage := execute(ctx, second, make([]outcome, len(x.plan.Steps)))
	other := &report.Run{Steps: x.statuses(second, outcomes, nil), Outputs: second.collector.Files()}
	for i := range other.Steps {
		if st := &other.Steps[i]; st.Log != "" {
			st.Log = path.Join(folder.Second, st.Log)
		}
	}
	rep.Repeat = &report.Repeat{Steps: other.Steps}
	if err := cmp.Or(ctx.Err(), damage); err != nil {
		return false, err
	}
	if err := first.host.CheckImage(ctx); err != nil {
		return true, err
	}
	if err := x.compare(ctx, second, other); err != nil {
		return false, err
	}
	rep.Repeat.Reproduced = other.Counts.Reproduced
	rep.Repeat.Files, rep.Repeat.Moved = moved(rep.Outputs, other.Outputs)
	if rep.Repeat.Results, err = x.movedResults(ctx, rep, first, second); err != nil {
		return false, err
	}
	if err := failure(second.dir, outcomes); err != nil {
		return false, fmt.Errorf("second run: %w", err)
	}
	return false, nil
}

// again is the same execution in other directories. A later run cannot resume
// from it, and pictures are asked for in the first run only.
func again(ctx context.Context, e execution) (execution, error) {
	e.label, e.recorder, e.options.Compare.Picture = "second time: ", nil, nil
	e.dir = filepath.Join(e.dir, folder.Second)
	if err := errors.Join(os.Mkdir(e.dir, 0o755), folder.Empty(e.dir)); err != nil {
		return e, err
	}
	e.scratch = filepath.Join(e.scratch, folder.Second)
	err := os.Mkdir(e.scratch, 0o700)
	if err == nil {
		e.host, err = e.host.Fork(ctx, e.scratch)
	}
	if err != nil {
		return e, err
	}
	return e, e.collect()
}

// moved counts the files that either run left, and names those that are not
// the same in both. Both lists are in the order of paths.
func moved(first, second []report.OutputFile) (files int, all []report.MovedFile) {
	byPath := map[string]report.MovedFile{}
	for _, f := range first {
		byPath[f.Path] = report.MovedFile{Path: f.Path, First: f.Digest}
	}
	for _, f := range second {
		m := byPath[f.Path]
		m.Path, m.Second = f.Path, f.Digest
		byPath[f.Path] = m
	}
	for _, m := range byPath {
		if m.First != m.Second {
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(a, b report.MovedFile) int { return strings.Compare(a.Path, b.Path) })
	return len(byPath), all
}

// movedResults compares the results of the second run with those of the first
// where a file moved. Of the recipe's rule only the form counts by which files
// are read, not what it accepts.
func (x *experiment) movedResults(ctx context.Context, rep *report.Run, first, second execution) ([]report.Finding, error) {
	var results []manifest.Result
	for _, res := range x.plan.Results(x.profile.Results) {
		at := slices.IndexFunc(rep.Repeat.Moved, func(m report.MovedFile) bool { return m.Path == res.Output })
		if at < 0 || rep.Repeat.Moved[at].First == "" {
			continue
		}
		rule := res.Compare
		results = append(results, manifest.Result{
			Name: res.Name, Output: res.Output, Claim: res.Claim, Published: strings.TrimPrefix(res.Output, "/"),
			Compare: manifest.Rule{Kind: rule.Kind, Keys: rule.Keys, Ignore: rule.Ignore, Masks: rule.Masks, Only: rule.Only, From: rule.From, To: rule.To},
		})
	}
	if len(results) == 0 {
		return []report.Finding{}, nil
	}
	o := first.options.Compare
	o.Progress, o.Picture = first.options.Progress, nil
	return compare.Results(ctx, os.DirFS(filepath.Join(first.dir, folder.Outputs)), os.DirFS(filepath.Join(second.dir, folder.Outputs)), results, o)
}
