package compare

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"repro/compare/kinds"
	"slices"

	"repro/internal/pattern"
)

func init() { comparers[kinds.Text] = compareText }

// maxLine bounds a line of text or a row of a table.
const maxLine = 1 << 20

// lineReader reads lines. Line ends are LF or CR LF; blanks before them and a
// missing last one don't count, nor does a byte order mark.
type lineReader struct {
	r       *bufio.Reader
	n       int64
	of      side
	dense   bool // empty lines are passed over
	timings bool // the line below R's header of a timing is hidden
	below   bool // such a header was read last
}

func newLineReader(r io.Reader, of side) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 64<<10), of: of}
}

func (l *lineReader) read(it *item) error {
	for {
		if err := l.line(it); err != nil {
			return err
		}
		if l.timings {
			if l.below && len(it.text) > 0 {
				it.text = append(it.text[:0], mask...)
			}
			l.below = timingHeader.Regexp().Match(it.text)
		}
		if len(it.text) > 0 || !l.dense {
			return nil
		}
	}
}

// timingHeader stands above the numbers of a time that R's system.time prints
// (SPEC.md CMP-46a).
var timingHeader = pattern.New(`^ *user +system +elapsed$`)

// line reads the next line.
func (l *lineReader) line(it *item) error {
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
	it.text = inUnicode(it.text)
	if bytes.IndexByte(it.text, 0) >= 0 {
		return malformed(l.of, kinds.Text, "line %d holds a zero byte", l.n)
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
	if err := j.noNorm(); err != nil {
		return err
	}
	if err := j.freeSigns(ctx, &c.m); err != nil {
		return err
	}
	if err := j.survey(ctx, &c.m); err != nil {
		return err
	}
	pub, new := &queue{r: j.lines(j.pub, published)}, &queue{r: j.lines(j.new, produced)}
	j.sameContent = "the same lines: only line ends, outer blanks or ignored places differ"
	return align(ctx, pub, new, c)
}

// survey reads the published text once for the groups of its numbers.
func (j *job) survey(ctx context.Context, m *matcher) error {
	in, err := j.files[0].open(published)
	if err != nil {
		return err
	}
	defer in.Close()
	return m.surveyLines(ctx, j.lines(in, published))
}

// lines reads those lines of a text that the rule selects (CMP-47).
func (j *job) lines(r io.Reader, of side) reader {
	all := newLineReader(r, of)
	all.dense = j.rule.Blanks == blanksFree
	all.timings = slices.Contains(j.rule.Masks, maskTimings)
	if len(j.rule.only) == 0 && j.rule.section[0] == nil {
		return all
	}
	return &selection{lineReader: all, rule: j.rule, inside: j.rule.section[0] == nil}
}

// selection reads the lines of a text that lie in a section and match a
// pattern, as far as the rule asks for either.
type selection struct {
	*lineReader
	rule   *rule
	inside bool
	any    bool // a line was selected
}

func (s *selection) read(it *item) error {
	for {
		if err := s.lineReader.read(it); err != nil {
			if errors.Is(err, io.EOF) && !s.any && s.of == published {
				return &undecided{"the rule selects no line of the published file"}
			}
			return err
		}
		if s.selects(it.text) {
			s.any = true
			return nil
		}
	}
}

func (s *selection) selects(line []byte) bool {
	first, after := s.rule.section[0], s.rule.section[1]
	if s.inside && after != nil && after.Match(line) {
		s.inside = false
	}
	if !s.inside && first.Match(line) {
		s.inside = true
	}
	return s.inside && (len(s.rule.only) == 0 || slices.ContainsFunc(s.rule.only, func(re counted) bool { return re.Match(line) }))
}

// wholeLines refuses rules that speak of columns and arrays.
func (j *job) wholeLines() error {
	if j.rule.Signs != "" {
		return &undecided{"signs can be left free in text, tables and arrays only"}
	}
	return j.noNorm()
}

func (j *job) noNorm() error {
	if j.rule.norm != nil {
		return &undecided{"text has no columns or arrays to take a norm of: compare it as a table"}
	}
	return nil
}

func (c *text) judge(pub, new *item) *pair {
	c.found = pair{shape: true, changes: c.found.changes[:0]}
	c.m.n, c.m.place = pub.n, placeName(pub.where)
	c.m.line(pub.text, new.text, &c.found)
	return &c.found
}

func (c *text) both(pub, new *item, p *pair) {
	c.t.add(p, func(ch *change) string {
		where := place(new)
		if new.where != "" && c.t.spread != nil { // places of facts may be alike
			where += fmt.Sprintf(", part %d", new.n)
		}
		return fmt.Sprintf("%s, number %d", where, ch.item+1)
	})
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
