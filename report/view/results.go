package view

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	_ "image/gif" // for the size of pictures
	_ "image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"repro/compare"
	"repro/compare/kinds"
	"repro/internal/drawing"
	"repro/report"
)

// Limits on what one report holds.
const (
	maxRoom        = 3 << 20  // bytes of text from files and logs
	maxPictureRoom = 48 << 20 // bytes of pictures
	maxPicture     = 6 << 20  // bytes of one picture
	maxLog         = 16 << 10 // bytes of one log, its end
	maxOutputs     = 500
	maxSource      = 8 << 20 // bytes of a file that is shown side by side
	shownGroups    = 6       // of numbers, before the others are folded away
	openRows       = 32      // a table of so many rows is shown unfolded
	maxSlide       = 1 << 20 // bytes of a drawing that is laid over another
	maxSlides      = 1 << 20 // bytes of all of these
)

// builder fills a page and keeps count of the room.
type builder struct {
	ctx         context.Context
	files       Files
	room        int
	pictureRoom int
	slideRoom   int
	pictures    int // given an ID so far
}

// result is one published result.
type result struct {
	ID, Name, Claim, Reason string
	Verdict                 string
	Tone, Sign              string
	Digits                  *digits
	Cells                   *cells
	Meta                    []field
	Judged                  []field // every group, where Meta names some
	Pictures                []figure
	Slide                   *slide
	Side                    *side
	Diff                    string
}

type digits struct{ Of, Obtained, Words, Tone string }

type figure struct {
	Caption, Alt  string
	URI           template.URL
	ID            string        // by which the slider shows the same picture again; "" where the size is not known
	Width, Height float64       // pixels, or points of a drawing
	Places        []drawing.Box // to be marked in it
}

// side is published and new side by side.
type side struct {
	Kind    string
	Open    bool
	Summary string
	Columns []string
	Rows    []row
	Rest    *side // rows beyond the first, to be unfolded; nil: there are none
	Omitted string
	Cells   int // of a row
	Width   int // with its number
}

type row struct {
	Name               string
	Gap                string
	Mark               string
	Published, New     []piece
	NoPublished, NoNew bool
}

// piece is a cell or a part of a line; Tail is where the sides part.
type piece struct{ Text, Mark, Head, Tail string }

func (b *builder) result(i int, f report.Finding) result {
	r := result{
		ID: resultID(i), Name: Clean(f.Result), Claim: Clean(f.Claim), Reason: sentence(Clean(f.Reason)) + ".",
		Verdict: string(f.Verdict), Tone: className(toneOf(f.Verdict)), Sign: sign(f.Verdict), Digits: digitsOf(f),
	}
	r.Meta = append(r.Meta, field{Name: "Asked", Value: Clean(asked(f))})
	if f.Compared > 0 {
		r.Meta = append(r.Meta, field{Name: counted(f), Value: strconv.FormatInt(f.Compared, 10)})
	}
	if w := f.Worst; w != nil && w.Relative != "" {
		r.Meta = append(r.Meta, field{Name: "Largest relative difference", Value: Clean(w.Relative)})
	}
	if f.Set != "" {
		r.Meta = append(r.Meta, field{Name: "Published set", Value: Clean(f.Set)})
	}
	if len(f.Judged) > 0 {
		r.Meta = append(r.Meta, field{Name: "Numbers were written", Value: judgedInWords(f.Judged)})
	}
	if len(f.Judged) > shownGroups {
		for _, g := range f.Judged {
			r.Judged = append(r.Judged, field{Name: Clean(g.Group), Value: Clean(g.Written)})
		}
	}
	r.Meta = append(r.Meta, field{Name: "File", Value: Clean(f.Output)})
	if f.Kind == kinds.Claim && f.Worst != nil {
		r.Meta = append(r.Meta, field{Name: "Printed", Value: Clean(f.Worst.Published)}, field{Name: "New", Value: Clean(f.Worst.New)})
	}
	if hasPicture(f) {
		r.Pictures = b.figures(f)
		r.Slide = b.slide(f, r.Pictures)
	}
	if shown := kinds.Of(f.Kind).Shown; !isPicture(f.Kind) && shown != kinds.Pages || (shown == kinds.Scan || shown == kinds.Pages) && f.Diff != "" {
		r.Side = b.side(f)
	}
	r.Cells = cellsOf(f.Cells)
	if r.Side == nil && f.Diff != "" {
		r.Diff = b.text(cleanLines(f.Diff))
	}
	return r
}

