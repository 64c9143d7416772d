package compare

import (
	"bytes"
	"compress/zlib"
	"context"
	"fmt"
	"io"
	"strings"

	"repro/compare/kinds"
	"repro/internal/pattern"
	"repro/report"
)

const kindPDF = "pdf"

func init() { comparers[kindPDF] = comparePDF }

// maxStreams bounds what the streams of one PDF hold once unpacked, in bytes.
const maxStreams = 64 << 20

// comparePDF compares the objects of two PDF files in the order in which they
// stand, streams unpacked, without dates, ids and the names of the programs
// that wrote them (CMP-125). Where these differ in more than numbers, the pages
// are read and drawn (CMP-125b): other objects may look the same.
func comparePDF(ctx context.Context, j *job) error {
	var bytes [2][]byte
	var lists [2][]fact
	for i, r := range []io.Reader{j.pub, j.new} {
		of := []side{published, produced}[i]
		b, err := all(r, of, maxMarkup)
		if err != nil {
			return err
		}
		read, err := readPDF(b, of)
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		bytes[i], lists[i] = b, read.list
	}
	trial := j.trial("")
	if err := trial.compareLists(ctx, lists[0], lists[1], ""); err != nil {
		return err
	}
	var f report.Finding
	if trial.conclude(&f); f.Verdict.Reproduced() || trial.tally.broken == 0 && j.rule.judgesNumbers() {
		return j.compareLists(ctx, lists[0], lists[1], "the same objects; only dates, ids, the writing program or packing differ")
	}
	err := j.pdfPages(ctx, bytes[0], bytes[1], hides(lists[0]) || hides(lists[1]), unsure(lists[0]) || unsure(lists[1]))
	if undrawn := j.finding.Verdict == report.NeedsEyes && j.finding.Worst == nil; err == nil && undrawn && trial.tally.broken == 0 {
		j.finding.Verdict, j.finding.Reason = "", ""
		return j.compareLists(ctx, lists[0], lists[1], "")
	}
	return err
}

// trial is the job once more, to see what comes of a comparison.
func (j *job) trial(sameContent string) *job {
	t := &job{rule: j.rule, tally: newTally(j.rule), watch: &differ{}, sameContent: sameContent}
	t.tally.spread = j.tally.spread
	return t
}

// pdfWords compares the text of the pages, if that makes the files differ.
func (j *job) pdfWords(ctx context.Context, pub, new []fact) (bool, error) {
	trial := j.trial("the same text")
	if err := trial.compareLists(ctx, pub, new, trial.sameContent); err != nil {
		return false, err
	}
	var f report.Finding
	if trial.conclude(&f); f.Verdict != report.Differs {
		return false, nil
	}
	return true, j.compareLists(ctx, pub, new, trial.sameContent)
}

var (
	pdfObject = pattern.New(`(?:^|[\r\n])[ \t]*(\d{1,10}) (\d{1,5}) obj\b`)
	pdfStream = pattern.New(`\bstream(?:\r\n|\n)`)
	pdfNoise  = pattern.New(`/(?:CreationDate|ModDate|Producer|Creator|PTEX\.[A-Za-z.]+)\s*\((?:\\.|[^\\()])*\)`)
	pdfIDs    = pattern.New(`/ID\s*\[[^\]]*\]`)
	pdfLength = pattern.New(`/Length\s+(\d{1,10})(\s+\d+\s+R)?`)
	pdfFilter = pattern.New(`/Filter\s*(?:\[\s*)?/FlateDecode(?:\s*\])?`)
)

// pdfReader takes a file apart into objects.
type pdfReader struct {
	facts
	left int64
}

