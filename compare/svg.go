package compare

import (
	"context"
	"io"

	"repro/internal/drawing"
	"repro/internal/svg"
	"repro/report"
)

const kindSVG = "svg"

func init() { comparers[kindSVG] = compareSVG }

// compareSVG compares two drawings element by element (CMP-122). Where these
// differ, and the rule does not say how numbers are to be judged, they are
// compared by what they show (CMP-122a): another version of a program may write
// it in other words.
func compareSVG(ctx context.Context, j *job) error {
	var files [2][]byte
	var lists [2][]fact
	for i, r := range []io.Reader{j.pub, j.new} {
		of := []side{published, produced}[i]
		b, err := all(r, of, maxMarkup)
		if err != nil {
			return err
		}
		if lists[i], err = readSVG(b, of); err != nil {
			return err
		}
		if files[i] = b; ctx.Err() != nil {
			return ctx.Err()
		}
	}
	const same = "the same drawing; only ids, metadata, comments or the order of attributes differ"
	if j.rule.judgesNumbers() {
		return j.compareLists(ctx, lists[0], lists[1], same)
	}
	trial := j.trial(same)
	if err := trial.compareLists(ctx, lists[0], lists[1], same); err != nil {
		return err
	}
	var f report.Finding
	if trial.conclude(&f); f.Verdict == report.SameContent {
		return j.compareLists(ctx, lists[0], lists[1], same)
	}
	shown, _, err := j.drawn(svg.Read, files)
	if err != nil { // what it shows is not read: its elements are all there is
		return j.compareLists(ctx, lists[0], lists[1], same)
	}
	shown.settle(j.finding, j.watch)
	return nil
}

// judgesNumbers reports whether the rule says which numbers of a drawing are the
// same, or what of it is not looked at.
func (r *rule) judgesNumbers() bool {
	return r.limits.tolerant() || r.limits.tolerance.Numbers != "" || len(r.Ignore) > 0 || len(r.Masks) > 0 || r.Random || r.Spread != ""
}

// drawn reads and compares two drawings, or says which can't be read.
func (j *job) drawn(read func([]byte) (*drawing.Drawing, error), files [2][]byte) (*drawings, side, error) {
	var both [2]*drawing.Drawing
	for i := range files {
		var err error
		if both[i], err = read(files[i]); err != nil {
			return nil, []side{published, produced}[i], err
		}
	}
	return compareDrawings(both[0], both[1]), "", nil
}
