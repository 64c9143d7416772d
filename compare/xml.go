package compare

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"repro/internal/pattern"
)

const kindXML = "xml"

func init() { comparers[kindXML] = compareXML }

// maxElements bounds how deep the elements of a markup file lie.
const maxElements = 512

func compareXML(ctx context.Context, j *job) error {
	return j.compareFacts(ctx, func(b []byte, of side) ([]fact, error) { return readXML(b, of, kindXML) },
		"the same elements; only comments, the order of attributes or blanks between elements differ")
}

// xmlReader turns elements into facts: one for each start, attribute, text and
// end (CMP-121).
type xmlReader struct {
	facts
	kind string
	path []string
	text strings.Builder
	skip int // depth at which an element without content for us began; 0: none
	ids  []string
}

func readXML(b []byte, of side, kind string) ([]fact, error) {
	x := &xmlReader{facts: facts{of: of}, kind: kind}
	err := x.read(b)
	return x.list, err
}

func (x *xmlReader) read(b []byte) error {
	for d := xml.NewDecoder(bytes.NewReader(b)); ; {
		tok, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return malformed(x.of, x.kind, "%s", clip(reason(err)))
		}
		if err := x.token(tok); err != nil {
			return err
		}
	}
	if len(x.path) > 0 || len(x.list) == 0 {
		return malformed(x.of, x.kind, "it ends too early")
	}
	return nil
}

func (x *xmlReader) token(tok xml.Token) error {
	switch tok := tok.(type) {
	case xml.StartElement:
		if err := x.flush(); err != nil {
			return err
		}
		return x.start(tok)
	case xml.EndElement:
		if err := x.flush(); err != nil {
			return err
		}
		return x.end(qualified(tok.Name))
	case xml.CharData:
		if x.skip == 0 {
			x.text.Write(tok)
		}
	}
	return nil
}

func qualified(n xml.Name) string {
	if n.Space != "" {
		return n.Space + ":" + n.Local
	}
	return n.Local
}

func (x *xmlReader) start(e xml.StartElement) error {
	name := qualified(e.Name)
	if len(x.path) == maxElements {
		return tooLarge(x.of, "elements lie more than %d deep", maxElements)
	}
	x.path = append(x.path, name)
	if x.skip == 0 && x.kind == kindSVG && name == "metadata" {
		x.skip = len(x.path)
	}
	if x.skip > 0 {
		return nil
	}
	if err := x.add(x.where(), "<"+name+">"); err != nil {
		return err
	}
	slices.SortFunc(e.Attr, func(a, b xml.Attr) int { return strings.Compare(qualified(a.Name), qualified(b.Name)) })
	for _, a := range e.Attr {
		name := qualified(a.Name)
		if name == "id" {
			x.ids = append(x.ids, a.Value)
		}
		if err := x.add(x.where()+"/@"+name, "@"+name+" = "+strings.Map(blankEnds, a.Value)); err != nil {
			return err
		}
	}
	return nil
}

func blankEnds(r rune) rune {
	if r == '\n' || r == '\r' || r == '\t' {
		return ' '
	}
	return r
}

func (x *xmlReader) end(name string) error {
	depth := len(x.path)
	if depth == 0 || x.path[depth-1] != name {
		return malformed(x.of, x.kind, "an end </%s> that nothing began", clip(name))
	}
	where := x.where()
	x.path = x.path[:depth-1]
	if x.skip > 0 {
		if x.skip == depth {
			x.skip = 0
		}
		return nil
	}
	return x.add(where, "</"+name+">")
}

// flush ends a text. Blanks that hold a line end are how a file is laid out.
func (x *xmlReader) flush() error {
	s := x.text.String()
	x.text.Reset()
	if s == "" || strings.TrimSpace(s) == "" && strings.ContainsAny(s, "\r\n") {
		return nil
	}
	if len(x.path) == 0 {
		if strings.TrimSpace(s) == "" {
			return nil
		}
		return malformed(x.of, x.kind, "text outside the elements")
	}
	if words := oneBlank(s); words != "" {
		return x.add(x.where(), "text "+words)
	}
	return x.add(x.where(), "blank")
}

func (x *xmlReader) where() string { return "/" + strings.Join(x.path, "/") }

// readSVG is readXML with ids named in the order in which they are given, and
// without metadata (CMP-122).
func readSVG(b []byte, of side) ([]fact, error) {
	x := &xmlReader{facts: facts{of: of}, kind: kindSVG}
	if err := x.read(b); err != nil {
		return nil, err
	}
	if first := x.list[0].text; first != "<svg>" && first != "<svg:svg>" {
		return nil, malformed(of, kindSVG, "it begins with %s", clip(first))
	}
	names := map[string]string{}
	for i, id := range x.ids {
		if _, twice := names[id]; twice {
			return x.list, nil // nobody can say which is meant
		}
		names[id] = fmt.Sprintf("id%d", i+1)
	}
	for i, f := range x.list {
		if strings.HasPrefix(f.text, "@") {
			x.list[i].text = renamed(f.text, names)
		}
	}
	return x.list, nil
}

var (
	reference = pattern.New(`url\(\s*['"]?#([^)'"]*)['"]?\s*\)`)
	hrefs     = pattern.New(`^@((?:xlink:)?href) = #(.*)$`)
)

// renamed is an attribute with the new names of ids.
func renamed(attribute string, names map[string]string) string {
	if id, ok := strings.CutPrefix(attribute, "@id = "); ok {
		return "@id = " + names[id]
	}
	if m := hrefs.FindStringSubmatch(attribute); m != nil && names[m[2]] != "" {
		return "@" + m[1] + " = #" + names[m[2]]
	}
	return reference.Regexp().ReplaceAllStringFunc(attribute, func(s string) string {
		if name := names[reference.FindStringSubmatch(s)[1]]; name != "" {
			return "url(#" + name + ")"
		}
		return s
	})
}
