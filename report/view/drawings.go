package view

import (
	"repro/compare"
	"repro/report"
)

// drawings are the pictures of two vector figures, with boxes where they differ,
// and a picture of the difference. What a browser shows by itself is shown as it
// is, other kinds as they were read (RPT-31).
func (b *builder) drawings(f report.Finding) []figure {
	pub, new := read(b.files.Published, f.Published), read(b.files.New, f.Output)
	drawn, err := compare.DrawFigures(f.Kind, pub, new)
	if err != nil {
		drawn = &compare.Drawn{}
	}
	out := []figure{
		b.drawing("Published", "The published picture of "+f.Result, pub, &drawn.Published),
		b.drawing("New", "The new picture of "+f.Result, new, &drawn.New),
	}
	for i := range out {
		if out[i].URI == "" && err != nil && pub != nil && new != nil {
			out[i].Alt = "It is not shown: " + Clean(err.Error()) + "."
		}
	}
	if drawn.Difference != nil && !f.Verdict.Reproduced() {
		out = append(out, b.figure("Difference: only published in blue, only new in red", "Where the two pictures of "+f.Result+" differ", drawn.Difference))
	}
	return out
}

func (b *builder) drawing(caption, alt string, file []byte, drawn *compare.DrawnFigure) figure {
	if PictureType(file) == "" && drawn.SVG != nil {
		file = drawn.SVG
	}
	f := b.figure(caption, alt, file)
	if f.URI != "" {
		b.size(&f, drawn.Width, drawn.Height)
		f.Places = drawn.Places
	}
	return f
}
