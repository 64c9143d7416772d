// Package compare decides whether a result came out again: it compares a
// published file to a new one and places it on the ladder of verdicts of
// package report, never higher than can be shown.
//
// Numbers are compared as they are printed, in exact decimal arithmetic. A
// new number is the same as printed if rounding it to the digits that were
// published gives the published number; nothing beyond that passes unless the
// rule states a tolerance. Whatever can't be decided soundly ends in
// [report.NeedsEyes].
//
// SPEC.md, part CMP, states every rule. Memory is bounded for any pair of
// files: text and tables are streamed, other kinds are limited in size.
package compare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"repro/compare/kinds"
	"repro/format/manifest"
	"repro/internal/progress"
	"repro/report"
)

// Options of a comparison. The zero value is ready.
type Options struct {
	// Picture takes, for a picture whose pixels differ, another that shows
	// where: PNG, of the size of the published one. It is not called from two
	// goroutines at once.
	Picture  func(result string, png []byte)
	Spread   *report.Spread // judges instead of the documents that rules name, and where they name none
	Progress progress.Func
}

// Files compares a new file to the published one by rule. The finding's
// Result, Claim and Output are left to the caller.
//
// A missing, malformed, oversized or special file is a finding. An error is a
// [*RuleError], a published file that is not there, or a failure to read: then
// there is no finding.
func Files(ctx context.Context, pub, new File, r manifest.Rule) (report.Finding, error) {
	return files(ctx, pub, new, r, sinks{})
}

// FilesWith is [Files] that also hands out the picture of Options.Picture.
func FilesWith(ctx context.Context, pub, new File, r manifest.Rule, picture func(png []byte)) (report.Finding, error) {
	return files(ctx, pub, new, r, sinks{picture: picture})
}

// Results compares every result's Output, below the root of produced, to what
// was published. There is a finding for each, in order, also where the error
// is not nil: it joins what could not be read or asked, each of which needs
// eyes.
func Results(ctx context.Context, pub, new fs.FS, results []manifest.Result, o Options) ([]report.Finding, error) {
	var problems []error
	out := make([]report.Finding, 0, len(results))
	for i, r := range results {
		o.Progress.Report(progress.Event{Task: "compare", Done: int64(i), Total: int64(len(results))})
		f, err := one(ctx, pub, new, r, o)
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		if err != nil {
			err = fmt.Errorf("result %q: %w", r.Name, err)
			problems = append(problems, err)
			f.Verdict, f.Reason = report.NeedsEyes, clip(err.Error())
		}
		f.Result, f.Claim, f.Output = r.Name, r.Claim, r.Output
		if f.Set == "" {
			f.Published = r.Published
		}
		out = append(out, f)
	}
	o.Progress.Report(progress.Event{Task: "compare", Done: int64(len(results)), Total: int64(len(results))})
	return out, errors.Join(problems...)
}

func one(ctx context.Context, pub, new fs.FS, r manifest.Result, o Options) (report.Finding, error) {
	f, err := judged(ctx, pub, new, r, o)
	if err == nil && (f.Verdict == report.Differs || f.Verdict == report.NeedsEyes) {
		f.Reason += unspread(pub, r, o)
	}
	return f, err
}

// judged compares a result to its published sets, and to what is recorded of
// them where it is random.
func judged(ctx context.Context, pub, new fs.FS, r manifest.Result, o Options) (report.Finding, error) {
	if len(r.Sets) > 0 {
		f, err := oneSet(ctx, pub, new, r, o)
		if err != nil || !r.Compare.Random || f.Verdict.Reproduced() || f.Verdict == report.Missing {
			return f, err
		}
	}
	sp, err := spreadOf(ctx, pub, r, o)
	if err != nil {
		f, err := settle(report.Finding{Kind: r.Compare.Kind, Rule: r.Compare}, err)
		return f, err
	}
	to := sinks{spread: sp}
	if o.Picture != nil {
		to.picture = func(png []byte) { o.Picture(r.Name, png) }
	}
	output := File{FS: new, Name: strings.TrimPrefix(path.Clean(r.Output), "/")}
	return files(ctx, File{FS: pub, Name: r.Published}, output, r.Compare, to)
}

// job is one comparison under way.
type job struct {
	rule        *rule
	name        string  // of the published file, for its extension
	files       [2]File // published and new, to be read once more
	depth       int     // archives around the files
	pub, new    io.Reader
	tally       *tally
	watch       watcher
	sameContent string // the reason, if only that differs which carries nothing
	picture     func([]byte)
	similar     bool            // the similarity of pictures is asked for
	finding     *report.Finding // of a comparer that decides by itself
}

// sinks take what is found beside the finding. Each may be nil.
type sinks struct {
	picture func([]byte)
	show    *Show
	similar bool    // the similarity of pictures is asked for
	spread  *spread // what is recorded of the result; not a sink while it judges
	depth   int     // archives around the files
}

