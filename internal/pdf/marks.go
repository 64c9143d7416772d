package pdf

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/klippa-app/go-pdfium/enums"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/structs"

	"repro/internal/badfile"
	"repro/internal/drawing"
)

// Limits on the marks of a page.
const (
	maxObjects  = 1 << 16
	maxSegments = 1 << 18
	maxForms    = 8 // forms within forms
)

// marker reads what a page draws, object by object.
type marker struct {
	f        *File
	text     references.FPDF_TEXTPAGE
	out      *drawing.Drawing
	objects  int
	segments int
	clips    map[string]*drawing.Clip
}

// Marks is what a page, counted from 0, draws: each path with its points, as
// they are painted, each text with its place. Shadings are not understood, nor
// are patterns, masks and modes of blending seen: who asks must know that the
// file has none.
func (f *File) Marks(page int) (d *drawing.Drawing, err error) {
	defer f.recover(&err)
	m := &marker{f: f, out: &drawing.Drawing{}, clips: map[string]*drawing.Clip{}}
	loaded, err := f.instance.FPDF_LoadPage(&requests.FPDF_LoadPage{Document: f.document, Index: page})
	if err != nil {
		return nil, f.failed(err)
	}
	defer func() { _, _ = f.instance.FPDF_ClosePage(&requests.FPDF_ClosePage{Page: loaded.Page}) }()
	p := requests.Page{ByReference: &loaded.Page}
	text, err := f.instance.FPDFText_LoadPage(&requests.FPDFText_LoadPage{Page: p})
	if err != nil {
		return nil, f.failed(err)
	}
	m.text = text.TextPage
	defer func() { _, _ = f.instance.FPDFText_ClosePage(&requests.FPDFText_ClosePage{TextPage: m.text}) }()
	size, err := f.instance.GetPageSize(&requests.GetPageSize{Page: p})
	if err != nil {
		return nil, f.failed(err)
	}
	if err := m.out.Add(drawing.Mark{Kind: drawing.Canvas, Numbers: []float64{size.Width, size.Height}, Where: "the page"}); err != nil {
		return nil, err
	}
	count, err := f.instance.FPDFPage_CountObjects(&requests.FPDFPage_CountObjects{Page: p})
	if err != nil {
		return nil, f.failed(err)
	}
	for i := range count.Count {
		object, err := f.instance.FPDFPage_GetObject(&requests.FPDFPage_GetObject{Page: p, Index: i})
		if err != nil {
			return nil, f.failed(err)
		}
		if err := m.object(object.PageObject, drawing.Identity, nil, 0); err != nil {
			return nil, err
		}
	}
	return m.out, nil
}

// object adds one object, or those of a form.
func (m *marker) object(o references.FPDF_PAGEOBJECT, outer drawing.Matrix, clip *drawing.Clip, depth int) error {
	if m.objects++; m.objects > maxObjects || depth > maxForms {
		return badfile.TooLarge("a page of more than %d objects, or forms %d deep", maxObjects, maxForms)
	}
	kind, err := m.f.instance.FPDFPageObj_GetType(&requests.FPDFPageObj_GetType{PageObject: o})
	if err != nil {
		return m.f.failed(err)
	}
	got, err := m.f.instance.FPDFPageObj_GetMatrix(&requests.FPDFPageObj_GetMatrix{PageObject: o})
	if err != nil && kind.Type != enums.FPDF_PAGEOBJ_SHADING {
		return m.f.failed(err)
	}
	own := drawing.Identity
	if err == nil {
		own = drawing.Matrix{float64(got.Matrix.A), float64(got.Matrix.B), float64(got.Matrix.C), float64(got.Matrix.D), float64(got.Matrix.E), float64(got.Matrix.F)}
	}
	if clip, err = m.clip(o, outer, clip); err != nil {
		return err
	}
	at := outer.Then(own)
	mark := drawing.Mark{Clip: clip, Where: fmt.Sprintf("object %d", m.objects)}
	switch kind.Type {
	case enums.FPDF_PAGEOBJ_PATH:
		return m.path(o, at, mark)
	case enums.FPDF_PAGEOBJ_TEXT:
		return m.words(o, at, mark)
	case enums.FPDF_PAGEOBJ_IMAGE:
		return m.image(o, at, mark)
	case enums.FPDF_PAGEOBJ_FORM:
		return m.form(o, at, clip, depth)
	}
	mark.Kind, mark.Words = drawing.Other, fmt.Sprintf("a shading, or something unknown: %d, of which nothing is seen", kind.Type)
	return m.out.Add(mark)
}