func readPDF(b []byte, of side) (*pdfReader, error) {
	if !bytes.HasPrefix(b, []byte("%PDF-")) {
		return nil, malformed(of, kindPDF, "it does not begin as one")
	}
	if bytes.Contains(b, []byte("/Encrypt")) {
		return nil, &undecided{"the " + string(of) + " PDF is encrypted"}
	}
	p := &pdfReader{facts: facts{of: of}, left: maxStreams}
	for at := 0; ; {
		m := pdfObject.Regexp().FindSubmatchIndex(b[at:])
		if m == nil {
			break
		}
		name := "object " + string(b[at+m[2]:at+m[3]])
		size, err := p.object(name, b[at+m[1]:])
		if err != nil {
			return nil, err
		}
		at += m[1] + size
	}
	if len(p.list) == 0 {
		return nil, malformed(of, kindPDF, "it holds no objects")
	}
	return p, p.trailer(b)
}

// trailer adds what the file's last dictionary says.
func (p *pdfReader) trailer(b []byte) error {
	at := bytes.LastIndex(b, []byte("trailer"))
	if at < 0 {
		return nil
	}
	text, _, _ := strings.Cut(string(b[at:]), "startxref")
	return p.add("trailer", pdfText(text))
}

func pdfText(s string) string {
	return oneBlank(pdfIDs.ReplaceAllString(pdfNoise.ReplaceAllString(s, ""), ""))
}

// object adds one object and returns where to go on.
func (p *pdfReader) object(name string, b []byte) (int, error) {
	end := bytes.Index(b, []byte("endobj"))
	if end < 0 {
		return 0, malformed(p.of, kindPDF, "%s does not end", name)
	}
	s := pdfStream.Regexp().FindIndex(b)
	if s == nil || s[0] > end {
		return end + len("endobj"), p.add(name, pdfText(string(b[:end])))
	}
	head := string(b[:s[0]])
	size, err := p.streamSize(name, head, b[s[1]:])
	if err != nil {
		return 0, err
	}
	content := b[s[1] : s[1]+size]
	plainHead := pdfFilter.ReplaceAllString(pdfLength.ReplaceAllString(head, ""), "")
	if strings.Contains(head, "/Type /XRef") || strings.Contains(head, "/Type/XRef") {
		return s[1] + size, nil // where the objects stand
	}
	if pdfFilter.MatchString(head) && !strings.Contains(head, "/DecodeParms") {
		if content, err = p.unpack(name, content); err != nil {
			return 0, err
		}
	}
	if err := p.add(name, pdfText(plainHead)); err != nil {
		return 0, err
	}
	return s[1] + size, p.content(name, head, content)
}

// streamSize is the length that the head names, or up to the end mark where it
// names another object.
func (p *pdfReader) streamSize(name, head string, b []byte) (int, error) {
	if m := pdfLength.FindStringSubmatch(head); m != nil && m[2] == "" {
		var n int
		if _, err := fmt.Sscan(m[1], &n); err == nil && n <= len(b) && bytes.HasPrefix(bytes.TrimLeft(b[n:], "\r\n"), []byte("endstream")) {
			return n, nil
		}
	}
	n := bytes.Index(b, []byte("endstream"))
	if n < 0 {
		return 0, malformed(p.of, kindPDF, "the stream of %s does not end", name)
	}
	return n, nil
}

func (p *pdfReader) unpack(name string, b []byte) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, malformed(p.of, kindPDF, "the stream of %s: %s", name, reason(err))
	}
	out, err := io.ReadAll(io.LimitReader(r, p.left+1))
	if err != nil {
		return nil, malformed(p.of, kindPDF, "the stream of %s: %s", name, reason(err))
	}
	if p.left -= int64(len(out)); p.left < 0 {
		return nil, tooLarge(p.of, "its streams hold more than %d bytes", maxStreams)
	}
	return out, nil
}

// content adds a stream: text line by line, anything else by its digest.
// Metadata in XML carries nothing.
func (p *pdfReader) content(name, head string, b []byte) error {
	if strings.Contains(head, "/Metadata") {
		return nil
	}
	if kinds.HasControl(b) || bytes.IndexByte(b, 0) >= 0 || strings.Contains(head, "/Subtype /Image") || strings.Contains(head, "/Subtype/Image") {
		return p.add(name+", stream", sumOf(b))
	}
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		if err := p.add(fmt.Sprintf("%s, line %d of its stream", name, n), pdfText(line)); err != nil {
			return err
		}
	}
	return nil
}
