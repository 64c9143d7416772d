package compare

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"repro/format/manifest"
	"repro/internal/progress"
	"repro/report"
)

// maxTree bounds the files of one folder.
const maxTree = 1 << 20

// ErrEmpty is what [Trees] returns where there is nothing to compare to: a
// mistaken name must not look like success.
var ErrEmpty = errors.New("published folder: it holds no files")

// Trees compares every file below the root of pub to the one of the same
// name in new, by the one rule r. A file that only new has differs. The
// findings are in byte order of names, and there is one for each name also
// where the error is not nil, as with [Results].
func Trees(ctx context.Context, pub, new fs.FS, r manifest.Rule, o Options) ([]report.Finding, error) {
	if err := Check(r); err != nil {
		return nil, err
	}
	old, err := names(ctx, pub)
	if err != nil {
		return nil, fmt.Errorf("published folder: %w", err)
	}
	fresh, err := names(ctx, new)
	if err != nil {
		return nil, fmt.Errorf("new folder: %w", err)
	}
	if len(old) == 0 {
		return nil, ErrEmpty
	}
	var out []report.Finding
	var problems []error
	all := maps.Clone(old)
	maps.Copy(all, fresh)
	for i, name := range slices.Sorted(maps.Keys(all)) {
		o.Progress.Report(progress.Event{Task: "compare", Done: int64(i), Total: int64(len(all))})
		if !old[name] {
			out = append(out, report.Finding{Result: name, Output: name, Verdict: report.Differs, Reason: "only the new folder has this file"})
			continue
		}
		f, err := one(ctx, pub, new, manifest.Result{Name: name, Output: name, Published: name, Compare: r}, o)
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		if err != nil {
			problems = append(problems, err)
			f.Verdict, f.Reason = report.NeedsEyes, clip(err.Error())
		}
		f.Result, f.Published, f.Output = name, name, name
		out = append(out, f)
	}
	return out, errors.Join(problems...)
}

// names lists the files, links and special files of a tree.
func names(ctx context.Context, fsys fs.FS) (map[string]bool, error) {
	out := map[string]bool{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case len(out) == maxTree:
			return fmt.Errorf("more than %d files", maxTree)
		case !d.IsDir():
			out[name] = true
		}
		return nil
	})
	return out, err
}
