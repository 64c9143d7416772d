package compare

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"repro/internal/drawing"
	"repro/internal/pattern"
	"repro/internal/pdf"
	"repro/report"
)

// unseen names what the list of a page's marks does not tell: patterns,
// shadings, masks, modes of blending, packed objects that were not unpacked.
var unseen = pattern.New(`/(?:PatternType|ShadingType|SMask\s*(?:/None)?|BM\s*/\w+|Mask|JBIG2Decode|ObjStm)\b`)

// unsure reports whether a file may draw what its list of marks does not tell.
func unsure(all []fact) bool {
	return slices.ContainsFunc(all, func(f fact) bool {
		for _, found := range unseen.Regexp().FindAllString(f.text, -1) {
			if !strings.HasSuffix(found, "/None") && !strings.HasSuffix(found, "/Normal") {
				return true
			}
		}
		return false
	})
}

// marks compares what a page draws, as numbers and text; nil where that can't
// be read.
func (d *drawnPages) marks(page int) *drawings {
	var both [2]*drawing.Drawing
	g := errgroup.Group{}
	for i, f := range []*pdf.File{d.pub, d.new} {
		g.Go(func() (err error) { both[i], err = f.Marks(page); return err })
	}
	if g.Wait() != nil {
		return nil
	}
	return compareDrawings(both[0], both[1])
}

// byMarks is the verdict on a page whose pixels differ and were judged: a
// difference in the data decides, and where the data are the same and tell all,
// pixels may be off by a little (CMP-125c).
func (j *job) byMarks(d *drawnPages, page int, said string) {
	found := d.marks(page)
	if found == nil {
		return
	}
	f := j.finding
	var by report.Finding
	w := &differ{}
	found.settle(&by, w)
	at := fmt.Sprintf("page %d, ", page+1)
	if by.Worst != nil {
		by.Worst.Where = at + by.Worst.Where
	}
	switch {
	case by.Verdict == report.Differs && found.certain():
		f.Verdict, f.Reason, f.Worst = by.Verdict, at+by.Reason, by.Worst
	case by.Verdict == report.Differs && f.Verdict == report.SameAsPrinted:
		f.Verdict, f.Reason, f.Worst = report.NeedsEyes, at+by.Reason+"; but the page looks the same", by.Worst
	case !by.Verdict.Reproduced() && f.Verdict == report.SameAsPrinted && !(d.unsure && len(found.unread) > 0):
		f.Verdict, f.Reason, f.Worst = report.NeedsEyes, at+by.Reason, by.Worst
	case by.Verdict.Reproduced() && said == "" && !d.unsure && f.Verdict == report.NeedsEyes:
		f.Verdict, f.Reason, f.Worst = report.SameAsPrinted, at+by.Reason, nil
	case by.Verdict.Reproduced() && said == "" && !d.unsure && f.Verdict == report.Differs:
		f.Verdict, f.Reason = report.NeedsEyes, f.Reason+"; but all paths and texts stand where they stood"
	default:
		return
	}
	for _, list := range [][]markDifference{found.differ, found.unread, found.moved} {
		for i := range list {
			m := &list[i]
			j.watch.value(at+m.where(), sayMark(m.pub), sayMark(m.new), Off)
		}
	}
}

// certain reports a difference beyond what may come of how a program lays a page
// out, or writes a text: in several pieces, or its letters as paths. What a page
// says was compared before, as far as its fonts tell.
func (d *drawings) certain() bool {
	if d.laidOut() {
		return false
	}
	lone, texts := false, false
	for _, m := range d.differ {
		lone = lone || m.pub == nil || m.new == nil
		texts = texts || m.pub != nil && m.pub.Kind == drawing.Text || m.new != nil && m.new.Kind == drawing.Text
	}
	return slices.ContainsFunc(d.differ, func(m markDifference) bool {
		switch {
		case m.pub == nil:
			return m.new.Kind == drawing.Line && !texts
		case m.new == nil:
			return m.pub.Kind == drawing.Line && !texts
		}
		return !m.slight && (m.pub.Kind == drawing.Line || m.pub.Kind == drawing.Text && !lone)
	})
}
