package compare

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"
)

const kindNotebook = "ipynb"

func init() { comparers[kindNotebook] = compareNotebook }

// mimeNames maps the type of an output to the name by which its kind is
// chosen.
var mimeNames = map[string]string{
	"text/plain": "output.txt", "text/html": "output.html", "text/markdown": "output.md", "text/latex": "output.tex",
	"image/png": "output.png", "image/jpeg": "output.jpg", "image/gif": "output.gif", "image/svg+xml": "output.svg",
	"application/json": "output.json", "application/pdf": "output.pdf",
}

// What a cell's parts are called.
const (
	partStdout = "stdout"
	partResult = "result, text/plain"
	partSpoken = "stdout and text/plain"
)

// widgetView is the type of an output that only names a widget by a number of
// the moment.
const widgetView = "application/vnd.jupyter.widget-view+json"

// cell is one cell of a notebook.
type cell struct {
	n      int // from 1
	kind   string
	source []byte
	tags   []string
	count  bool // it has a count of execution
	ran    bool // it has that, or outputs
	parts  []cellPart
	spoken []byte // what it printed, and its results that are plain text, in their order
}

// cellPart is what a cell left, by name.
type cellPart struct {
	name    string
	file    string // by whose extension its kind is chosen; empty: not read
	mime    string
	content []byte
}

// compareNotebook compares two Jupyter notebooks cell by cell (CMP-105).
func compareNotebook(ctx context.Context, j *job) error {
	pub, err := readNotebook(j.pub, published)
	if err != nil {
		return err
	}
	new, err := readNotebook(j.new, produced)
	if err != nil {
		return err
	}
	return j.compareCells(ctx, pub, new)
}

func readNotebook(r io.Reader, of side) ([]cell, error) {
	doc, err := readJSON(r, of)
	if err != nil {
		return nil, err
	}
	cells := doc.member("cells")
	format := doc.member("nbformat")
	if cells == nil || cells.kind != jsonArray || format == nil || string(format.text) != "4" {
		return nil, malformed(of, kindNotebook, "it has not the cells of version 4")
	}
	out := make([]cell, len(cells.elem))
	for i := range cells.elem {
		if err := out[i].read(&cells.elem[i], i+1, of); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (c *cell) read(v *value, n int, of side) error {
	c.n, c.source = n, bytes.TrimRight(v.member("source").lines(), " \t\r\n")
	if t := v.member("cell_type"); t != nil {
		c.kind = string(t.text)
	}
	if tags := v.member("metadata").member("tags"); tags != nil {
		for _, t := range tags.elem {
			c.tags = append(c.tags, string(t.text))
		}
	}
	if files := v.member("attachments"); files != nil {
		for i, name := range files.keys {
			if err := c.bundle("attachment "+clip(name), &files.elem[i], of); err != nil {
				return err
			}
		}
	}
	count := v.member("execution_count")
	c.count = count != nil && count.kind == jsonNumber
	c.ran = c.count
	outputs := v.member("outputs")
	if outputs == nil {
		return nil
	}
	c.ran = c.ran || len(outputs.elem) > 0
	shown := 0
	for i := range outputs.elem {
		if err := c.output(&outputs.elem[i], &shown, of); err != nil {
			return err
		}
	}
	return nil
}

// output takes one output apart: what was printed, which is joined by stream,
// or what was shown in each of its types, or an error.
func (c *cell) output(v *value, shown *int, of side) error {
	switch kind := string(v.member("output_type").lines()); kind {
	case "stream":
		name, text := clip(string(v.member("name").lines())), v.member("text").lines()
		if name == partStdout {
			c.spoken = append(c.spoken, text...)
		}
		c.join(name, text)
	case "error":
		c.join("error", slices.Concat(v.member("ename").lines(), []byte(": "), v.member("evalue").lines(), []byte("\n")))
	case "display_data", "execute_result":
		data := v.member("data")
		if data == nil || data.kind != jsonObject {
			return malformed(of, kindNotebook, "cell %d: an output of type %q has no data", c.n, kind)
		}
		name := "result"
		if kind == "display_data" {
			*shown++
			name = fmt.Sprintf("display %d", *shown)
		}
		if text := data.member("text/plain"); kind == "execute_result" && text != nil && len(data.keys) == 1 {
			c.spoken = append(append(c.spoken, bytes.TrimRight(text.lines(), "\n")...), '\n')
		}
		return c.bundle(name, data, of)
	default:
		return malformed(of, kindNotebook, "cell %d: an output of type %q", c.n, clip(kind))
	}
	return nil
}

// join adds text to the part of a stream.
func (c *cell) join(name string, text []byte) {
	for i := range c.parts {
		if c.parts[i].name == name {
			c.parts[i].content = append(c.parts[i].content, text...)
			return
		}
	}
	c.parts = append(c.parts, cellPart{name: name, file: "output.txt", mime: "text/plain", content: bytes.Clone(text)})
}

// bundle adds what is given in several types.
func (c *cell) bundle(name string, data *value, of side) error {
	for i, mime := range data.keys {
		p, err := partOf(&data.elem[i], mime)
		if err != nil {
			return malformed(of, kindNotebook, "cell %d: %s holds a picture that is not base64", c.n, name)
		}
		p.name = name + ", " + clip(mime)
		c.parts = append(c.parts, p)
	}
	return nil
}

func partOf(v *value, mime string) (cellPart, error) {
	p := cellPart{file: mimeNames[mime], mime: mime, content: v.lines()}
	binary := strings.HasPrefix(mime, "image/") && mime != "image/svg+xml" || mime == "application/pdf"
	switch {
	case p.file == "" && strings.HasPrefix(mime, "text/"):
		p.file = "output.txt"
	case mime == "application/json" || strings.HasSuffix(mime, "+json"):
		if p.content = []byte(v.plain()); mime != widgetView {
			p.file = "output.json"
		}
	case v.kind == jsonObject || v.kind == jsonArray && p.file == "":
		p.content = []byte(v.plain())
	case binary:
		b, err := base64.StdEncoding.DecodeString(string(bytes.Join(bytes.Fields(p.content), nil)))
		if err != nil {
			return p, err
		}
		p.content = b
	}
	return p, nil
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
