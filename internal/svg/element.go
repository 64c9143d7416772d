package svg

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"repro/internal/badfile"
)

// element is one element of the file.
type element struct {
	name     string
	attr     map[string]string // by their names without prefix
	text     string            // its own, of all parts
	children []*element
	line     int
}

func (e *element) where() string {
	return fmt.Sprintf("<%s> in line %d", badfile.Shorten(e.name), e.line)
}

// all is the text of an element and what lies in it.
func (e *element) all() string {
	out := e.text
	for _, c := range e.children {
		out += " " + c.all()
	}
	return out
}

func oneBlank(s string) string { return strings.Join(strings.Fields(s), " ") }

// foreign are the prefixes of names that draw nothing: editors' notes.
func foreign(space string) bool {
	return strings.Contains(space, "inkscape") || strings.Contains(space, "sodipodi")
}

// parse reads the tree of elements.
func parse(b []byte) (*element, error) {
	var root *element
	var open []*element
	count := 0
	for d := xml.NewDecoder(bytes.NewReader(b)); ; {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, badfile.Damaged("%s", badfile.Cause(err))
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if count++; count > maxElements || len(open) == maxDeep {
				return nil, badfile.TooLarge("more than %d elements, or more than %d deep", maxElements, maxDeep)
			}
			line, _ := d.InputPos()
			e := &element{name: tok.Name.Local, attr: map[string]string{}, line: line}
			if foreign(tok.Name.Space) {
				e.name = "metadata"
			}
			for _, a := range tok.Attr {
				if a.Name.Space != "xmlns" && !foreign(a.Name.Space) {
					e.attr[a.Name.Local] = a.Value
				}
			}
			switch {
			case len(open) > 0:
				in := open[len(open)-1]
				in.children = append(in.children, e)
			case root != nil:
				return nil, badfile.Damaged("more than one element stands outermost")
			default:
				root = e
			}
			open = append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(tok)
			}
		}
	}
	if root == nil || len(open) > 0 {
		return nil, badfile.Damaged("it ends too early")
	}
	return root, nil
}

// reference is the id in url(#id); "" if a value is none.
func reference(value string) string {
	_, after, ok := strings.Cut(value, "url(")
	if !ok {
		return ""
	}
	inner, _, ok := strings.Cut(after, ")")
	inner = strings.Trim(strings.TrimSpace(inner), `"'`)
	if id, is := strings.CutPrefix(inner, "#"); ok && is {
		return id
	}
	return ""
}
