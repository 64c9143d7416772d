package compare

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"slices"
	"sync"

	"repro/internal/raster"
	"repro/report"
)

// Limits on pictures, which are compared in memory.
const (
	maxPicture = 64 << 20 // bytes of a file
	maxPixels  = 16 << 20 // half of that with 16 bits a channel
)

// picture is a decoded picture.
type picture struct {
	image.Image
	colours colours
}

// comparePicturesOf reads two pictures of one form and compares them.
func (j *job) comparePicturesOf(ctx context.Context, form *pictureForm) error {
	var read [2]*picture
	var failed [2]error
	var both sync.WaitGroup
	for i, r := range []io.Reader{j.pub, j.new} {
		both.Go(func() { read[i], failed[i] = form.read(r, []side{published, produced}[i]) })
	}
	both.Wait()
	if err := cmp.Or(failed[0], failed[1], ctx.Err()); err != nil {
		return err
	}
	return j.comparePictures(ctx, read[0], read[1])
}

// comparePictures compares pixels, and where these differ ink (CMP-70 to CMP-74).
func (j *job) comparePictures(ctx context.Context, pub, new *picture) error {
	f := j.finding
	size, newSize := sizeOf(pub), sizeOf(new)
	f.Compared, f.Counted = int64(pub.Bounds().Dx())*int64(pub.Bounds().Dy()), report.CountedPixels
	if size != newSize {
		f.Worst = &report.Worst{Where: "size", Published: size, New: newSize}
		return j.matchInk(ctx, pub, new, fmt.Sprintf("the size differs: published %s pixels, new %s", size, newSize))
	}
	d, err := differentPixels(ctx, pub, new)
	if err != nil {
		return err
	}
	f.Differing = d.count
	if d.count == 0 {
		f.Verdict, f.Reason = report.SameContent, "the same "+size+" pixels; only their encoding or what is written beside them differs"
		if pub.colours != new.colours {
			f.Verdict, f.Reason = report.NeedsEyes, "the same samples, but the files name different colour profiles or gamma"
		}
		return nil
	}
	f.Worst = &report.Worst{Where: fmt.Sprintf("pixel %d,%d", d.worst.X, d.worst.Y),
		Published: hexColor(pub.At(d.worst.X, d.worst.Y)), New: hexColor(new.At(d.worst.X, d.worst.Y))}
	return j.matchInk(ctx, pub, new, fmt.Sprintf("%d of %d pixels differ, most at %d,%d", f.Differing, f.Compared, d.worst.X, d.worst.Y))
}

func sizeOf(p *picture) string { return fmt.Sprintf("%d × %d", p.Bounds().Dx(), p.Bounds().Dy()) }

// matchInk judges pictures that are not the same to the pixel. The verdict hangs
// on the ink of one that has no partner in the other.
func (j *job) matchInk(ctx context.Context, pub, new *picture, differ string) error {
	f := j.finding
	found, err := raster.Compare(ctx, pub.Image, new.Image)
	if err != nil {
		return err
	}
	f.Verdict, f.Reason = report.NeedsEyes, differ
	switch found.Outcome() {
	case raster.Alike:
		f.Verdict, f.Reason = report.SameAsPrinted, "the same figure: each line, letter and marker has its partner; "+differ
		if found.Moved > 0 {
			f.Reason += fmt.Sprintf("; %d letters moved with their words", found.Moved)
		}
		if pub.colours != new.colours {
			f.Verdict, f.Reason = report.NeedsEyes, f.Reason+"; but the files name different colour profiles or gamma"
		}
	case raster.Differ:
		f.Verdict = report.Differs
	}
	if f.Verdict != report.SameAsPrinted {
		f.Reason += because(found)
	}
	if err := j.score(ctx, pub, new); err != nil {
		return err
	}
	if j.picture == nil || found.Sizes {
		return nil
	}
	b, err := found.Draw()
	if err == nil {
		j.picture(b)
	}
	return err
}

// because says what keeps two pictures from being the same figure.
func because(found *raster.Found) string {
	switch {
	case found.Sizes:
		return ""
	case found.Pixels:
		return "; each pixel counts: these are not ink on a ground of one colour"
	case len(found.Strange()) > 0:
		return strangest(found)
	case found.Scaled:
		return "; drawn at another size, a figure can't be told from one that is a little wrong"
	case found.Unclear:
		return "; letters or markers are drawn otherwise, so that one could pass for another"
	}
	return "; the lines are drawn so differently that one a little wrong could pass for the same"
}

