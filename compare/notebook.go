package compare

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
)

const kindNotebook = "ipynb"

func init() { comparers[kindNotebook] = compareNotebook }

// mimeNames maps the type of an output to the name by which its kind is
// chosen.
var mimeNames = map[string]string{
	"text/plain": "output.txt", "text/html": "output.html", "text/markdown": "output.md", "text/latex": "output.tex",
	"image/png": "output.png", "image/jpeg": "output.jpg", "image/gif": "output.gif", "image/svg+xml": "output.svg",
	"application/json": "output.json",
}

// compareNotebook compares the cells of two Jupyter notebooks, each output by
// its type (CMP-105).
func compareNotebook(ctx context.Context, j *job) error {
	pub, err := readNotebook(j.pub, published)
	if err != nil {
		return err
	}
	new, err := readNotebook(j.new, produced)
	if err != nil {
		return err
	}
	return j.compareMembers(ctx, pub, new, "the same cells and outputs; only counts, ids or metadata differ")
}

func readNotebook(r io.Reader, of side) ([]member, error) {
	doc, err := readJSON(r, of)
	if err != nil {
		return nil, err
	}
	cells := doc.member("cells")
	format := doc.member("nbformat")
	if cells == nil || cells.kind != jsonArray || format == nil || string(format.text) != "4" {
		return nil, malformed(of, kindNotebook, "it has not the cells of version 4")
	}
	var out []member
	for i := range cells.elem {
		c := &cells.elem[i]
		name := fmt.Sprintf("cell %d/", i+1)
		kind := ""
		if t := c.member("cell_type"); t != nil {
			kind = string(t.text)
		}
		out = append(out, memberOf(name+"source of "+clip(kind), c.member("source").lines()))
		outputs := c.member("outputs")
		if outputs == nil {
			continue
		}
		for k := range outputs.elem {
			more, err := outputs.elem[k].output(fmt.Sprintf("%soutput %d/", name, k+1), of)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		}
	}
	return out, nil
}

// member is the value of a key, or nil.
func (v *value) member(key string) *value {
	if v == nil || v.kind != jsonObject {
		return nil
	}
	for i, k := range v.keys {
		if k == key {
			return &v.elem[i]
		}
	}
	return nil
}

// lines joins a text that a notebook may keep as a list of lines.
func (v *value) lines() []byte {
	if v == nil {
		return nil
	}
	out := bytes.Clone(v.text)
	for _, e := range v.elem {
		out = append(out, e.text...)
	}
	return out
}

// output takes one output apart: what was printed, or what was shown in each
// of its types, or an error.
func (v *value) output(name string, of side) ([]member, error) {
	kind := ""
	if t := v.member("output_type"); t != nil {
		kind = string(t.text)
	}
	switch kind {
	case "stream":
		return []member{memberOf(name+clip(string(v.member("name").lines()))+".txt", v.member("text").lines())}, nil
	case "error":
		return []member{memberOf(name+"error.txt", append(v.member("ename").lines(), v.member("evalue").lines()...))}, nil
	}
	data := v.member("data")
	if data == nil || data.kind != jsonObject {
		return nil, malformed(of, kindNotebook, "%sof type %q has no data", name, clip(kind))
	}
	var out []member
	for i, mime := range data.keys {
		e := &data.elem[i]
		file, known := mimeNames[mime]
		content := e.lines()
		switch {
		case !known && !strings.HasPrefix(mime, "text/"):
			return nil, &undecided{fmt.Sprintf("%s is of type %q, which is not compared", name, clip(mime))}
		case !known:
			file = "output.txt"
		case mime == "application/json":
			content = []byte(e.plain())
		case strings.HasPrefix(mime, "image/") && mime != "image/svg+xml":
			b, err := base64.StdEncoding.DecodeString(string(bytes.Join(bytes.Fields(content), nil)))
			if err != nil {
				return nil, malformed(of, kindNotebook, "%sholds a picture that is not base64", name)
			}
			content = b
		}
		out = append(out, memberOf(name+strings.ReplaceAll(mime, "/", " ")+"/"+file, content))
	}
	return out, nil
}

// plain prints a value as JSON.
func (v *value) plain() string {
	var b strings.Builder
	v.print(&b)
	return b.String()
}

func (v *value) print(b *strings.Builder) {
	switch v.kind {
	case jsonArray:
		b.WriteByte('[')
		for i := range v.elem {
			if i > 0 {
				b.WriteByte(',')
			}
			v.elem[i].print(b)
		}
		b.WriteByte(']')
	case jsonObject:
		b.WriteByte('{')
		for i := range v.elem {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(jsonText(v.keys[i]) + ":")
			v.elem[i].print(b)
		}
		b.WriteByte('}')
	case jsonString:
		b.WriteString(jsonText(string(v.text)))
	case jsonNumber:
		b.Write(v.text)
	case jsonNull:
		b.WriteString("null")
	default:
		fmt.Fprint(b, v.kind == jsonTrue)
	}
}

// jsonText is a JSON string for a text that this package read from one.
func jsonText(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		if c < 0x20 || c == '"' || c == '\\' {
			fmt.Fprintf(&b, `\u%04x`, c)
			continue
		}
		b.WriteByte(c)
	}
	b.WriteByte('"')
	return b.String()
}
