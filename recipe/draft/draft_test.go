package draft

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFolder(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"empty", nil, []string{"title: Title of the paper", "command: [sh, run.sh]   # no script"}},
		{
			"script", map[string]string{"run.sh": "#!/bin/sh\n", "data/x.dat": "1", "data/y.dat": "2", "results/t1.csv": "a", "results/fig 1.png": "b", "notes/a.bin": ""},
			[]string{"command: [sh, run.sh]", "  - path: data/\n", "      - results/fig 1.png\n", "name: fig-1", "code:\n  - run.sh\n"},
		},
		{
			"python", map[string]string{"main.py": "", "src/a.py": "", "src/b.csv": "", "requirements.txt": ""},
			[]string{"command: [python3, main.py]", "  - \"src/**/*.py\"", "  - path: \"src/**/*.csv\"", `programs: [python3, sh]`, "# requirements.txt says what it is to have"},
		},
		{
			"codecheck", map[string]string{
				"codecheck.yml": "---\nversion: https://codecheck.org.uk/spec/config/1.0/\npaper:\n  title: On Flies\n  authors:\n    - name: Ada Lovelace\n      ORCID: 0000-0002-1825-0097\n  reference: https://doi.org/10.1234/abc\nmanifest:\n  - file: plots/one.eps\n    comment: Figure 1\n  - file: gone.csv\n",
				"plots/one.eps": "%!PS", "codecheck/outputs/one.eps": "%!PS", "codecheck/notes.csv": "1", "main.R": "", "CITATION.cff": "title: Other\nabstract: What was found.\nlicense: [MIT, GPL-3.0-only]\n",
			},
			[]string{
				"title: On Flies   # from codecheck.yml", "authors:   # from codecheck.yml\n  - name: Ada Lovelace\n    orcid: \"0000-0002-1825-0097\"", `doi: "10.1234/abc"   # from codecheck.yml`, "# licence:",
				"# codecheck.yml lists gone.csv, which is not here.", "abstract: \"What was found.\"   # from CITATION.cff", "results:   # from codecheck.yml\n  - name: one\n    output: plots/one.eps\n    published: {author: plots/one.eps, codechecker: codecheck/outputs/one.eps}\n    claim: Figure 1\n", "command: [Rscript, main.R]",
			},
		},
		{"a codechecker's files are no inputs", map[string]string{"codecheck/notes.csv": "1", "main.R": ""}, []string{"# data:\n"}},
		{
			"README's commands", map[string]string{"README.md": "# T\n```bash\npip install -r requirements.txt\npython clean.py --fast\nRscript install.R\nRscript fit.R\ngit clone x\npython 'a b.py'\npython nosuch.py\n```\n", "clean.py": "", "fit.R": "", "install.R": ""},
			[]string{"- name: step-1\n    command: [python3, clean.py, \"--fast\"]   # from README.md", "- name: step-2\n    command: [Rscript, fit.R]   # from README.md\n    needs: [step-1]"},
		},
		{"R Markdown", map[string]string{"paper.Rmd": "", "README.Rmd": ""}, []string{`command: [Rscript, "-e", "rmarkdown::render(\"paper.Rmd\")"]   # from paper.Rmd`}},
		{"Rout.save", map[string]string{"t.R": "", "t.Rout.save": "x"}, []string{"    outputs:\n      - t.Rout\n", "    output: t.Rout\n    published: t.Rout.save\n"}},
		{"Octave", map[string]string{"helper.m": "% helps\nfunction y = helper(x)\n", "go.m": "x = helper(1)\n"}, []string{"command: [octave-cli, go.m]"}},
		{"never install", map[string]string{"install.sh": "", "setup.py": "", "z.sh": ""}, []string{"command: [sh, z.sh]"}},
		{"image", map[string]string{"run.sh": "", "image/oci-layout": "{}", "image/index.json": "{}"}, []string{"environment:\n  oci: image   # lies in the folder"}},
		{"saved image", map[string]string{"run.sh": "", "image.tar": "manifest.json\x00", "other.tar": "data.csv\x00"}, []string{"environment:\n  oci: image.tar"}},
		{"make", map[string]string{"Makefile": "all:", "a.c": ""}, []string{"command: [make]", "programs: [cc, make, sh]"}},
		{"shebang", map[string]string{"analyse": "#!/usr/bin/env python3\n"}, []string{"command: [python3, analyse]"}},
		{
			"many", map[string]string{"1.dat": "", "2.dat": "", "3.dat": "", "4.dat": "", "5.dat": "", "6.dat": "", "7.csv": "", "code/only.awk": ""},
			[]string{"  - path: \"*.dat\"\n", "  - path: \"7.csv\"\n", "command: [awk, \"-f\", code/only.awk]"},
		},
		{"notebook", map[string]string{"a.ipynb": "{}"}, []string{`"--execute"`}},
		{"numpy", map[string]string{"a.py": "import csv\nfrom scipy import stats\n"}, []string{"    cpu: portable-v3   # scipy chooses"}},
		{"numpy with results", map[string]string{"a.ipynb": "{\"source\": [\n  \"import numpy as np\\n\"]}", "results/x.csv": "1"}, []string{"    # cpu: portable-v3   # numpy chooses"}},
		{"Octave computes", map[string]string{"go.m": "x = 1\n"}, []string{"    cpu: portable-v3   # octave-cli chooses"}},
		{
			"awkward names", map[string]string{"true": "#!/bin/sh\n", "a: b.sh": "", "#x.sh": "", "!y.sh": "", "-1.sh": "", "results/1e5.csv": "", "results/…/1e5.csv": "", "data/é \"q\".csv": "", "[x].sh": "", "data/a\nb.csv": ""},
			[]string{`- "true"`, `"1e5-2"`, `"#x.sh"`},
		},
		{
			"citation", map[string]string{
				"CITATION.cff": "cff-version: 1.2.0\ntitle: \"My: work\"\nlicense: MIT\ndoi: 10.5281/zenodo.99\ndate-released: 2025-03-04\nauthors:\n  - family-names: Lovelace\n    given-names: Ada\n    orcid: https://orcid.org/0000-0002-1825-0097\n  - name: A Team\n",
				"README.md":    "# Other\n",
			},
			[]string{`title: "My: work"`, "licence: MIT", "doi: \"10.5281/zenodo.99\"", "date: 2025-03-04", "  - name: Ada Lovelace\n    orcid: \"0000-0002-1825-0097\"", "  - name: A Team"},
		},
		{"readme", map[string]string{"README.md": "\n# The Paper\n", "LICENSE": "MIT License\n\nCopyright"}, []string{"title: The Paper", "licence: MIT"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			when := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
			for name, content := range c.files {
				at := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(at, []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(at, when, when); err != nil {
					t.Fatal(err)
				}
			}
			d, err := Folder(dir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range c.want {
				if !strings.Contains(string(d.Text), want) {
					t.Errorf("no %q in\n%s", want, d.Text)
				}
			}
			if again, err := Folder(dir, Options{}); err != nil || !bytes.Equal(d.Text, again.Text) {
				t.Errorf("a second call gives other bytes: %v", err)
			}
		})
	}
}