func files(ctx context.Context, pub, new File, r manifest.Rule, to sinks) (report.Finding, error) {
	f := report.Finding{Published: pub.Name, Output: new.Name, Kind: r.Kind, Rule: r}
	ready, err := prepare(r)
	if err != nil {
		return f, err
	}
	switch err := regular(pub); {
	case errors.Is(err, errIrregular):
		f.Verdict, f.Reason = report.NeedsEyes, "the published file is not a plain file: links and special files are not followed"
		return f, nil
	case err != nil:
		return f, fmt.Errorf("published file %q: %w", pub.Name, err)
	}
	if err := regular(new); err != nil {
		return unusable(f, new, err)
	}
	inPub, inNew, err := look(&f, pub, new)
	if err != nil {
		return f, err
	}
	same, err := identical(ctx, pub, new)
	switch {
	case err != nil:
		return f, err
	case same && to.show == nil && f.Kind != kindNotebook:
		return asIdentical(f), nil
	}
	decided, err := decide(ctx, f, inPub, inNew, ready, to)
	notRun := err == nil && decided.Cells != nil && decided.Verdict == report.NeedsEyes // the same nothing is no result
	if same && !notRun {                                                                // shown side by side, if it is of its kind
		return asIdentical(f), nil
	}
	return decided, err
}

// look chooses the kind, where it was not asked for, and whether the files are
// compared by what they hold.
func look(f *report.Finding, pub, new File) (File, File, error) {
	packed, err := pub.packed()
	if err != nil {
		return pub, new, err
	}
	if packed && f.Kind != kinds.Exact {
		pub, new = pub.inside(), new.inside()
	}
	if f.Kind != "" {
		return pub, new, nil
	}
	f.Kind, err = sniff(pub, f.Rule)
	if _, damaged := asContent(err); damaged {
		f.Kind, err, pub.unpack, new.unpack = kinds.Exact, nil, false, false
	}
	return pub, new, err
}

func asIdentical(f report.Finding) report.Finding {
	f.Verdict, f.Reason = report.Identical, "the same bytes"
	return f
}

// decide compares by f.Kind, or by the next kind that the files are of.
func decide(ctx context.Context, f report.Finding, pub, new File, r *rule, to sinks) (report.Finding, error) {
	if pub.unpack {
		switch same, err := identical(ctx, pub, new); {
		case same:
			if to.show != nil {
				shown := f
				_ = run(ctx, &shown, pub, new, r, to) // what is not of its kind is not shown
			}
			f.Verdict, f.Reason = report.SameContent, "the same bytes once unpacked"
			return f, nil
		case err != nil && fallback(f.Kind, r.Rule, err) == "":
			return settle(f, err)
		}
	}
	for {
		err := run(ctx, &f, pub, new, r, to)
		next := fallback(f.Kind, r.Rule, err)
		if next == "" {
			if err == nil && f.Verdict == report.Differs && to.spread == nil {
				f.Reason += pub.hint(ctx, new, f.Kind, f.Diff, r.Rule)
			}
			return settle(f, err)
		}
		if c, _ := asContent(err); c.kind == packedKind {
			pub.unpack, new.unpack = false, false
		}
		f = report.Finding{Published: pub.Name, Output: new.Name, Kind: next, Rule: r.Rule}
	}
}

// run compares by f.Kind.
func run(ctx context.Context, f *report.Finding, pub, new File, r *rule, to sinks) error {
	p, n, err := open(pub, new)
	if err != nil {
		return err
	}
	defer p.Close()
	defer n.Close()
	d := &differ{}
	if r.score != nil && to.depth == 0 && !scored(f.Kind) && f.Kind != kinds.Exact && f.Kind != kinds.Unread {
		return &RuleError{"score", r.Score, "the file is compared as " + f.Kind + ", which has no similarity"}
	}
	j := &job{rule: r, name: pub.kindName(), pub: p, new: n, watch: d, picture: to.picture, similar: to.similar, finding: f,
		files: [2]File{pub, new}, depth: to.depth}
	j.tally = newTally(r)
	j.tally.spread = to.spread
	if to.show != nil {
		*to.show = Show{Kind: f.Kind}
		j.watch = &shower{differ: d, show: to.show, hide: (&matcher{t: j.tally}).visible}
	}
	err = comparers[f.Kind](ctx, j)
	if spent := r.work.undecided(); spent != nil {
		return spent
	}
	if err != nil {
		return err
	}
	if f.Verdict == "" {
		j.conclude(f)
	}
	if to.show != nil {
		to.show.finish()
	}
	if f.Verdict != report.SameAsPrinted { // what hung on a group may have been listed
		f.Diff = d.String()
	}
	return nil
}

// fallback names the kind to try next where a file whose kind was not asked
// for turns out not to be of it.
func fallback(kind string, r manifest.Rule, err error) string {
	c, ok := asContent(err)
	if !ok || r.Kind != "" || c.limit || c.of != published {
		return ""
	}
	if c.kind == packedKind {
		return kinds.Exact
	}
	return kinds.Of(kind).Next
}

// settle turns what is wrong with the files themselves into a verdict.
func settle(f report.Finding, err error) (report.Finding, error) {
	var unsure *undecided
	switch c, ok := asContent(err); {
	case errors.As(err, &unsure):
		f.Verdict, f.Reason = report.NeedsEyes, unsure.why
	case ok && (c.limit || c.of == published):
		f.Verdict, f.Reason = report.NeedsEyes, c.Error()
	case ok:
		f.Verdict, f.Reason = report.Differs, c.Error()
	default:
		return f, err
	}
	return f, nil
}
