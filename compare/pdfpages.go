package compare

import (
	"context"
	"errors"
	"fmt"
	"image"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"repro/internal/pattern"
	"repro/internal/pdf"
	"repro/report"
)

// How pages are drawn, and how long that may take.
const (
	coarseDPI = 50  // to find a page that differs
	printDPI  = 300 // what is printed shows no more
	shownDPI  = 150 // in a report

	maxDrawing = 4 * time.Minute // for both files
)

// drawnPages are two PDF files whose pages are drawn side by side.
type drawnPages struct {
	pub, new *pdf.File
	same     []bool // pages that show the same at coarseDPI
	hidden   bool   // there is more than a page shows
	unsure   bool   // there may be more than the marks of a page tell
	inked    int    // pages that show anything
}

// unshown names what a drawn page leaves out.
var unshown = pattern.New(`/(?:EmbeddedFiles?|OCProperties|AcroForm|JavaScript|JS|RichMedia|XFA|3D)\b`)

// hides reports whether a file holds what its drawn pages do not show.
func hides(all []fact) bool {
	return slices.ContainsFunc(all, func(f fact) bool { return unshown.MatchString(f.text) })
}

// pdfPages judges two PDF files by what their pages say and show (CMP-125b).
func (j *job) pdfPages(ctx context.Context, pub, new []byte, hidden, unsure bool) error {
	ctx, cancel := context.WithTimeout(ctx, maxDrawing)
	defer cancel()
	d := &drawnPages{hidden: hidden, unsure: unsure}
	defer d.close()
	if err := d.open(ctx, pub, new); err != nil {
		return err
	}
	said, decided, err := j.pdfSaid(ctx, d)
	if err != nil || decided {
		return err
	}
	if p, n := d.pub.Pages(), d.new.Pages(); p != n {
		j.finding.Verdict, j.finding.Reason = report.Differs, fmt.Sprintf("published %d pages, new %d", p, n)
		return nil
	}
	for i := range d.pub.Pages() { // those first of which a glance tells
		if alike, err := d.glance(ctx, i); err != nil {
			return undrawn(err)
		} else if !alike {
			if decided, err := j.pdfPage(ctx, d, i, said); decided || err != nil {
				return err
			}
		}
	}
	for i := range d.pub.Pages() {
		if d.same[i] {
			if decided, err := j.pdfPage(ctx, d, i, said); decided || err != nil {
				return err
			}
		}
	}
	j.pdfSettled(d, said)
	return nil
}

// pdfSettled is the verdict on files none of whose pages shows other ink.
func (j *job) pdfSettled(d *drawnPages, said string) {
	f := j.finding
	if f.Verdict == "" {
		f.Verdict, f.Reason = report.SameContent, fmt.Sprintf("the same text, and at %d dots an inch not one pixel of %d pages differs", printDPI, d.pub.Pages())
	}
	if said == "unknown" && f.Verdict == report.SameContent {
		f.Verdict, f.Reason = report.SameAsPrinted, fmt.Sprintf("at %d dots an inch not one pixel of %d pages differs; a font does not say which its signs are", printDPI, d.pub.Pages())
	}
	switch {
	case said == "words":
		f.Verdict, f.Reason = report.NeedsEyes, "the pages look the same, but hold other words"
	case d.hidden:
		f.Verdict, f.Reason = report.NeedsEyes, "the pages look the same, but their objects differ, and the files hold forms, layers, scripts, other files or words that are not drawn"
	case d.inked == 0:
		f.Verdict, f.Reason = report.NeedsEyes, "the objects of the two PDF files differ, and their pages are drawn blank"
	}
}

func (d *drawnPages) open(ctx context.Context, pub, new []byte) error {
	g := errgroup.Group{}
	for i, b := range [][]byte{pub, new} {
		g.Go(func() error {
			f, err := pdf.Open(ctx, b)
			if i == 0 {
				d.pub = f
			} else {
				d.new = f
			}
			return err
		})
	}
	return undrawn(g.Wait())
}

func (d *drawnPages) close() {
	for _, f := range []*pdf.File{d.pub, d.new} {
		if f != nil {
			f.Close()
		}
	}
}

// undrawn leaves what can't be drawn to a person.
func undrawn(err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return &undecided{fmt.Sprintf("the objects of the two PDF files differ, and their pages are not drawn within %s", maxDrawing)}
	case err != nil:
		return &undecided{"the objects of the two PDF files differ, and their pages can't be drawn: " + clip(err.Error())}
	}
	return nil
}

