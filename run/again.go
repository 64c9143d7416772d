package run

import (
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
)

// repeat runs all steps a second time, in directories of their own, and notes
// in what the two runs differ. SPEC.md, RUN-29.
func (r *runner) repeat(ctx context.Context, rep *report.Run) error {
	again, err := r.again(ctx)
	if err != nil {
		return fmt.Errorf("second run: %w", err)
	}
	defer again.outputs.close()
	again.runAll(ctx)
	second := again.report()
	for i := range second.Steps {
		if st := &second.Steps[i]; st.Log != "" {
			st.Log = path.Join(againDir, st.Log)
		}
	}
	rep.Repeat = &report.Repeat{Steps: second.Steps}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case again.damage != nil:
		return again.damage
	}
	if err := r.stillWhole(ctx); err != nil {
		r.damage = err
		return err
	}
	if err := again.compare(ctx, second); err != nil {
		return err
	}
	rep.Repeat.Reproduced = second.Counts.Reproduced
	rep.Repeat.Files, rep.Repeat.Moved = moved(rep.Outputs, second.Outputs)
	if rep.Repeat.Results, err = r.movedResults(ctx, rep, again); err != nil {
		return err
	}
	if err := again.failure(); err != nil {
		return fmt.Errorf("second run: %w", err)
	}
	return nil
}

// again is a runner for a second run beside the first.
func (r *runner) again(ctx context.Context) (*runner, error) {
	a := &runner{
		image: r.image, manifest: r.manifest, id: r.id, profile: r.profile, plan: r.plan, options: r.options,
		label: "second time: ", second: true, started: r.started, root: r.root, layers: r.layers, gpu: r.gpu, cpus: r.cpus, live: r.live,
		scratch: filepath.Join(r.scratch, againDir), stepKeys: r.stepKeys, states: make([]state, len(r.plan.steps)), damaged: r.damaged,
	}
	a.options.Dir = filepath.Join(r.options.Dir, againDir)
	a.options.Compare.Picture = nil // those of the first run are asked for
	for _, dir := range []string{a.options.Dir, filepath.Join(a.options.Dir, outputsDir), filepath.Join(a.options.Dir, logsDir)} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return nil, err
		}
	}
	err := os.Mkdir(a.scratch, 0o700)
	if err == nil && r.layers.shared { // the first run wrote to its copy
		a.layers, err = a.provideCopy(ctx, errors.New("as in the first run"))
	}
	if err != nil {
		return nil, err
	}
	a.outputs, err = newCollector(filepath.Join(a.options.Dir, outputsDir), r.options.OutputSize)
	return a, err
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
// where a file moved. What the recipe accepts does not count, only the form by
// which files are read.
func (r *runner) movedResults(ctx context.Context, rep *report.Run, again *runner) ([]report.Finding, error) {
	var results []manifest.Result
	for _, res := range r.plan.results(r.profile.results) {
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
	o := r.options.Compare
	o.Progress, o.Picture = r.options.Progress, nil
	return compare.Results(ctx, os.DirFS(filepath.Join(r.options.Dir, outputsDir)), os.DirFS(filepath.Join(again.options.Dir, outputsDir)), results, o)
}
