package compare

import (
	"context"
	"fmt"
	"hash/crc32"
	"image"
	"io"
	"slices"

	"repro/internal/badfile"
	"repro/internal/ndarray"
	"repro/internal/tiff"
)

const kindTIFF = "tiff"

func init() { comparers[kindTIFF] = compareTIFF }

// compareTIFF compares two TIFF files: by their pixels, as other pictures, if
// each holds one picture of whole numbers; else by the samples of each page, as
// arrays (CMP-77).
func compareTIFF(ctx context.Context, j *job) error {
	var pages [2][]tiff.Page
	for i, r := range []io.Reader{j.pub, j.new} {
		of := []side{published, produced}[i]
		b, err := all(r, of, tiff.MaxFile)
		if err != nil {
			return err
		}
		if pages[i], err = tiff.Read(ctx, b); err != nil {
			return outside(err, of, kindTIFF)
		}
	}
	pub, new := pages[0], pages[1]
	err := j.comparePages(ctx, pub, new)
	if differing := otherNote(pub, new); err == nil && differing != "" && (j.finding.Verdict.Reproduced() || j.finding.Verdict == "" && j.tally.broken == 0) {
		return &undecided{clip("the same samples, but the files differ in " + differing)}
	}
	return err
}

func (j *job) comparePages(ctx context.Context, pub, new []tiff.Page) error {
	if len(pub) == 1 && len(new) == 1 && slices.Equal(placeOf(pub), placeOf(new)) {
		a, b := pictureOf(&pub[0]), pictureOf(&new[0])
		if a != nil && b != nil {
			return j.comparePictures(ctx, a, b)
		}
	}
	j.sameContent = "the same samples; only their packing or what is written beside them differs"
	err := j.compareArrays(ctx, pageArrays(pub), pageArrays(new))
	if err == nil && j.tally.broken == 0 && !slices.EqualFunc(pub, new, func(a, b tiff.Page) bool { return a.Meaning() == b.Meaning() }) {
		return &undecided{"the same kind of samples, but the files say differently how they are to be shown"}
	}
	if err == nil && j.rule.score != nil {
		return &undecided{"a similarity is known of single pictures of whole numbers only"}
	}
	return err
}

func pageArrays(pages []tiff.Page) []ndarray.Array {
	var out []ndarray.Array
	for i := range pages {
		name := fmt.Sprintf("page %d", i+1)
		out = append(out, pages[i].Array(name))
		out = append(out, pages[i].Georeference(name)...)
	}
	return out
}

// placeOf is where on Earth pages lie, in words.
func placeOf(pages []tiff.Page) []string {
	var out []string
	for i := range pages {
		for _, a := range pages[i].Georeference("") {
			out = append(out, a.Name+a.Texts[0])
		}
	}
	return out
}

// otherNote names the first field beside samples that differs between pages of
// one number, or is "".
func otherNote(pub, new []tiff.Page) string {
	for i := range min(len(pub), len(new)) {
		a, b := pub[i].Notes(), new[i].Notes()
		for k := range max(len(a), len(b)) {
			switch {
			case k >= len(a):
				return fmt.Sprintf("%s of page %d, which the published one has not", b[k].Name, i+1)
			case k >= len(b) || a[k].Name != b[k].Name:
				return fmt.Sprintf("%s of page %d, which the new one has not", a[k].Name, i+1)
			case a[k].Text != b[k].Text:
				return fmt.Sprintf("%s of page %d: published %q, new %q", a[k].Name, i+1, a[k].Text, b[k].Text)
			}
		}
	}
	return ""
}

// pictureOf is a page as a picture, or nil if it is none whose colours are known.
func pictureOf(p *tiff.Page) *picture {
	m := p.Image()
	if m == nil {
		return nil
	}
	var c colours
	if s := p.Rendering(); s != "" {
		c.profile = crc32.ChecksumIEEE([]byte(s)) | 1
	}
	return &picture{m, c}
}

// DrawTIFF is the picture of a TIFF file that holds just one, for display.
func DrawTIFF(ctx context.Context, b []byte) (image.Image, error) {
	if len(b) > tiff.MaxFile {
		return nil, badfile.TooLarge("more than %d bytes", tiff.MaxFile)
	}
	pages, err := tiff.Read(ctx, b)
	if err != nil {
		return nil, err
	}
	m := pages[0].Image()
	if m == nil || len(pages) > 1 {
		return nil, badfile.Unread("it does not hold one picture of whole numbers")
	}
	return m, nil
}
