package compare

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"repro/format/manifest"
	"repro/report"
)

// verdictsByNearness is how near to a published set a verdict says that a new
// file is.
var verdictsByNearness = []report.Verdict{report.Identical, report.SameContent, report.SameAsPrinted, report.WithinSpread,
	report.WithinTolerance, report.NeedsEyes, report.Differs, report.Missing}

// oneSet compares a new file to each published set as a whole, and returns the
// finding about the one that it is nearest to (SPEC.md CMP-36a).
func oneSet(ctx context.Context, pub, new fs.FS, r manifest.Result, o Options) (report.Finding, error) {
	r.Compare.Random = false
	all := append([]string{r.Published}, r.Sets...)
	var nearest report.Finding
	at := -1
	for i, name := range all {
		f, err := setFinding(ctx, pub, new, r, name, sinks{}, o)
		if err != nil {
			return f, err
		}
		if at < 0 || nearer(f, nearest) {
			nearest, at = f, i
		}
	}
	if o.Picture != nil && !nearest.Verdict.Reproduced() {
		picture := func(png []byte) { o.Picture(r.Name, png) }
		if _, err := setFinding(ctx, pub, new, r, all[at], sinks{picture: picture}, o); err != nil {
			return nearest, err
		}
	}
	nearest.Set, nearest.Published = setName(r, at), all[at]
	switch {
	case nearest.Verdict == report.Missing:
		nearest.Set = ""
	case nearest.Verdict.Reproduced():
		nearest.Reason += "; it is that of " + clip(nearest.Set)
	default:
		nearest.Reason = fmt.Sprintf("it is that of none of %d published sets as a whole; nearest to %s: %s", len(all), clip(nearest.Set), nearest.Reason)
	}
	return nearest, nil
}

func setFinding(ctx context.Context, pub, new fs.FS, r manifest.Result, name string, to sinks, o Options) (report.Finding, error) {
	r.Sets, r.Published = nil, name
	sp, err := spreadOf(ctx, pub, r, o)
	if err != nil {
		return settle(report.Finding{Kind: r.Compare.Kind, Rule: r.Compare}, err)
	}
	to.spread = sp
	output := File{FS: new, Name: strings.TrimPrefix(path.Clean(r.Output), "/")}
	return files(ctx, File{FS: pub, Name: name}, output, r.Compare, to)
}

// nearer reports whether a is nearer to its set than b.
func nearer(a, b report.Finding) bool {
	x, y := slices.Index(verdictsByNearness, a.Verdict), slices.Index(verdictsByNearness, b.Verdict)
	return x < y || x == y && a.Differing < b.Differing
}

// setName is the name of the published file (0) or of a further set.
func setName(r manifest.Result, i int) string {
	if i < len(r.SetNames) {
		return r.SetNames[i]
	}
	return append([]string{r.Published}, r.Sets...)[i]
}
