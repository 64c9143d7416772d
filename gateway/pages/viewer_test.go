package pages

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"
)

const png = "\x89PNG\r\n\x1a\n rest"

func TestViewFile(t *testing.T) {
	for _, c := range []struct {
		name, content string
		plain         bool
		want          string // how it is shown
	}{
		{"a.txt", "x\ty\r\nz\n", false, "lines 2"},
		{"a.txt", "", false, "lines 1"},
		{"a.txt", "\xff", false, "none"},
		{"a.txt", "a\x00", false, "none"},
		{"a.txt", strings.Repeat("x", maxText), false, "lines 1"},
		{"a.txt", strings.Repeat("x", maxText+1), false, "none"},
		{"a.png", png, false, "picture"},
		{"a.png", "not one", false, "lines 1"},
		{"a.svg", "<svg xmlns='x'/>", false, "picture"},
		{"a.svg", "<svg xmlns='x'/>", true, "lines 1"},
		{"a.csv", "a,b\n1,2\n3,4\n", false, "table 2x2"},
		{"A.CSV", "\ufeffa,b\n1\n", false, "table 2x1"},
		{"a.tsv", "a\tb\n1\t2\n", false, "table 2x1"},
		{"a.csv", "a,b\n1,2\n", true, "lines 2"},
		{"a.csv", "", false, "lines 1"},
		{"a.csv", "a\n\"open\n", false, "table 1x1"},
		{"a.ipynb", `{"cells":[{"cell_type":"code","source":["x\n","y"],"execution_count":3}]}`, false, "notebook 1"},
		{"a.ipynb", `{"cells":[]}`, false, "lines 1"},
		{"a.ipynb", `no JSON`, false, "lines 1"},
		{"a.html", "<script>alert(1)</script>", false, "lines 1"},
	} {
		s, ok := viewFile(c.name, []byte(c.content), c.plain)
		got := fmt.Sprintf("lines %d", len(s.Lines))
		switch {
		case !ok:
			got = "none"
		case s.Picture:
			got = "picture"
		case s.Head != nil:
			got = fmt.Sprintf("table %dx%d", len(s.Head), len(s.Rows))
		case s.Notebook != nil:
			got = fmt.Sprintf("notebook %d", len(s.Notebook))
		}
		if got != c.want {
			t.Errorf("%s %.20q: %s, want %s", c.name, c.content, got, c.want)
		}
	}
}

// TestViewLimits: what a page leaves out, it says.
func TestViewLimits(t *testing.T) {
	wide := strings.Repeat("1,", maxColumns) + "1\n"
	s, _ := viewFile("a.csv", []byte(strings.Repeat("1\n", maxRows+1)+wide), false)
	if len(s.Rows) != maxRows-1 || s.More == "" {
		t.Errorf("%d rows, %q", len(s.Rows), s.More)
	}
	if s, _ := viewFile("a.csv", []byte(wide), false); len(s.Head) != maxColumns || s.More == "" {
		t.Errorf("%d columns, %q", len(s.Head), s.More)
	}
	if s, _ := viewFile("a.csv", []byte(strings.Repeat("1,", maxColumns-1)+"1\n"), false); len(s.Head) != maxColumns || s.More != "" {
		t.Errorf("%d columns, %q", len(s.Head), s.More)
	}
	cells, _ := json.Marshal(map[string]any{"cells": make([]struct{}, maxCells+1)})
	if s, _ := viewFile("a.ipynb", cells, false); len(s.Notebook) != maxCells || s.More == "" {
		t.Errorf("%d cells, %q", len(s.Notebook), s.More)
	}
}

