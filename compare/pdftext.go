package compare

import (
	"fmt"
	"slices"
	"strings"
)

// pdfDocument is the objects of a file, as far as its text needs them.
type pdfDocument struct {
	objects map[int]pdfObjectData
	fonts   map[int]*pdfFont
	root    pdfValue
	streams int // content streams read
	out     []fact
	size    int
	page    int
	sound   bool // every character of the text is known
}

// pdfObjectData is one object; its stream is unpacked, or nil where it can't
// be.
type pdfObjectData struct {
	value  pdfValue
	stream []byte
	packed bool // the stream is packed in a way that is not read
}

// keep notes an object for the text. An object stream is taken apart.
func (d *pdfDocument) keep(number int, head string, stream []byte, unpacked bool) {
	s := &pdfScanner{b: []byte(head)}
	o := pdfObjectData{value: s.next(0), stream: stream, packed: !unpacked}
	d.objects[number] = o
	kind := o.value.dict["Type"].text
	if kind == "XRef" {
		d.trailer(head)
	}
	if kind != "ObjStm" || o.packed {
		return
	}
	first, _ := d.number(o.value.dict["First"])
	count, _ := d.number(o.value.dict["N"])
	if first < 0 || first > len(stream) {
		return
	}
	heads := &pdfScanner{b: stream[:first]}
	for range min(count, 1<<16) {
		n, okN := d.number(heads.next(0))
		at, okAt := d.number(heads.next(0))
		if !okN || !okAt || at < 0 || at > len(stream)-first {
			return
		}
		inner := &pdfScanner{b: stream[first+at:]}
		d.objects[n] = pdfObjectData{value: inner.next(0)}
	}
}

// trailer notes where the document begins.
func (d *pdfDocument) trailer(text string) {
	s := &pdfScanner{b: []byte(text)}
	if v := s.next(0); v.kind == pdfDict && v.dict["Root"].kind == pdfRef {
		d.root = v.dict["Root"]
	}
}

// get follows references.
func (d *pdfDocument) get(v pdfValue) pdfValue {
	for range 8 {
		if v.kind != pdfRef {
			return v
		}
		v = d.objects[v.ref].value
	}
	return pdfValue{}
}

func (d *pdfDocument) number(v pdfValue) (int, bool) {
	v = d.get(v)
	f, ok := v.number()
	return int(f), ok && f == float64(int(f))
}

// text returns the text of all pages, line by line, and whether all of it is
// known.
func (d *pdfDocument) text() ([]fact, bool) {
	d.sound = true
	pages := d.get(d.get(d.root).dict["Pages"])
	if pages.kind != pdfDict {
		return nil, false
	}
	d.pages(pages, pdfValue{}, 0)
	return d.out, d.sound && d.page > 0
}

func (d *pdfDocument) pages(node, resources pdfValue, depth int) {
	if own := d.get(node.dict["Resources"]); own.kind == pdfDict {
		resources = own
	}
	if depth > maxPDFDepth || d.page > maxPDFPages {
		d.sound = false
		return
	}
	if kids := d.get(node.dict["Kids"]); kids.kind == pdfArray {
		for _, k := range kids.list {
			d.pages(d.get(k), resources, depth+1)
		}
		return
	}
	d.page++
	var all []byte
	contents := node.dict["Contents"]
	if d.get(contents).kind == pdfArray {
		for _, c := range d.get(contents).list {
			all = append(append(all, d.stream(c)...), '\n')
		}
	} else if contents.kind != pdfNothing {
		all = d.stream(contents)
	}
	p := &pdfPage{d: d}
	p.run(all, resources, 0)
	p.endLine()
}

// stream is an object's stream.
func (d *pdfDocument) stream(v pdfValue) []byte {
	o, ok := d.objects[v.ref]
	if v.kind != pdfRef || !ok || o.packed {
		d.sound = false
		return nil
	}
	return o.stream
}