// counted names what a finding counted. Images of versions before the field was
// there say it by their kind.
func counted(f report.Finding) string {
	switch {
	case f.Counted == report.CountedPixels || f.Counted == "" && isPicture(f.Kind):
		return "Pixels compared"
	case f.Counted == report.CountedMarks:
		return "Paths and texts compared"
	}
	return "Numbers compared"
}

// judgedInWords says how the numbers of the groups that changed were written.
func judgedInWords(groups []report.Judged) string {
	var parts []string
	for i, g := range groups {
		if i == shownGroups {
			parts = append(parts, fmt.Sprintf("%d more", len(groups)-shownGroups))
			break
		}
		parts = append(parts, fmt.Sprintf("%s: %s", Clean(g.Group), Clean(g.Written)))
	}
	return strings.Join(parts, "; ")
}

// hasPicture reports whether both files are shown as pictures. Pages are drawn
// for what is not plainly the same.
func hasPicture(f report.Finding) bool {
	shown := kinds.Of(f.Kind).Shown
	return isPicture(f.Kind) || shown == kinds.Drawing || shown == kinds.Pages && f.Verdict != report.Identical && f.Verdict != report.SameContent
}

func isPicture(kind string) bool {
	shown := kinds.Of(kind).Shown
	return shown == kinds.Picture || shown == kinds.Scan
}

func asked(f report.Finding) string {
	switch {
	case f.Kind == kinds.Exact:
		return "the same bytes"
	case isPicture(f.Kind) && f.Rule.Score == "":
		return "the same pixels"
	}
	words := ruleInWords(f.Rule)
	if rest, ok := strings.CutPrefix(words, everyDigit); ok {
		switch kinds.Of(f.Kind).Shown {
		case kinds.Drawing:
			return "the same paths, texts and colours" + rest
		case kinds.Pages:
			return "pages with the same text that look the same in print" + rest
		}
		if k := kinds.Of(f.Kind); k.Takes("relative") && !k.Takes("numbers") { // they are stored, not printed
			return "every number must be equal" + rest
		}
	}
	return words
}

func sign(v report.Verdict) string {
	switch toneOf(v) {
	case good:
		return "✓"
	case warn:
		return "?"
	}
	return "✗"
}

func digitsOf(f report.Finding) *digits {
	if f.Digits == nil || f.Digits.Of == 0 {
		return nil
	}
	d := &digits{Of: strconv.Itoa(f.Digits.Of), Obtained: Clean(f.Digits.Obtained), Tone: className(toneOf(f.Verdict))}
	d.Words = fmt.Sprintf("%s of %d published digits at the worst number", d.Obtained, f.Digits.Of)
	if f.Digits.Asked > 0 {
		d.Words += fmt.Sprintf(", %d asked", f.Digits.Asked)
	}
	return d
}

// text takes room for s, or says that there is none left.
func (b *builder) text(s string) string {
	if len(s) > b.room {
		return "(left out to keep this report small)"
	}
	b.room -= len(s)
	return s
}

func (b *builder) figures(f report.Finding) []figure {
	if kinds.Of(f.Kind).Shown == kinds.Drawing {
		return b.drawings(f)
	}
	out := []figure{
		b.figure("Published", "The published picture of "+f.Result, b.shown(f, read(b.files.Published, f.Published))),
		b.figure("New", "The new picture of "+f.Result, b.shown(f, read(b.files.New, f.Output))),
	}
	if where := b.files.Pictures[f.Result]; where != nil {
		out = append(out, b.figure("Difference, in red", "Where the two pictures of "+f.Result+" differ", where))
	}
	return out
}

