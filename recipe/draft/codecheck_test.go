package draft

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// folder writes files below a new folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestReadCodecheck holds the forms in which people fill in a codecheck.yml.
func TestReadCodecheck(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       work
	}{
		{"authors in one text, as in the format's beginnings", "paper:\n  title: T\n  authors: A B; C D\n  reference: Paper to appear.\n", work{title: "T", authors: []author{{name: "A B"}, {name: "C D"}}}},
		{"authors by commas", "paper:\n  authors: A B, C D and E F\n", work{authors: []author{{name: "A B"}, {name: "C D"}, {name: "E F"}}}},
		{"authors as texts", "paper:\n  authors:\n    - A B <https://orcid.org/0000-0002-1825-0097>\n    - C D (Porto)\n", work{authors: []author{{name: "A B", orcid: "0000-0002-1825-0097"}, {name: "C D"}}}},
		{"ORCID as an address", "paper:\n  authors:\n    - name: A B\n      orcid: https://orcid.org/0000-0002-1825-0097\n", work{authors: []author{{name: "A B", orcid: "https://orcid.org/0000-0002-1825-0097"}}}},
		{"a directive, and an author without a name", "%YAML 1.1\n---\npaper:\n  title: >\n    T\n  authors:\n    - name:\n", work{title: "T\n", authors: []author{{}}}},
		{"only a manifest", "manifest:\n  - file: ./Fig 2.pdf", work{results: []published{{"Fig 2.pdf", ""}}}},
		{"a manifest of names", "manifest:\n  - a.csv\n  - file: b.csv\n    comment: \"Table\n      2\"\n", work{results: []published{{"a.csv", ""}, {"b.csv", "Table 2"}}}},
		{"files that lead out", "manifest:\n  - file: ../a.csv\n  - file: /etc/passwd\n  - file: b/../../c\n  - file: .\n  - file: ..\n  - file: \"\"\n  - file: [a]\n", work{}},
		{"other things in places", "paper: [1]\nmanifest: {a: b}\n", work{}},
		{"not YAML", "paper: [", work{}},
		{"not text", "\xff\xfe\x00", work{}},
	} {
		if got := readCodecheck([]byte(c.text)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got\n%+v, want\n%+v", c.name, got, c.want)
		}
	}
}

// TestDOIIn holds how people write what they refer to.
func TestDOIIn(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"https://doi.org/10.1234/abc", "10.1234/abc"},
		{"bioRxiv (2020)\nhttps://www.biorxiv.org/content/10.1101/2020.06.02.129502v1\n", "10.1101/2020.06.02.129502"},
		{"https://www.medrxiv.org/content/10.1101/2020.06.02.129502v2.full.pdf", "10.1101/2020.06.02.129502"},
		{"https://doi.org/10.5281/zenodo.1v2", "10.5281/zenodo.1v2"},
		{"PNAS 79 (8) 2554; doi: 10.1073/pnas.79.8.2554.", "10.1073/pnas.79.8.2554"},
		{"<https://doi.org/10.1109/TSMC.1983.6313077>", "10.1109/TSMC.1983.6313077"},
		{"Network (1992) 3:61-70 <http://example.org/7dcf/a42.pdf>", ""},
		{"http://doi.org/10.5281/zenodo.FIXME", ""},
		{"version 10.1/2", ""},
		{"Under review.", ""},
	} {
		if got := doiIn(c.text); got != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
}

