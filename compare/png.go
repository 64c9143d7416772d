package compare

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"

	"repro/internal/raster"
	"repro/report"
)

// Limits on pictures, which are compared in memory.
const (
	maxPicture = 64 << 20 // bytes of a file
	maxPixels  = 16 << 20 // half of that with 16 bits a channel
)

// inkDiffers is how much ink without a partner, in pixels, no two drawings of
// one figure have.
const inkDiffers = 3

// picture is a decoded picture.
type picture struct {
	image.Image
	colours colours
}

// comparePicturesOf reads two pictures of one form and compares them.
func (j *job) comparePicturesOf(ctx context.Context, form *pictureForm) error {
	pub, err := form.read(j.pub, published)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	new, err := form.read(j.new, produced)
	if err != nil {
		return err
	}
	return j.comparePictures(ctx, pub, new)
}

// comparePictures compares pixels (CMP-70 to CMP-74).
func (j *job) comparePictures(ctx context.Context, pub, new *picture) error {
	f := j.finding
	size := fmt.Sprintf("%d × %d", pub.Bounds().Dx(), pub.Bounds().Dy())
	if newSize := fmt.Sprintf("%d × %d", new.Bounds().Dx(), new.Bounds().Dy()); size != newSize {
		f.Verdict, f.Reason = report.Differs, fmt.Sprintf("the size differs: published %s pixels, new %s", size, newSize)
		f.Worst = &report.Worst{Where: "size", Published: size, New: newSize}
		return nil
	}
	d, err := differentPixels(ctx, pub, new)
	if err != nil {
		return err
	}
	f.Compared, f.Differing = int64(pub.Bounds().Dx())*int64(pub.Bounds().Dy()), d.count
	if d.count == 0 {
		f.Verdict, f.Reason = report.SameContent, "the same "+size+" pixels; only their encoding or what is written beside them differs"
		if pub.colours != new.colours {
			f.Verdict, f.Reason = report.NeedsEyes, "the same samples, but the files name different colour profiles or gamma"
		}
		return nil
	}
	return j.alike(ctx, pub, new, d)
}

// alike judges pictures whose pixels differ. A similarity is one mean over the
// picture, which a missing curve hardly moves: it can only refuse, never accept
// (CMP-72).
func (j *job) alike(ctx context.Context, pub, new *picture, d *pixels) error {
	score, err := similarity(ctx, pub, new)
	if err != nil {
		return err
	}
	f := j.finding
	f.Worst = &report.Worst{Where: fmt.Sprintf("pixel %d,%d", d.worst.X, d.worst.Y),
		Published: hexColor(pub.At(d.worst.X, d.worst.Y)), New: hexColor(new.At(d.worst.X, d.worst.Y))}
	f.Score = fmt.Sprintf("%.4f", max(0, float64(int(score*1e4))/1e4)) // never more than there is
	f.Verdict = report.Differs
	f.Reason = fmt.Sprintf("%d of %d pixels differ, most at %d,%d; similarity %s", f.Differing, f.Compared, d.worst.X, d.worst.Y, f.Score)
	if asked := j.rule.score; asked != nil {
		f.Reason += ", " + j.rule.Score + " asked"
		if mustNumber(f.Score).float() >= asked.float() {
			if err := j.unmatched(ctx, pub, new); err != nil {
				return err
			}
		}
	}
	if j.picture != nil {
		b, err := d.draw(pub, new)
		if err != nil {
			return err
		}
		j.picture(b)
	}
	return nil
}

// unmatched says of pictures that are similar whether one has ink that the
// other does not have near the same place.
func (j *job) unmatched(ctx context.Context, pub, new *picture) error {
	found, err := raster.Compare(ctx, pub.Image, new.Image)
	if err != nil {
		return err
	}
	f := j.finding
	if len(found.Pieces) > 0 && found.Pieces[0].Ink() >= inkDiffers {
		r := found.Pieces[0].Rectangle
		f.Reason += fmt.Sprintf("; but what stands at %d,%d to %d,%d has no partner", r.Min.X, r.Min.Y, r.Max.X, r.Max.Y)
		return nil
	}
	f.Verdict = report.NeedsEyes
	f.Reason += "; but a similarity does not say what changed"
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
	where []bool // row by row
}

func differentPixels(ctx context.Context, pub, new *picture) (*pixels, error) {
	r := pub.Bounds()
	where := make([]bool, r.Dx()*r.Dy())
	found := make([]pixels, r.Dy()/bandRows+1)
	p, n := colourAt(pub), colourAt(new)
	err := bands(ctx, r.Dy(), func(band, from, to int) {
		d := &found[band]
		for y := r.Min.Y + from; y < r.Min.Y+to; y++ {
			row := where[(y-r.Min.Y)*r.Dx():]
			for x := r.Min.X; x < r.Max.X; x++ {
				by := apart(p(x, y), n(x, y))
				if by == 0 {
					continue
				}
				d.count++
				row[x-r.Min.X] = true
				if by > d.far {
					d.far, d.worst = by, image.Pt(x, y)
				}
			}
		}
	})
	all := &pixels{where: where}
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

// draw shows the published picture pale and grey, and in red what differs.
func (d *pixels) draw(pub, new *picture) ([]byte, error) {
	r := pub.Bounds()
	out := image.NewPaletted(image.Rect(0, 0, r.Dx(), r.Dy()), pale)
	for i, differs := range d.where {
		if differs {
			out.Pix[i] = uint8(len(pale) - 1)
			continue
		}
		out.Pix[i] = uint8(luma(pub.At(r.Min.X+i%r.Dx(), r.Min.Y+i/r.Dx())) >> 2)
	}
	var b bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, out)
	return b.Bytes(), err
}

// pale greys, and a red that stands out for readers who see no red as well.
var pale = func() color.Palette {
	var p color.Palette
	for i := range 64 {
		p = append(p, color.Gray{Y: uint8(192 + i)})
	}
	return append(p, color.RGBA{0xc4, 0x00, 0x2b, 0xff})
}()

// luma is the brightness of a colour on white, 0 to 255 (ITU-R BT.601).
func luma(c color.Color) uint32 {
	r, g, b, a := c.RGBA()
	white := 0xffff - a
	return (299*(r+white) + 587*(g+white) + 114*(b+white)) / 1000 >> 8
}