// shown is a picture in a format that browsers show: TIFF and the page of a PDF
// as PNG, and SVG only where it begins as one.
func (b *builder) shown(f report.Finding, file []byte) []byte {
	var m image.Image
	var err error
	switch shown := kinds.Of(f.Kind).Shown; {
	case file == nil:
		return nil
	case shown == kinds.Scan:
		m, err = compare.DrawTIFF(b.ctx, file)
	case shown == kinds.Pages:
		where := ""
		if f.Worst != nil {
			where = f.Worst.Where
		}
		m, err = compare.DrawPDF(b.ctx, file, where)
	default:
		return file
	}
	if err != nil {
		return file
	}
	var out bytes.Buffer
	if png.Encode(&out, m) != nil {
		return file
	}
	return out.Bytes()
}

// slide lays the new picture over the published one, for two that differ. It
// refers to the figures, so that no picture stands in the report twice, but for
// drawings without a size in pixels.
type slide struct{ Published, New figure }

func (b *builder) slide(f report.Finding, figures []figure) *slide {
	drawn := kinds.Of(f.Kind).Shown == kinds.Drawing && f.Verdict != report.Identical && f.Verdict != report.SameContent
	if len(figures) < 3 && !drawn || figures[0].URI == "" || figures[1].URI == "" {
		return nil
	}
	s := &slide{figures[0], figures[1]}
	size := 0
	for _, f := range figures[:2] {
		if f.ID == "" {
			size += len(f.URI)
		}
	}
	if size > 2*maxSlide || size > b.slideRoom {
		return nil
	}
	b.slideRoom -= size
	return s
}

func (b *builder) figure(caption, alt string, picture []byte) figure {
	f := figure{Caption: caption, Alt: Clean(alt)}
	switch {
	case picture == nil:
		f.Alt = "There is no picture."
	case PictureType(picture) == "":
		f.Alt = "The file is not a picture that can be shown."
	case len(picture) > maxPicture || len(picture) > b.pictureRoom:
		f.Alt = fmt.Sprintf("Left out to keep this report small (%s).", bytesOf(int64(len(picture))))
	default:
		b.pictureRoom -= len(picture)
		if c, _, err := image.DecodeConfig(bytes.NewReader(picture)); err == nil {
			b.size(&f, float64(c.Width), float64(c.Height))
		}
		f.URI = template.URL("data:" + PictureType(picture) + ";base64," + base64.StdEncoding.EncodeToString(picture))
	}
	return f
}

// size gives a picture whose size is known an ID.
func (b *builder) size(f *figure, width, height float64) {
	if width > 0 && height > 0 {
		b.pictures++
		f.ID, f.Width, f.Height = fmt.Sprintf("p%d", b.pictures), width, height
	}
}

// PictureType is what a browser calls the format of a picture that begins so, or
// "" if none shows it.
func PictureType(b []byte) string {
	for start, name := range map[string]string{"\x89PNG\r\n\x1a\n": "image/png", "GIF8": "image/gif", "\xff\xd8\xff": "image/jpeg"} {
		if bytes.HasPrefix(b, []byte(start)) {
			return name
		}
	}
	if start := b[:min(len(b), 1024)]; bytes.Contains(start, []byte("<svg")) && bytes.HasPrefix(bytes.TrimLeft(start, "\ufeff \t\r\n"), []byte("<")) {
		return "image/svg+xml" // shown as a picture, in which no script runs and nothing is loaded
	}
	return ""
}

// read returns the start of a plain file, or nil.
func read(fsys fs.FS, name string) []byte {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if fsys == nil || !plainFile(fsys, name, maxPicture+1) {
		return nil
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxPicture+1))
	if err != nil {
		return nil
	}
	return data
}

func plainFile(fsys fs.FS, name string, limit int64) bool {
	info, err := fs.Lstat(fsys, name)
	return err == nil && info.Mode().IsRegular() && info.Size() <= limit
}