// strangest says where the largest piece of ink stands that has no partner: of
// pictures that differ, one of which the other has nothing near by.
func strangest(found *raster.Found) string {
	pieces, what := found.Strange(), "is drawn otherwise, so that it could be something else"
	at := 0
	if found.Outcome() == raster.Differ {
		at, what = max(0, slices.IndexFunc(pieces, raster.Piece.Missing)), "has no partner"
	}
	r := pieces[at].Rectangle
	return fmt.Sprintf("; what stands at %d,%d to %d,%d %s", r.Min.X, r.Min.Y, r.Max.X, r.Max.Y, what)
}

// score holds the picture against the similarity that the rule asks for. A
// similarity is one mean over the picture, which a missing curve hardly moves:
// it can only refuse, never accept.
func (j *job) score(ctx context.Context, pub, new *picture) error {
	f := j.finding
	if j.rule.score == nil && !j.similar || pub.Bounds().Size() != new.Bounds().Size() {
		return nil
	}
	score, err := similarity(ctx, pub, new)
	if err != nil {
		return err
	}
	f.Score = fmt.Sprintf("%.4f", max(0, float64(int(score*1e4))/1e4)) // never more than there is
	if j.rule.score == nil {
		return nil
	}
	f.Reason += "; similarity " + f.Score + ", " + j.rule.Score + " asked: leave `score` out, it accepts nothing"
	if mustNumber(f.Score).float() < j.rule.score.float() {
		f.Verdict = report.Differs
	}
	return nil
}

// read decodes one picture, its size known before any of it is.
func (p *pictureForm) read(r io.Reader, of side) (*picture, error) {
	b, err := all(r, of, maxPicture)
	if err != nil {
		return nil, err
	}
	conf, err := p.config(bytes.NewReader(b))
	if err != nil {
		return nil, malformed(of, p.kind, "%s", reason(err))
	}
	most := int64(maxPixels)
	if deep(conf.ColorModel) {
		most /= 2
	}
	if int64(conf.Width)*int64(conf.Height) > most {
		return nil, tooLarge(of, "%d × %d pixels; at most %d are compared", conf.Width, conf.Height, most)
	}
	how, err := p.meaning(b, of)
	if err != nil {
		return nil, err
	}
	m, err := p.decode(bytes.NewReader(b))
	if err != nil {
		return nil, malformed(of, p.kind, "%s", reason(err))
	}
	return &picture{m, how}, nil
}

// deep reports 16 bits a channel.
func deep(m color.Model) bool {
	return m == color.Gray16Model || m == color.RGBA64Model || m == color.NRGBA64Model
}

func reason(err error) string {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return "it ends too early"
	}
	return err.Error()
}

// pixels is where two pictures of one size differ.
type pixels struct {
	count int64
	worst image.Point
	far   uint32 // how far the worst is, over its channels
}

func differentPixels(ctx context.Context, pub, new *picture) (*pixels, error) {
	r := pub.Bounds()
	found := make([]pixels, r.Dy()/bandRows+1)
	p, n, same := colourAt(pub), colourAt(new), sameRow(pub, new)
	err := bands(ctx, r.Dy(), func(band, from, to int) {
		d := &found[band]
		for y := r.Min.Y + from; y < r.Min.Y+to; y++ {
			if same(y) {
				continue
			}
			for x := r.Min.X; x < r.Max.X; x++ {
				by := apart(p(x, y), n(x, y))
				if by == 0 {
					continue
				}
				d.count++
				if by > d.far {
					d.far, d.worst = by, image.Pt(x, y)
				}
			}
		}
	})
	all := &pixels{}
	for _, d := range found {
		all.count += d.count
		if d.far > all.far {
			all.far, all.worst = d.far, d.worst
		}
	}
	return all, err
}

// apart sums the differences of two colours' channels, 16 bits each. What is
// wholly transparent has no colour.
func apart(a, b color.RGBA64) uint32 {
	return gap(a.R, b.R) + gap(a.G, b.G) + gap(a.B, b.B) + gap(a.A, b.A)
}

func gap(a, b uint16) uint32 { return uint32(max(a, b) - min(a, b)) }

func hexColor(c color.Color) string {
	n := color.NRGBA64Model.Convert(c).(color.NRGBA64)
	if n.A == 0xffff && n.R%257 == 0 && n.G%257 == 0 && n.B%257 == 0 {
		return fmt.Sprintf("#%02x%02x%02x", n.R/257, n.G/257, n.B/257)
	}
	return fmt.Sprintf("#%04x%04x%04x/%04x", n.R, n.G, n.B, n.A)
}