// pdfSaid compares the text of all pages, and reports whether that makes the
// files differ; else how the two texts do, by textDiffers, or that they are
// unknown.
func (j *job) pdfSaid(ctx context.Context, d *drawnPages) (said string, decided bool, err error) {
	var texts [2][]fact
	g := errgroup.Group{}
	for i, f := range []*pdf.File{d.pub, d.new} {
		g.Go(func() (err error) {
			texts[i], err = pdfLines(f)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return "", false, undrawn(err)
	}
	if said = textDiffers(texts[0], texts[1]); said != "words" {
		return said, false, nil
	}
	if known, err := d.known(); err != nil || !known {
		return "unknown", false, undrawn(err)
	}
	decided, err = j.pdfWords(ctx, texts[0], texts[1])
	return said, decided, err
}

// known reports whether the files say of every character which it is.
func (d *drawnPages) known() (bool, error) {
	for _, f := range []*pdf.File{d.pub, d.new} {
		for page := range f.Pages() {
			if known, err := f.Known(page); err != nil || !known {
				return false, err
			}
		}
	}
	return true, nil
}

// pdfLines is the text of all pages, line by line.
func pdfLines(f *pdf.File) (out []fact, err error) {
	for page := range f.Pages() {
		text, err := f.Text(page)
		if err != nil {
			return nil, err
		}
		n := 0
		for line := range strings.Lines(text) {
			if line = oneBlank(line); line == "" {
				continue
			}
			if n++; len(out) == maxFacts {
				return nil, fmt.Errorf("more than %d lines of text", maxFacts)
			}
			out = append(out, fact{where: fmt.Sprintf("page %d, line %d", page+1, n), text: line})
		}
	}
	return out, nil
}

// draw draws one page of both.
func (d *drawnPages) draw(page, dpi int) (pub, new *image.RGBA, err error) {
	g := errgroup.Group{}
	g.Go(func() (err error) { pub, err = d.pub.Draw(page, dpi); return err })
	g.Go(func() (err error) { new, err = d.new.Draw(page, dpi); return err })
	err = g.Wait()
	return pub, new, err
}

// glance reports whether a page looks the same from afar.
func (d *drawnPages) glance(ctx context.Context, page int) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	pub, new, err := d.draw(page, coarseDPI)
	if err != nil {
		return false, err
	}
	alike := pub.Rect == new.Rect && slices.Equal(pub.Pix, new.Pix)
	d.same = append(d.same, alike)
	return alike, nil
}

// pdfPage compares one page as it is printed. It reports whether that decides
// of the files.
func (j *job) pdfPage(ctx context.Context, d *drawnPages, page int, said string) (bool, error) {
	pub, new, err := d.draw(page, printDPI)
	if err != nil {
		return false, undrawn(err)
	}
	if !unmarked(pub) {
		d.inked++
	} else if text, err := d.pub.Text(page); err != nil || strings.TrimSpace(text) != "" {
		d.hidden = true // words that are not drawn
	}
	if pub.Rect == new.Rect && slices.Equal(pub.Pix, new.Pix) {
		return false, nil
	}
	f := j.finding
	if err := j.comparePictures(ctx, &picture{Image: pub}, &picture{Image: new}); err != nil {
		return false, err
	}
	if f.Worst != nil {
		f.Worst.Where = fmt.Sprintf("page %d, %s", page+1, f.Worst.Where)
	}
	f.Reason = fmt.Sprintf("page %d, drawn with %d dots an inch: %s", page+1, printDPI, f.Reason)
	j.byMarks(d, page, said)
	switch said {
	case "words":
		f.Verdict, f.Reason = report.NeedsEyes, f.Reason+"; the numbers in its text are as the rule asks"
	case "order":
		f.Verdict, f.Reason = report.NeedsEyes, f.Reason+"; the files hold the same words in another order"
	}
	return f.Verdict != report.SameAsPrinted, nil
}

// unmarked reports one colour all over.
func unmarked(m *image.RGBA) bool {
	return slices.Equal(m.Pix[4:], m.Pix[:len(m.Pix)-4])
}

// DrawPDF draws the page that a finding's place names, or the first, for a
// report.
func DrawPDF(ctx context.Context, b []byte, where string) (image.Image, error) {
	page := 1
	_, _ = fmt.Sscanf(where, "page %d", &page)
	f, err := pdf.Open(ctx, b)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Draw(max(0, min(page, f.Pages())-1), shownDPI)
}

// textDiffers tells two texts apart whatever their lines and blanks: "" if
// they say the same, "order" if only its order differs, else "words".
func textDiffers(pub, new []fact) string {
	join := func(all []fact) (string, []string) {
		var b strings.Builder
		var words []string
		for _, f := range all {
			words = append(words, strings.Fields(f.text)...)
		}
		for _, w := range words {
			b.WriteString(w)
		}
		slices.Sort(words)
		return b.String(), words
	}
	a, wordsA := join(pub)
	b, wordsB := join(new)
	switch {
	case a == b:
		return ""
	case slices.Equal(wordsA, wordsB):
		return "order"
	}
	return "words"
}
