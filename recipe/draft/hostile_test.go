package draft

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"repro/recipe"
)

// TestHostile: whatever lies in a folder, a recipe comes of it that can be
// read, and that names nothing outside of the folder and no link.
func TestHostile(t *testing.T) {
	many := "manifest:\n"
	for i := range maxResults + 10 {
		many += "  - file: results/" + strconv.Itoa(i) + ".csv\n"
	}
	for _, c := range []struct {
		name  string
		files map[string]string
		links map[string]string
		want  string // in the recipe
		not   string
	}{
		{"a huge manifest", map[string]string{"codecheck.yml": many, "results/3.csv": "1"}, nil, "output: results/3.csv", ""},
		{"a huge file", map[string]string{"codecheck.yml": "paper:\n  title: T\n#" + strings.Repeat("x", maxPeek)}, nil, recipe.PlaceholderTitle, ""},
		{"deep", map[string]string{"codecheck.yml": strings.Repeat("[", 5000), ".zenodo.json": strings.Repeat("[", 5000), "pyproject.toml": "a=" + strings.Repeat("[", 5000)}, nil, recipe.PlaceholderTitle, ""},
		{"binary", map[string]string{"codecheck.yml": "\x00\xff", "CITATION.cff": "\x00", "README.md": "\xff\xfe\x00\x01", "DESCRIPTION": "\x00:\x00", "LICENSE": "\x00", "Makefile": "\x00\xff", "run.sh": "\x00\xff"}, nil, "command: [make]", ""},
		{"characters that turn a line", map[string]string{"codecheck.yml": "paper:\n  title: \"a\u202eb\"\nmanifest:\n  - file: \"results/x\u202egnp.csv\"\n    comment: \"\u2066c\"\n", "results/x\u202egnp.csv": "1", "y\u202e.sh": "#!/bin/sh\n"}, nil, `title: "a\U0000202eb"`, "\u202e"},
		{"a file outside", map[string]string{"codecheck.yml": "manifest:\n  - file: ../../etc/passwd\n  - file: /etc/passwd\n"}, nil, "# results:", "passwd"},
		{"a link outside", map[string]string{"codecheck.yml": "manifest:\n  - file: f.csv\n  - file: etc/passwd\n"}, map[string]string{"f.csv": "/etc/passwd", "etc": "/etc", "README.md": "/etc/passwd", "run.sh": "/bin/sh"}, "lists etc/passwd, which is not here", "root:"},
		{"a folder as a result", map[string]string{"codecheck.yml": "manifest:\n  - file: out\n  - file: out/\n", "out/a.bin": "1"}, nil, "lists out, which is not here", "output: out"},
		{"a folder as a manifest", map[string]string{"codecheck.yml/x": "1", "README.md/x": "1", "Makefile/x": "1"}, nil, "[sh, run.sh]   # no script", ""},
		{"a link that goes round", map[string]string{"a.sh": ""}, map[string]string{"codecheck.yml": "codecheck.yml", "d": "."}, "command: [sh, a.sh]", ""},
		{"text that looks like a key", map[string]string{"codecheck.yml": "paper:\n  title: \"T\\nlicence: MIT\"\n  authors: \"A\\n    orcid: x\"\nmanifest:\n  - file: \"a: b, {c}.csv\"\n    comment: \"x\\n  - name: y\"\n", "a: b, {c}.csv": "1", "codecheck/a: b, {c}.csv": "1"}, nil, `published: {author: "a: b, {c}.csv", codechecker: "codecheck/a: b, {c}.csv"}`, "\nlicence:"},
	} {
		dir := folder(t, c.files)
		for name, target := range c.links {
			if err := os.Symlink(target, dir+"/"+name); err != nil {
				t.Fatal(err)
			}
		}
		d, err := Folder(dir, Options{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if text := string(d.Text); !strings.Contains(text, c.want) || c.not != "" && strings.Contains(text, c.not) {
			t.Errorf("%s: no %q, or %q, in\n%s", c.name, c.want, c.not, text)
		}
		if _, err := recipe.Parse("x", d.Text); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestManyResults: no more results are listed than [maxResults].
func TestManyResults(t *testing.T) {
	files := map[string]string{}
	for i := range maxResults + 3 {
		files["results/"+strconv.Itoa(i)+".csv"] = ""
	}
	start := time.Now()
	d, err := Folder(folder(t, files), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(d.Text), "\n    output: "); n != maxResults || !strings.Contains(string(d.Text), "# Beside these 3 more files") {
		t.Errorf("%d results", n)
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("took %v", took)
	}
}
