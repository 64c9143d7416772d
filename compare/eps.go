package compare

import (
	"context"
	"io"

	"repro/internal/postscript"
)

const kindEPS = "eps"

func init() { comparers[kindEPS] = compareEPS }

// compareEPS runs two PostScript figures and compares what they draw (CMP-122c).
// What can't be run only equals itself.
func compareEPS(ctx context.Context, j *job) error {
	var files [2][]byte
	for i, r := range []io.Reader{j.pub, j.new} {
		b, err := all(r, []side{published, produced}[i], maxMarkup)
		if err != nil {
			return err
		}
		if files[i] = b; ctx.Err() != nil {
			return ctx.Err()
		}
	}
	shown, of, err := j.drawn(postscript.Read, files)
	if err != nil {
		return outside(err, of, kindEPS)
	}
	shown.settle(j.finding, j.watch)
	return nil
}
