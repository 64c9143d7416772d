package build

import (
	"io"
	"strings"
	"testing"

	"repro/format/tree"
	"repro/recipe"
)

// TestBare holds that steps see a published notebook without its outputs where
// code names it, and no other published file.
func TestBare(t *testing.T) {
	const whole = `{"cells":[{"cell_type":"code","outputs":[{"output_type":"stream","name":"stdout","text":"42"}],"source":"x"}],"metadata":{},"nbformat":4}`
	node := func(text string) *tree.Node {
		return &tree.Node{Mode: 0o644, Size: int64(len(text)), Stamp: "s", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
	}
	for _, c := range []struct {
		name, text string
		code       string
		seen       bool
		problem    string
	}{
		{"a.ipynb", whole, "a.ipynb", true, ""},
		{"a.ipynb", whole, "b.py", false, ""},
		{"a.csv", "1", "a.csv", false, ""},
		{"a.ipynb", "{}", "a.ipynb", false, "not a notebook"},
	} {
		b := &builder{code: tree.NewDir(), data: tree.NewDir(), published: tree.NewDir()}
		ch := newChoice(&recipe.Recipe{Code: []recipe.Text{{Value: c.code}}, Results: []recipe.Result{{Published: recipe.Text{Value: c.name}}}})
		b.share(ch, c.name, node(c.text))
		if b.published.Lookup(c.name) == nil {
			t.Errorf("%s: not published", c.name)
		}
		n := b.code.Lookup("paper/" + c.name)
		if (n != nil) != c.seen || (len(b.notebooks) > 0) != c.seen {
			t.Errorf("%s: seen %v, notebooks %v", c.name, n != nil, b.notebooks)
		}
		if c.problem == "" != (len(b.problems) == 0) || c.problem != "" && !strings.Contains(b.problems[0].Text, c.problem) {
			t.Errorf("%s: %v", c.name, b.problems)
		}
		if n == nil {
			continue
		}
		in, err := n.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err != nil || strings.Contains(string(content), "42") || int64(len(content)) != n.Size || n.Stamp != "" {
			t.Errorf("%s: %s (%v), size %d, stamp %q", c.name, content, err, n.Size, n.Stamp)
		}
	}
}

// TestNotebooksWithoutOutputs are warned of where they are published.
func TestNotebooksWithoutOutputs(t *testing.T) {
	const cells = `{"cells":[{"cell_type":"markdown","source":"x"},{"cell_type":"code","outputs":[OUT],"source":"x"},{"cell_type":"code","outputs":[],"source":"y"}],"metadata":{},"nbformat":FORMAT}`
	for _, c := range []struct {
		name, out, format string
		want              bool
	}{
		{"a.ipynb", "", "4", true},
		{"a.ipynb", `{"output_type":"stream","name":"stdout","text":"42"}`, "4", false},
		{"a.ipynb", "", "3", false}, // is compared otherwise
		{"a.json", "", "4", false},
	} {
		text := strings.NewReplacer("OUT", c.out, "FORMAT", c.format).Replace(cells)
		var told []string
		b := &builder{published: tree.NewDir()}
		b.Recipe = &recipe.Recipe{Results: []recipe.Result{{Published: recipe.Text{Value: c.name}}}}
		b.Warn = func(p recipe.Problem) { told = append(told, p.Text) }
		put(b.published, c.name, &tree.Node{Mode: 0o644, Size: int64(len(text)), Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }})
		if err := b.checkNotebooks(); err != nil {
			t.Fatal(err)
		}
		if (len(told) == 1) != c.want || c.want && !strings.Contains(told[0], "none of its 2 code cells") {
			t.Errorf("%+v: told %q", c, told)
		}
	}
}
