package compare

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// maxLine bounds a line of text or a row of a table.
const maxLine = 1 << 20

// lineReader reads lines. Line ends are LF or CR LF; blanks before them and a
// missing last one don't count, nor does a byte order mark.
type lineReader struct {
	r  *bufio.Reader
	n  int64
	of side
}

func newLineReader(r io.Reader, of side) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 64<<10), of: of}
}

func (l *lineReader) read(it *item) error {
	it.text = it.text[:0]
	for {
		chunk, err := l.r.ReadSlice('\n')
		it.text = append(it.text, chunk...)
		if len(it.text) > maxLine {
			return tooLarge(l.of, "line %d has more than %d bytes", l.n+1, maxLine)
		}
		if err == nil || err == io.EOF && len(it.text) > 0 {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
	l.n++
	it.n = l.n
	if l.n == 1 {
		it.text = bytes.TrimPrefix(it.text, []byte("\ufeff"))
	}
	it.text = bytes.TrimRight(bytes.TrimSuffix(bytes.TrimSuffix(it.text, []byte("\n")), []byte("\r")), " \t")
	if bytes.IndexByte(it.text, 0) >= 0 {
		return malformed(l.of, KindText, "line %d holds a zero byte", l.n)
	}
	return nil
}

// text compares lines (SPEC.md CMP-40 to CMP-45).
type text struct {
	t     *tally
	m     matcher
	found pair
	watch watcher
}

func compareText(ctx context.Context, j *job) error {
	c := &text{t: j.tally, m: matcher{t: j.tally}, watch: j.watch}
	if err := j.wholeLines(); err != nil {
		return err
	}
	pub, new := &queue{r: newLineReader(j.pub, published)}, &queue{r: newLineReader(j.new, produced)}
	j.sameContent = "the same lines: only line ends, outer blanks or ignored places differ"
	return align(ctx, pub, new, c)
}

// wholeLines refuses rules that speak of columns and arrays.
func (j *job) wholeLines() error {
	switch {
	case j.rule.norm != nil:
		return &undecided{"text has no columns or arrays to take a norm of: compare it as a table"}
	case j.rule.Signs != "":
		return &undecided{"signs can be left free in tables and arrays only"}
	}
	return nil
}

func (c *text) judge(pub, new *item) *pair {
	c.found = pair{shape: true, changes: c.found.changes[:0]}
	c.m.line(pub.text, new.text, &c.found)
	return &c.found
}

func (c *text) both(pub, new *item, p *pair) {
	c.t.add(p, func(ch *change) string { return fmt.Sprintf("%s, number %d", place(new), ch.item+1) })
	c.watch.both(pub, new, p)
}

// place names a line, or a fact.
func place(it *item) string {
	if it.where != "" {
		return it.where
	}
	return fmt.Sprintf("line %d", it.n)
}

func (c *text) replaced(pub, new *item) {
	at := place(new)
	c.t.brokenAt(at, string(pub.text), string(new.text), "%s differs: published %s, new %s", at, quote(pub.text), quote(new.text))
	c.watch.replaced(pub, new)
}

func (c *text) dropped(pub *item) {
	at := place(pub)
	c.t.brokenAt(at, string(pub.text), "", "%s of the published file is not in the new one: %s", at, quote(pub.text))
	c.watch.dropped(pub)
}

func (c *text) added(new *item) {
	at := place(new)
	c.t.brokenAt(at, "", string(new.text), "%s of the new file is not in the published one: %s", at, quote(new.text))
	c.watch.added(new)
}