// TestEnvironmentOfTheFolder holds which program a name means.
func TestEnvironmentOfTheFolder(t *testing.T) {
	dir, machine := t.TempDir(), t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(dir+"/main.py", "")
	write(machine+"/pyenv/shims/python3", "")
	write(machine+"/pyenv/version", "3.11.7\n")
	write(machine+"/pyenv/versions/3.11.7/bin/python3", "")
	write(machine+"/pyenv/versions/3.12.0/bin/python3", "")
	o := Options{Path: machine + "/pyenv/shims:" + machine + "/bin"}
	says := func(want string) *Draft {
		t.Helper()
		d, err := Folder(dir, o)
		if err != nil || !strings.Contains(string(d.Text), want) {
			t.Fatalf("%v: no %q in\n%s", err, want, d.Text)
		}
		return d
	}
	says(`command: ["` + machine + `/pyenv/versions/3.11.7/bin/python3", main.py]`)
	write(dir+"/.python-version", "3.12.0\n")
	says(`programs: ["` + machine + `/pyenv/versions/3.12.0/bin/python3", sh]`)
	write(dir+"/.venv/pyvenv.cfg", "")
	write(dir+"/.venv/bin/python3", "")
	d := says(`programs: ["` + dir + `/.venv/bin/python3", sh]`)
	if len(d.Notes) != 1 || !strings.Contains(d.Notes[0], "`repro capture -- .venv/bin/python3 main.py`") {
		t.Errorf("notes %q", d.Notes)
	}
}

func TestGitAuthor(t *testing.T) {
	dir, home := t.TempDir(), t.TempDir()
	if err := os.WriteFile(home+"/.gitconfig", []byte("[core]\n\tname = no\n[user]\n\tname = Ada Lovelace\n\temail = ada@example.org\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := Folder(dir, Options{Home: home})
	if want := "authors:   # from git's user.name\n  - name: Ada Lovelace\n"; err != nil || !strings.Contains(string(d.Text), want) || strings.Contains(string(d.Text), "ada@example.org") {
		t.Errorf("%v: no %q in\n%s", err, want, d.Text)
	}
	if d, err = Folder(dir, Options{}); err != nil || !strings.Contains(string(d.Text), "name: Your Name") {
		t.Errorf("without a home: %v\n%s", err, d.Text)
	}
}