// TestManifest holds which files the names of a manifest stand for, and which
// published sets come of them.
func TestManifest(t *testing.T) {
	for _, c := range []struct {
		name     string
		manifest string
		files    string // separated by spaces
		want     []result
		not      string
	}{
		{"where it says", "a/f.png", "a/f.png", []result{{output: "a/f.png", author: "a/f.png"}}, "published"},
		{"copied to outputs", "a/f.png", "a/f.png codecheck/outputs/f.png", []result{{output: "a/f.png", author: "a/f.png", codechecker: "codecheck/outputs/f.png"}}, ""},
		{"copied with its folder", "a/f.png", "a/f.png codecheck/outputs/a/f.png", []result{{output: "a/f.png", author: "a/f.png", codechecker: "codecheck/outputs/a/f.png"}}, ""},
		{"copied beside the certificate", "f.md", "f.md codecheck/f.md", []result{{output: "f.md", author: "f.md", codechecker: "codecheck/f.md"}}, ""},
		{"without its folder", "f.png", "code/f.png", []result{{output: "code/f.png", author: "code/f.png"}}, ""},
		{"without its folder, twice", "f.png", "a/f.png b/f.png", nil, "results:\n  -"},
		{"other capitals", "boxAll.png", "BoxALL.png", []result{{output: "BoxALL.png", author: "BoxALL.png"}}, ""},
		{"only the codechecker's", "f.tif", "f.png codecheck/outputs/f.tif", []result{{output: "f.tif", codechecker: "codecheck/outputs/f.tif"}}, ""},
		{"named below codecheck", "codecheck/figures/f.png", "codecheck/figures/f.png codecheck/outputs/f.png", []result{{output: "codecheck/figures/f.png", codechecker: "codecheck/figures/f.png"}}, "published: "},
		{"named below codecheck, with the author's", "codecheck/figures/f.png", "out/f.png codecheck/figures/f.png", []result{{output: "out/f.png", author: "out/f.png", codechecker: "codecheck/figures/f.png"}}, ""},
		{"twice in the manifest", "f.png f.png", "f.png", []result{{output: "f.png", author: "f.png"}}, ""},
		{"what it does not list", "results/a.csv", "results/a.csv results/b.csv x.Rout.save", []result{{output: "results/a.csv", author: "results/a.csv"}, {output: "x.Rout", author: "x.Rout.save"}}, "results/b.csv"},
		{"none of it is here", "z.csv", "results/b.csv", []result{{output: "results/b.csv", author: "results/b.csv"}}, ""},
	} {
		files := map[string]string{"codecheck.yml": "manifest:\n"}
		for f := range strings.FieldsSeq(c.manifest) {
			files["codecheck.yml"] += "  - file: " + f + "\n"
		}
		for f := range strings.FieldsSeq(c.files) {
			files[f] = "1"
		}
		dir := folder(t, files)
		d, err := Folder(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		root, _ := os.OpenRoot(dir)
		w := &draft{root: root.FS(), known: describe(root.FS())}
		w.files, w.day, w.there, _ = scan(w.root)
		w.claimResults()
		if !reflect.DeepEqual(w.results, c.want) {
			t.Errorf("%s: got\n%+v, want\n%+v", c.name, w.results, c.want)
		}
		if body := strings.Join(uncommented(string(d.Text)), "\n"); c.not != "" && strings.Contains(body, c.not) {
			t.Errorf("%s: %q in\n%s", c.name, c.not, body)
		}
		if strings.Contains(string(d.Text), "  - path: ") {
			t.Errorf("%s: a result is data, too:\n%s", c.name, d.Text)
		}
	}
}

func uncommented(text string) (lines []string) {
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines
}

// TestPublished holds how the published sets are written.
func TestPublished(t *testing.T) {
	for _, c := range []struct {
		r    result
		want string
	}{
		{result{output: "a", author: "a"}, ""},
		{result{output: "t.Rout", author: "t.Rout.save"}, "    published: t.Rout.save\n"},
		{result{output: "a", author: "a", codechecker: "codecheck/a,b}"}, "    published: {author: a, codechecker: \"codecheck/a,b}\"}\n"},
		{result{output: "a", codechecker: "codecheck/a"}, "    published: codecheck/a   # a codechecker's own\n"},
		{result{output: "codecheck/a", codechecker: "codecheck/a"}, "    # a codechecker's own: write where the steps leave it, and \"published\" for this\n"},
	} {
		if got := c.r.published(); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.r, got, c.want)
		}
	}
}