// pdfPage follows the operators of a page that show text.
type pdfPage struct {
	d    *pdfDocument
	font *pdfFont
	line strings.Builder
	n    int
}

func (p *pdfPage) endLine() {
	text := oneBlank(p.line.String())
	p.line.Reset()
	if text == "" {
		return
	}
	p.n++
	if p.d.size += len(text); p.d.size > maxPDFText || len(p.d.out) >= maxFacts {
		p.d.sound = false
		return
	}
	p.d.out = append(p.d.out, fact{fmt.Sprintf("page %d, line %d", p.d.page, p.n), text})
}

func (p *pdfPage) run(content []byte, resources pdfValue, depth int) {
	if p.d.streams++; depth > 8 || p.d.streams > 4*maxPDFPages {
		p.d.sound = false
		return
	}
	s := &pdfScanner{b: content}
	var operands []pdfValue
	for {
		v := s.next(0)
		if v.kind == pdfNothing {
			p.d.sound = p.d.sound && !s.broken
			return
		}
		if v.kind != pdfKeyword {
			if operands = append(operands, v); len(operands) > 64 {
				operands = operands[1:]
			}
			continue
		}
		if v.text == "BI" {
			skipInline(s)
		} else {
			p.operator(v.text, operands, resources, depth)
		}
		operands = operands[:0]
	}
}

// skipInline passes over a picture within the content.
func skipInline(s *pdfScanner) {
	for len(s.b) > 0 {
		if v := s.next(0); v.kind == pdfKeyword && v.text == "ID" {
			break
		}
	}
	for i := 1; i+2 <= len(s.b); i++ {
		if s.b[i] == 'E' && s.b[i+1] == 'I' && pdfBlank(s.b[i-1]) && (i+2 == len(s.b) || pdfBlank(s.b[i+2])) {
			s.b = s.b[i+2:]
			return
		}
	}
	s.b = nil
}

func (p *pdfPage) operator(name string, operands []pdfValue, resources pdfValue, depth int) {
	last := pdfValue{}
	if len(operands) > 0 {
		last = operands[len(operands)-1]
	}
	switch name {
	case "BT", "ET", "T*", "TD", "Tm":
		p.endLine()
	case "Td":
		if f, ok := last.number(); !ok || f != 0 {
			p.endLine()
		} else {
			p.line.WriteByte(' ')
		}
	case "Tf":
		p.font = nil
		if len(operands) >= 2 {
			p.font = p.d.font(p.d.get(resources.dict["Font"]).dict[operands[len(operands)-2].text])
		}
	case "'", "\"":
		p.endLine()
		p.show(last)
	case "Tj":
		p.show(last)
	case "TJ":
		for _, v := range last.list {
			if f, ok := v.number(); ok && f < -180 {
				p.line.WriteByte(' ') // a gap as wide as a blank
			}
			p.show(v)
		}
	case "Do":
		p.draw(last, resources, depth)
	}
}

func (p *pdfPage) show(v pdfValue) {
	if v.kind != pdfString {
		return
	}
	if p.font == nil {
		p.d.sound = false
		return
	}
	text, known := p.font.decode(v.text)
	p.d.sound = p.d.sound && known
	p.line.WriteString(text)
}

// draw runs a form, which may show text; pictures do not. The glyphs of Type 3
// fonts that matplotlib draws as forms hold none either.
func (p *pdfPage) draw(name, resources pdfValue, depth int) {
	ref := p.d.get(resources.dict["XObject"]).dict[name.text]
	o, ok := p.d.objects[ref.ref]
	if !ok || p.d.get(o.value.dict["Subtype"]).text != "Form" {
		return
	}
	if o.packed {
		p.d.sound = false
		return
	}
	own := p.d.get(o.value.dict["Resources"])
	if own.kind != pdfDict {
		own = resources
	}
	font := p.font
	p.run(o.stream, own, depth+1)
	p.font = font
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