// TestNotebook takes one apart: texts clean, pictures by number.
func TestNotebook(t *testing.T) {
	one, two := base64.StdEncoding.EncodeToString([]byte(png+"1")), base64.StdEncoding.EncodeToString([]byte(png+"2"))
	b, err := json.Marshal(map[string]any{"cells": []any{
		map[string]any{"cell_type": "markdown", "source": "# T \u202e<b>"},
		map[string]any{"cell_type": "code", "source": []string{"a\n", "b"}, "execution_count": 7, "outputs": []any{
			map[string]any{"text": []string{"out\n", "more"}},
			map[string]any{"data": map[string]any{"image/png": one[:8] + "\n" + one[8:], "text/plain": "<Figure>"}},
			map[string]any{"data": map[string]any{"text/plain": []string{"42"}}},
			map[string]any{"data": map[string]any{"text/html": "<b>x</b>", "image/jpeg": two}},
			map[string]any{"ename": "ValueError", "evalue": "bad \x1b[31m"},
			map[string]any{"data": map[string]any{"application/pdf": "x"}},
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	s, ok := viewFile("n.ipynb", b, false)
	if !ok || len(s.Notebook) != 2 || s.Notebook[0].Source != `# T \u202e<b>` || s.Notebook[1].Count != "7" || s.Notebook[1].Source != "a\nb" {
		t.Fatalf("%+v", s)
	}
	got := fmt.Sprintf("%+v", s.Notebook[1].Outputs)
	if want := `[{Text:out` + "\n" + `more Picture:0 Other:} {Text: Picture:1 Other:} {Text:42 Picture:0 Other:} {Text: Picture:2 Other:} {Text:ValueError: bad \u001b[31m Picture:0 Other:} {Text: Picture:0 Other:An output of a type that is not shown here.}]`; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	for n, want := range map[int]string{0: "", 1: png + "1", 2: png + "2", 3: "", -1: ""} {
		if got := string(notebookPicture(b, n)); got != want {
			t.Errorf("picture %d: %q, want %q", n, got, want)
		}
	}
	if notebookPicture([]byte(`{"cells":[{"outputs":[{"data":{"image/png":"%%%"}}]}]}`), 1) != nil {
		t.Error("no base64 is a picture")
	}
}

// TestSendPicture: no script of a picture runs, whoever opens it.
func TestSendPicture(t *testing.T) {
	w := httptest.NewRecorder()
	if err := sendPicture(w, "a.svg", []byte("<svg onload='alert(1)'/>")); err != nil {
		t.Fatal(err)
	}
	h := w.Header()
	if h.Get("Content-Type") != "image/svg+xml" || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("%v", h)
	}
	if sendPicture(httptest.NewRecorder(), "a.html", []byte("<html><script>")) == nil {
		t.Error("a page is a picture")
	}
}

// FuzzViewFile: whatever a file holds, what is shown is bounded, and clean.
func FuzzViewFile(f *testing.F) {
	for _, s := range []string{"a,b\n1,2", "a\t\"b\n", `{"cells":[{"source":1,"outputs":[{"data":{"image/png":["aGk="]}}]}]}`, png, "\u202e", "\x1b[31m"} {
		for kind := range uint8(4) {
			f.Add(s, kind)
		}
	}
	f.Fuzz(func(t *testing.T, content string, kind uint8) {
		name := "x" + []string{".csv", ".tsv", ".ipynb", ".txt"}[kind%4]
		s, ok := viewFile(name, []byte(content), false)
		if !ok {
			return
		}
		if len(s.Rows) > maxRows || len(s.Notebook) > maxCells {
			t.Errorf("%d rows, %d cells", len(s.Rows), len(s.Notebook))
		}
		texts := append(append([]string{}, s.Lines...), s.Head...)
		for _, row := range s.Rows {
			texts = append(texts, row...)
		}
		for _, c := range s.Notebook {
			texts = append(texts, c.Kind, c.Source, c.Count)
			for _, o := range c.Outputs {
				texts = append(texts, o.Text)
			}
		}
		for _, text := range texts {
			if strings.ContainsAny(text, "\u202e\x1b\x00\r") || !utf8.ValidString(text) {
				t.Errorf("%q is shown", text)
			}
		}
		notebookPicture([]byte(content), 1)
	})
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		query string
		want  bool
	}{{"", true}, {"NUM", true}, {"num 1.26", true}, {"num 2.0", false}, {"bsd num", true}} {
		if got := matches(c.query, "numpy", "1.26.4", "BSD-3-Clause"); got != c.want {
			t.Errorf("%q: %v", c.query, got)
		}
	}
}

func TestSizeWords(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 1023: "1023 bytes", 1024: "1 KiB", 1536: "1.5 KiB", 3 << 30: "3 GiB"} {
		if got := sizeWords(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