func (m *marker) form(o references.FPDF_PAGEOBJECT, at drawing.Matrix, clip *drawing.Clip, depth int) error {
	count, err := m.f.instance.FPDFFormObj_CountObjects(&requests.FPDFFormObj_CountObjects{PageObject: o})
	if err != nil {
		return m.f.failed(err)
	}
	for i := range count.Count {
		inner, err := m.f.instance.FPDFFormObj_GetObject(&requests.FPDFFormObj_GetObject{PageObject: o, Index: uint64(i)})
		if err != nil {
			return m.f.failed(err)
		}
		if err := m.object(inner.PageObject, at, clip, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// segment gives one step of a path.
type segment func(i int) (references.FPDF_PATHSEGMENT, error)

// walk draws the segments of a path.
func (m *marker) walk(n int, next segment, at drawing.Matrix) (drawing.Path, error) {
	var p drawing.Path
	if m.segments += n; m.segments > maxSegments {
		return p, badfile.TooLarge("a page of more than %d lines", maxSegments)
	}
	var handles []drawing.Point
	for i := range n {
		s, err := next(i)
		if err != nil {
			return p, m.f.failed(err)
		}
		kind, err := m.f.instance.FPDFPathSegment_GetType(&requests.FPDFPathSegment_GetType{PathSegment: s})
		if err != nil {
			return p, m.f.failed(err)
		}
		xy, err := m.f.instance.FPDFPathSegment_GetPoint(&requests.FPDFPathSegment_GetPoint{PathSegment: s})
		if err != nil {
			return p, m.f.failed(err)
		}
		to := at.Apply(drawing.Point{X: float64(xy.X), Y: float64(xy.Y)})
		switch kind.Type {
		case enums.FPDF_SEGMENT_MOVETO:
			p.Move(to)
		case enums.FPDF_SEGMENT_LINETO:
			p.Line(to)
		case enums.FPDF_SEGMENT_BEZIERTO:
			if handles = append(handles, to); len(handles) == 3 {
				p.Curve(handles[0], handles[1], handles[2])
				handles = handles[:0]
			}
		default:
			return p, badfile.Unread("a path with a step of an unknown kind")
		}
		closed, err := m.f.instance.FPDFPathSegment_GetClose(&requests.FPDFPathSegment_GetClose{PathSegment: s})
		if err != nil {
			return p, m.f.failed(err)
		}
		if closed.IsClose {
			p.Close()
		}
	}
	return p, nil
}

func (m *marker) path(o references.FPDF_PAGEOBJECT, at drawing.Matrix, mark drawing.Mark) error {
	count, err := m.f.instance.FPDFPath_CountSegments(&requests.FPDFPath_CountSegments{PageObject: o})
	if err != nil {
		return m.f.failed(err)
	}
	mark.Path, err = m.walk(count.Count, func(i int) (references.FPDF_PATHSEGMENT, error) {
		s, err := m.f.instance.FPDFPath_GetPathSegment(&requests.FPDFPath_GetPathSegment{PageObject: o, Index: i})
		if err != nil {
			return "", err
		}
		return s.PathSegment, nil
	}, at)
	if err != nil {
		return err
	}
	mode, err := m.f.instance.FPDFPath_GetDrawMode(&requests.FPDFPath_GetDrawMode{PageObject: o})
	if err != nil {
		return m.f.failed(err)
	}
	if mode.FillMode == enums.FPDF_FILLMODE_NONE && !mode.Stroke {
		return nil
	}
	if mode.FillMode != enums.FPDF_FILLMODE_NONE {
		fill, err := m.f.instance.FPDFPageObj_GetFillColor(&requests.FPDFPageObj_GetFillColor{PageObject: o})
		if err != nil {
			return m.f.failed(err)
		}
		mark.Style = "fill " + colour(fill.FillColor)
		if mode.FillMode == enums.FPDF_FILLMODE_ALTERNATE {
			mark.Style += " evenodd"
		}
	}
	if mode.Stroke {
		if err := m.stroke(o, at.Scale(), &mark); err != nil {
			return err
		}
	}
	return m.out.Add(mark)
}

func colour(c structs.FPDF_COLOR) string {
	out := fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B)
	if c.A != 255 {
		out += fmt.Sprintf(" opacity %d/255", c.A)
	}
	return out
}

// stroke says how a line is drawn.
func (m *marker) stroke(o references.FPDF_PAGEOBJECT, scale float64, mark *drawing.Mark) error {
	in := m.f.instance
	c, err := in.FPDFPageObj_GetStrokeColor(&requests.FPDFPageObj_GetStrokeColor{PageObject: o})
	if err != nil {
		return m.f.failed(err)
	}
	width, err := in.FPDFPageObj_GetStrokeWidth(&requests.FPDFPageObj_GetStrokeWidth{PageObject: o})
	if err != nil {
		return m.f.failed(err)
	}
	lineCap, err := in.FPDFPageObj_GetLineCap(&requests.FPDFPageObj_GetLineCap{PageObject: o})
	if err != nil {
		return m.f.failed(err)
	}
	join, err := in.FPDFPageObj_GetLineJoin(&requests.FPDFPageObj_GetLineJoin{PageObject: o})
	if err != nil {
		return m.f.failed(err)
	}
	mark.Style += fmt.Sprintf(" stroke %s cap %d join %d miter 0", colour(c.StrokeColor), lineCap.LineCap, join.LineJoin)
	mark.Style = strings.TrimSpace(mark.Style)
	mark.Numbers = append(mark.Numbers, float64(width.StrokeWidth)*scale)
	dashes, err := in.FPDFPageObj_GetDashCount(&requests.FPDFPageObj_GetDashCount{PageObject: o})
	if err != nil || dashes.DashCount == 0 {
		return m.f.failed(err)
	}
	list, err := in.FPDFPageObj_GetDashArray(&requests.FPDFPageObj_GetDashArray{PageObject: o})
	if err != nil {
		return m.f.failed(err)
	}
	phase, err := in.FPDFPageObj_GetDashPhase(&requests.FPDFPageObj_GetDashPhase{PageObject: o})
	if err != nil {
		return m.f.failed(err)
	}
	mark.Style += " dashed"
	for _, d := range append(list.DashArray, phase.DashPhase) {
		mark.Numbers = append(mark.Numbers, float64(d)*scale)
	}
	return nil
}

// words adds a text with its place. Fonts are of a name and a subset; only the
// name is of the author's choosing.
func (m *marker) words(o references.FPDF_PAGEOBJECT, at drawing.Matrix, mark drawing.Mark) error {
	text, err := m.f.instance.FPDFTextObj_GetText(&requests.FPDFTextObj_GetText{PageObject: o, TextPage: m.text})
	if err != nil {
		return m.f.failed(err)
	}
	size, err := m.f.instance.FPDFTextObj_GetFontSize(&requests.FPDFTextObj_GetFontSize{PageObject: o})
	if err != nil {
		return m.f.failed(err)
	}
	fill, err := m.f.instance.FPDFPageObj_GetFillColor(&requests.FPDFPageObj_GetFillColor{PageObject: o})
	if err != nil {
		return m.f.failed(err)
	}
	mode, err := m.f.instance.FPDFTextObj_GetTextRenderMode(&requests.FPDFTextObj_GetTextRenderMode{PageObject: o})
	if err != nil {
		return m.f.failed(err)
	}
	s := float64(size.FontSize)
	mark.Kind, mark.Words = drawing.Text, strings.Trim(text.Text, "\x00 \r\n")
	mark.Style = fmt.Sprintf("fill %s mode %d", colour(fill.FillColor), mode.TextRenderMode)
	mark.At, mark.Numbers = drawing.Point{X: at[4], Y: at[5]}, []float64{at[0] * s, at[1] * s, at[2] * s, at[3] * s}
	return m.out.Add(mark)
}

// image adds a picture by its bytes.
func (m *marker) image(o references.FPDF_PAGEOBJECT, at drawing.Matrix, mark drawing.Mark) error {
	unit := drawing.Rect(0, 0, 1, 1)
	mark.Kind, mark.Path = drawing.Other, unit.Mapped(at)
	data, err := m.f.instance.FPDFImageObj_GetImageDataDecoded(&requests.FPDFImageObj_GetImageDataDecoded{ImageObject: o})
	if err != nil {
		return m.f.failed(err)
	}
	size, err := m.f.instance.FPDFImageObj_GetImagePixelSize(&requests.FPDFImageObj_GetImagePixelSize{ImageObject: o})
	if err != nil {
		return m.f.failed(err)
	}
	mark.Words = fmt.Sprintf("an embedded picture, %d × %d, %.16x", size.Width, size.Height, sha256.Sum256(data.Data))
	return m.out.Add(mark)
}

// clip is the path that an object is cut to, within those of the forms around.
func (m *marker) clip(o references.FPDF_PAGEOBJECT, at drawing.Matrix, outer *drawing.Clip) (*drawing.Clip, error) {
	got, err := m.f.instance.FPDFPageObj_GetClipPath(&requests.FPDFPageObj_GetClipPath{PageObject: o})
	if err != nil {
		return outer, nil // there is none
	}
	paths, err := m.f.instance.FPDFClipPath_CountPaths(&requests.FPDFClipPath_CountPaths{ClipPath: got.ClipPath})
	if err != nil {
		return outer, nil
	}
	for i := range paths.Count {
		n, err := m.f.instance.FPDFClipPath_CountPathSegments(&requests.FPDFClipPath_CountPathSegments{ClipPath: got.ClipPath, PathIndex: i})
		if err != nil {
			return nil, m.f.failed(err)
		}
		p, err := m.walk(n.Count, func(k int) (references.FPDF_PATHSEGMENT, error) {
			s, err := m.f.instance.FPDFClipPath_GetPathSegment(&requests.FPDFClipPath_GetPathSegment{ClipPath: got.ClipPath, PathIndex: i, SegmentIndex: k})
			if err != nil {
				return "", err
			}
			return s.PathSegment, nil
		}, at)
		if err != nil {
			return nil, err
		}
		key := fmt.Sprint(p, fmt.Sprintf("%p", outer))
		if m.clips[key] == nil {
			if m.clips[key], err = outer.Within(p, ""); err != nil {
				return nil, err
			}
		}
		outer = m.clips[key]
	}
	return outer, nil
}