// side compares once more, to show where the two files differ.
func (b *builder) side(f report.Finding) *side {
	output := strings.TrimPrefix(path.Clean("/"+f.Output), "/")
	if b.files.Published == nil || b.files.New == nil || !plainFile(b.files.Published, f.Published, maxSource) || !plainFile(b.files.New, output, maxSource) {
		return nil
	}
	_, show, err := compare.Explain(b.ctx, compare.File{FS: b.files.Published, Name: f.Published}, compare.File{FS: b.files.New, Name: output}, f.Rule)
	if err != nil || show == nil || len(show.Rows) == 0 {
		return nil
	}
	s := &side{Kind: show.Kind, Summary: sideSummary(f), Open: (!f.Verdict.Reproduced() || len(show.Rows) <= openRows) && kinds.Of(f.Kind).Shown != kinds.Drawing}
	for _, name := range show.Columns {
		s.Columns = append(s.Columns, Clean(name))
	}
	first := show.Rows[:min(len(show.Rows), sideRows)]
	if !b.rows(s, first) {
		return nil
	}
	omitted := show.Omitted
	if more := show.Rows[len(first):]; len(more) > 0 {
		differing := int64(0)
		for i := range more {
			if more[i].Differs() {
				differing++
			}
		}
		rest := &side{Kind: s.Kind, Columns: s.Columns, Summary: fmt.Sprintf("%d more %s that %s", differing, noun(int(differing), "row"), map[bool]string{true: "differs", false: "differ"}[differing == 1])}
		if b.rows(rest, more) {
			s.Rest = rest
		} else {
			omitted += differing
		}
	}
	if omitted > 0 {
		s.Omitted = fmt.Sprintf("%d more rows differ and are not shown.", omitted)
	}
	return s
}

// sideRows are shown before one has to unfold the rest.
const sideRows = 200

// rows adds rows to s, if the page has room for all of them.
func (b *builder) rows(s *side, from []compare.Row) bool {
	size := 0
	for i := range from {
		r := rowOf(&from[i])
		size += r.size()
		s.Cells = max(s.Cells, len(r.Published), len(r.New))
		s.Rows = append(s.Rows, r)
	}
	if size > b.room {
		return false
	}
	b.room -= size
	s.Width = s.Cells + 1
	return true
}

// sideSummary is what a folded table is opened by.
func sideSummary(f report.Finding) string {
	if kinds.Of(f.Kind).Shown == kinds.Drawing {
		return "Every part that differs, published and new side by side"
	}
	return "Published and new side by side"
}

// rowOf cuts a row's marked pieces where both sides stop saying the same, so
// that the eye falls on the first digit that differs.
func rowOf(from *compare.Row) row {
	r := row{Name: Clean(from.Name), NoPublished: from.Published == nil, NoNew: from.New == nil}
	if from.Skipped > 0 {
		r.Gap = fmt.Sprintf("%d equal %s", from.Skipped, noun(int(from.Skipped), "row"))
		return r
	}
	for _, p := range from.New {
		r.New = append(r.New, pieceOf(p))
		if p.Mark != compare.Equal && (r.Mark == "" || p.Mark == compare.Off) {
			r.Mark = string(p.Mark)
		}
	}
	for _, p := range from.Published {
		r.Published = append(r.Published, pieceOf(p))
	}
	return r
}

func pieceOf(p compare.Piece) piece {
	out := piece{Text: Clean(p.Text), Mark: string(p.Mark)}
	if p.Mark != compare.Equal && p.Agreed > 0 && p.Agreed < len(p.Text) {
		out.Head, out.Tail = Clean(p.Text[:p.Agreed]), Clean(p.Text[p.Agreed:])
	} else if p.Mark != compare.Equal {
		out.Tail = out.Text
	} else {
		out.Head = out.Text
	}
	return out
}

func (r *row) size() int {
	n := 120
	for _, p := range r.Published {
		n += len(p.Text) + 40
	}
	for _, p := range r.New {
		n += len(p.Text) + 60
	}
	return n
}
