package compare

import (
	"context"
	"io"
	"strings"
)

// maxMarkup bounds files that are taken apart in memory.
const (
	maxMarkup = 32 << 20 // bytes
	maxFacts  = 1 << 20
)

// fact is one thing that a file says, on one line, and the place where it
// says it.
type fact struct{ where, text string }

// facts collects what a file says, within bounds.
type facts struct {
	list []fact
	of   side
}

func (f *facts) add(where, text string) error {
	if len(f.list) == maxFacts {
		return tooLarge(f.of, "more than %d parts", maxFacts)
	}
	if len(text) > maxLine {
		return tooLarge(f.of, "%s has more than %d bytes", clip(where), maxLine)
	}
	f.list = append(f.list, fact{where, text})
	return nil
}

// factReader reads facts as lines of text.
type factReader struct {
	list []fact
	n    int
}

func (r *factReader) read(it *item) error {
	if r.n == len(r.list) {
		return io.EOF
	}
	f := r.list[r.n]
	r.n++
	it.n, it.where, it.text = int64(r.n), clip(f.where), append(it.text[:0], f.text...)
	return nil
}

// compareFacts reads both files and compares what they say, in order, as
// lines of text with numbers in place (CMP-120).
func (j *job) compareFacts(ctx context.Context, read func([]byte, side) ([]fact, error), same string) error {
	var lists [2][]fact
	for i, r := range []io.Reader{j.pub, j.new} {
		of := []side{published, produced}[i]
		b, err := all(r, of, maxMarkup)
		if err != nil {
			return err
		}
		if lists[i], err = read(b, of); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return j.compareLists(ctx, lists[0], lists[1], same)
}

func (j *job) compareLists(ctx context.Context, pub, new []fact, same string) error {
	if err := j.wholeLines(); err != nil {
		return err
	}
	j.sameContent = same
	c := &text{t: j.tally, m: matcher{t: j.tally}, watch: j.watch}
	if err := c.m.surveyLines(ctx, &factReader{list: pub}); err != nil {
		return err
	}
	return align(ctx, &queue{r: &factReader{list: pub}}, &queue{r: &factReader{list: new}}, c)
}

// oneBlank is text with each row of blanks and line ends made one blank.
func oneBlank(s string) string { return strings.Join(strings.Fields(s), " ") }
