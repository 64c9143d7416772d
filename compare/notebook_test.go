package compare

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repro/format/manifest"
	"repro/report"
)

// nb writes a notebook of cells in a short form: the source, then outputs, each
// "stdout:", "stderr:", "result:", "png:", "html:", "widget:", "error:" and
// what it holds. "#tag" is a tag, "md:" makes the cell Markdown, "att:" gives
// it an attachment, "unrun" makes it one that did not run.
func nb(cells ...[]string) string {
	type object = map[string]any
	var all []object
	for i, c := range cells {
		outputs, tags := []object{}, []string{}
		cell := object{"cell_type": "code", "source": c[0], "metadata": object{}, "execution_count": i + 7, "outputs": outputs}
		for _, o := range c[1:] {
			kind, text, _ := strings.Cut(o, ":")
			data := func(outputType, mime string, value any) {
				outputs = append(outputs, object{"output_type": outputType, "data": object{mime: value}, "metadata": object{}})
			}
			switch kind {
			case "stdout", "stderr":
				outputs = append(outputs, object{"output_type": "stream", "name": kind, "text": strings.SplitAfter(text, "\n")})
			case "result":
				data("execute_result", "text/plain", text)
			case "html":
				data("display_data", "text/html", text)
			case "png":
				data("display_data", "image/png", text)
			case "widget":
				data("display_data", widgetView, object{"model_id": text})
			case "error":
				outputs = append(outputs, object{"output_type": "error", "ename": "E", "evalue": text, "traceback": []string{fmt.Sprint(i)}})
			case "md":
				cell = object{"cell_type": "markdown", "source": c[0], "metadata": object{}}
			case "att":
				cell["attachments"] = object{"a.txt": object{"text/plain": text}}
			case "unrun":
				cell["execution_count"] = nil
			default:
				tags = append(tags, strings.TrimPrefix(kind, "#"))
			}
		}
		if cell["cell_type"] == "code" {
			cell["outputs"] = outputs
		}
		cell["metadata"] = object{"tags": tags}
		all = append(all, cell)
	}
	b, err := json.Marshal(object{"nbformat": 4, "nbformat_minor": 5, "metadata": object{}, "cells": all})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestNotebooks(t *testing.T) {
	type c = []string
	base := nb(c{"a", "stdout:x 1.50\n"}, c{"b", "result:2"}, c{"text", "md:"})
	for name, k := range map[string]struct {
		pub, new string
		rule     manifest.Rule
		want     report.Verdict
		cells    string // code ran differ missing new, then the cells that are not the same
	}{
		"same":                           {base, nb(c{"a", "stdout:x 1.50\n"}, c{"b", "result:2", "#t"}, c{"text", "md:"}), manifest.Rule{}, report.SameContent, "2 2 0 0 0 []"},
		"as printed":                     {base, nb(c{"a", "stdout:x 1.502\n"}, c{"b", "result:2"}, c{"text", "md:"}), manifest.Rule{}, report.SameAsPrinted, "2 2 0 0 0 [1]"},
		"number":                         {base, nb(c{"a", "stdout:x 1.60\n"}, c{"b", "result:2"}, c{"text", "md:"}), manifest.Rule{}, report.Differs, "2 2 1 0 0 [1]"},
		"inserted cell":                  {base, nb(c{"new"}, c{"a", "stdout:x 1.50\n"}, c{"b", "result:2"}, c{"text", "md:"}), manifest.Rule{}, report.Differs, "2 2 0 0 1 [1]"},
		"cell gone":                      {base, nb(c{"b", "result:2"}, c{"text", "md:"}), manifest.Rule{}, report.Differs, "2 1 0 1 0 [1]"},
		"not run":                        {base, nb(c{"a", "unrun"}, c{"b", "unrun"}, c{"text", "md:"}), manifest.Rule{}, report.Differs, "2 0 2 0 0 [1 2]"},
		"source":                         {base, nb(c{"a2", "stdout:x 1.50\n"}, c{"b", "result:2"}, c{"text", "md:"}), manifest.Rule{}, report.Differs, "2 2 1 0 0 [1]"},
		"markdown":                       {base, nb(c{"a", "stdout:x 1.50\n"}, c{"b", "result:2"}, c{"text!", "md:"}), manifest.Rule{}, report.Differs, "2 2 0 0 0 [3]"},
		"source blanks at end":           {base, nb(c{"a\n", "stdout:x 1.50\n"}, c{"b", "result:2"}, c{"text", "md:"}), manifest.Rule{}, report.SameContent, "2 2 0 0 0 []"},
		"stream split":                   {base, nb(c{"a", "stdout:x", "stdout: 1.50\n"}, c{"b", "result:2"}, c{"text", "md:"}), manifest.Rule{}, report.SameContent, "2 2 0 0 0 []"},
		"stderr before":                  {base, nb(c{"a", "stderr:w\n", "stdout:x 1.50\n"}, c{"b", "result:2"}, c{"text", "md:"}), manifest.Rule{}, report.Differs, "2 2 1 0 0 [1]"},
		"result on stdout":               {base, nb(c{"a", "stdout:x 1.50\n"}, c{"b", "stdout:2\n"}, c{"text", "md:"}), manifest.Rule{}, report.SameContent, "2 2 0 0 0 []"},
		"other result on stdout":         {base, nb(c{"a", "stdout:x 1.50\n"}, c{"b", "stdout:3\n"}, c{"text", "md:"}), manifest.Rule{}, report.Differs, "2 2 1 0 0 [2]"},
		"result gone":                    {base, nb(c{"a", "stdout:x 1.50\n"}, c{"b"}, c{"text", "md:"}), manifest.Rule{}, report.Differs, "2 2 1 0 0 [2]"},
		"cells by number":                {base, nb(c{"a", "stdout:x 1.50\n"}, c{"b", "result:3"}, c{"text", "md:"}), manifest.Rule{Cells: []string{"1"}}, report.SameContent, "1 1 0 0 0 []"},
		"cells by pattern":               {base, nb(c{"a", "stdout:x 1.50\n"}, c{"b", "result:3"}, c{"text", "md:"}), manifest.Rule{Cells: []string{"/^b$/"}}, report.Differs, "1 1 1 0 0 [2]"},
		"cells by tag":                   {nb(c{"a", "result:1", "#keep"}, c{"b", "result:2"}), nb(c{"a", "result:1"}, c{"b", "result:3"}), manifest.Rule{Cells: []string{"keep"}}, report.SameContent, "1 1 0 0 0 []"},
		"new cell with the tag":          {nb(c{"a", "#keep"}), nb(c{"a"}, c{"b", "#keep"}), manifest.Rule{Cells: []string{"keep"}}, report.Differs, "1 1 0 0 1 [2]"},
		"nothing came out":               {nb(c{"a"}), nb(c{"a"}, c{"x", "md:"}), manifest.Rule{Cells: []string{"1"}}, report.NeedsEyes, "1 1 0 0 0 []"},
		"the same nothing":               {nb(c{"a"}, c{"t", "md:"}), nb(c{"a"}, c{"t", "md:"}), manifest.Rule{}, report.NeedsEyes, "1 1 0 0 0 []"},
		"the same, not run":              {nb(c{"a", "unrun", "stdout:x"}), nb(c{"a", "unrun", "stdout:x"}), manifest.Rule{}, report.NeedsEyes, "1 1 0 0 0 []"},
		"the same bytes":                 {base, base, manifest.Rule{}, report.Identical, ""},
		"the same text":                  {nb(c{"t", "md:"}), nb(c{"t", "md:"}), manifest.Rule{}, report.Identical, ""},
		"the same bytes, as bytes":       {nb(c{"a"}), nb(c{"a"}), manifest.Rule{Kind: "exact"}, report.Identical, ""},
		"outputs, and not run":           {nb(c{"a", "stdout:x"}), nb(c{"a", "unrun", "stdout:x"}), manifest.Rule{}, report.NeedsEyes, "1 1 0 0 0 []"},
		"one of two was run":             {nb(c{"a", "stdout:x"}, c{"b", "stdout:y"}), nb(c{"a", "unrun", "stdout:x"}, c{"b", "stdout:y"}), manifest.Rule{}, report.SameContent, "2 2 0 0 0 []"},
		"published without counts":       {nb(c{"a", "unrun", "stdout:x"}), nb(c{"a", "stdout:x"}), manifest.Rule{}, report.SameContent, "1 1 0 0 0 []"},
		"text alone":                     {nb(c{"t", "md:"}), nb(c{"t", "md:", "#x"}), manifest.Rule{}, report.SameContent, "0 0 0 0 0 []"},
		"other new cell":                 {nb(c{"a", "stdout:x", "#keep"}), nb(c{"a", "stdout:x"}, c{"b"}), manifest.Rule{Cells: []string{"keep"}}, report.SameContent, "1 1 0 0 0 []"},
		"cells that are not":             {base, nb(c{"a"}), manifest.Rule{Cells: []string{"9"}}, report.NeedsEyes, ""},
		"attachment":                     {nb(c{"t", "md:", "att:1"}), nb(c{"t", "md:", "att:2"}), manifest.Rule{}, report.Differs, "0 0 0 0 0 [1]"},
		"attachment gone":                {nb(c{"t", "md:", "att:1"}), nb(c{"t", "md:"}), manifest.Rule{}, report.Differs, "0 0 0 0 0 [1]"},
		"widget":                         {nb(c{"a", "widget:1"}), nb(c{"a", "widget:2"}), manifest.Rule{}, report.NeedsEyes, "1 1 1 0 0 [1]"},
		"same widget":                    {nb(c{"a", "widget:1"}), nb(c{"a", "widget:1"}, c{"x", "md:"}), manifest.Rule{}, report.Differs, "1 1 0 0 0 [2]"},
		"error":                          {nb(c{"a", "error:1"}), nb(c{"a", "error:2"}), manifest.Rule{}, report.Differs, "1 1 1 0 0 [1]"},
		"traceback":                      {nb(c{"z"}, c{"a", "error:1"}), nb(c{"z"}, c{"q", "md:"}, c{"a", "error:1"}), manifest.Rule{Cells: []string{"2"}}, report.SameContent, "1 1 0 0 0 []"},
		"second display is html":         {nb(c{"a", "html:<p>1</p>", "html:<p>2</p>"}), nb(c{"a", "html:<p>1</p>", "html:<p>3</p>"}), manifest.Rule{}, report.Differs, "1 1 1 0 0 [1]"},
		"a picture that is none is JSON": {nb(c{"a", "png:!"}), base, manifest.Rule{}, report.Differs, ""},
	} {
		f := finding(t, "a.ipynb", k.pub, k.new, k.rule)
		got := ""
		if c := f.Cells; c != nil {
			var list []int
			for _, cell := range c.List {
				list = append(list, cell.Cell)
			}
			got = fmt.Sprint(c.Code, c.Ran, c.Differ, c.Missing, c.New, list)
		}
		if f.Verdict != k.want || k.cells != "" && got != k.cells {
			t.Errorf("%s: %s, cells %q: %s; want %s, %q", name, f.Verdict, got, f.Reason, k.want, k.cells)
		}
	}
}

// TestNotebookParts holds that a cell that differs is listed with each part
// that does, on both sides.
func TestNotebookParts(t *testing.T) {
	f := finding(t, "a.ipynb", nb([]string{"a", "stdout:x 1\n", "result:5"}), nb([]string{"a", "stderr:w\n", "stdout:x 1\n", "result:6"}), manifest.Rule{})
	if !strings.HasPrefix(f.Reason, "1 of 1 code cells differ; ") || len(f.Cells.List) != 1 {
		t.Fatalf("%s: %+v", f.Reason, f.Cells)
	}
	var got []string
	for _, p := range f.Cells.List[0].Parts {
		got = append(got, fmt.Sprintf("%s %q %q", p.Name, p.Published, p.New))
	}
	if want := []string{`result, text/plain "5" "6"`, `stderr "" "w\n"`}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestNbdime compares the notebooks of nbdime's own tests, each with its
// variants: two are reproduced exactly if what they say is the same, by a
// reading of its own.
func TestNbdime(t *testing.T) {
	folder := os.Getenv("REPRO_WHEELS")
	if folder == "" {
		folder = "/usr/local/share/repro-wheels" // where script/install puts it
	}
	wheels, _ := filepath.Glob(filepath.Join(folder, "nbdime-*.whl"))
	if len(wheels) == 0 {
		t.Skipf("needs the wheel of nbdime in %s", folder)
	}
	archive, err := zip.OpenReader(wheels[0])
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	families := map[string]map[string]string{}
	for _, f := range archive.File {
		if !strings.HasPrefix(f.Name, "nbdime/tests/files/") || path.Ext(f.Name) != ".ipynb" {
			continue
		}
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		in.Close()
		family, _, _ := strings.Cut(strings.TrimSuffix(path.Base(f.Name), ".ipynb"), "--")
		family, _, _ = strings.Cut(family, "-test")
		if families[family] == nil {
			families[family] = map[string]string{}
		}
		families[family][path.Base(f.Name)] = string(b)
	}
	pairs, same := 0, 0
	for _, files := range families {
		for a, x := range files {
			for b, y := range files {
				if a == b {
					continue
				}
				f := finding(t, "a.ipynb", x, y, manifest.Rule{})
				want := said(t, x) == said(t, y)
				if pairs++; want {
					same++
				}
				if f.Verdict.Reproduced() != want {
					t.Errorf("%s and %s: %s: %s; the same: %v", a, b, f.Verdict, f.Reason, want)
				}
			}
		}
	}
	t.Logf("%d pairs, of which %d say the same", pairs, same)
	if pairs < 80 || same == 0 {
		t.Errorf("%d pairs, %d the same", pairs, same)
	}
}

// said is what a notebook says: its cells without counts, ids and metadata, and
// with streams joined.
func said(t *testing.T, text string) string {
	var doc struct {
		Cells []struct {
			Type        string           `json:"cell_type"`
			Source      any              `json:"source"`
			Attachments any              `json:"attachments,omitempty"`
			Outputs     []map[string]any `json:"outputs,omitempty"`
		} `json:"cells"`
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	flat := func(v any) string {
		if list, ok := v.([]any); ok {
			out := ""
			for _, e := range list {
				out += fmt.Sprint(e)
			}
			return out
		}
		return fmt.Sprint(v)
	}
	var b bytes.Buffer
	for _, c := range doc.Cells {
		attached := ""
		if m, ok := c.Attachments.(map[string]any); ok && len(m) > 0 {
			attached = fmt.Sprint(m)
		}
		fmt.Fprintf(&b, "%s %q %s\n", c.Type, strings.TrimRight(flat(c.Source), " \t\r\n"), attached)
		streams := map[string]string{}
		for _, o := range c.Outputs {
			if o["output_type"] == "stream" {
				streams[fmt.Sprint(o["name"])] += flat(o["text"])
				continue
			}
			data := map[string]string{}
			if m, ok := o["data"].(map[string]any); ok {
				for mime, v := range m {
					data[mime] = strings.TrimRight(flat(v), " \n")
				}
			}
			fmt.Fprintf(&b, "  %v %v %v %v\n", o["output_type"], data, o["ename"], o["evalue"])
		}
		fmt.Fprintln(&b, streams)
	}
	return b.String()
}
