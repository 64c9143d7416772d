package recipe

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestInit(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"empty", nil, []string{"title: Title of the paper", "command: [sh, run.sh]   # no script"}},
		{
			"script", map[string]string{"run.sh": "#!/bin/sh\n", "data/x.dat": "1", "data/y.dat": "2", "results/t1.csv": "a", "results/fig 1.png": "b", "notes/a.bin": ""},
			[]string{"command: [sh, run.sh]", "  - path: data/\n", "      - results/fig 1.png\n", "name: \"fig-1\"", "code:\n  - run.sh\n"},
		},
		{
			"python", map[string]string{"main.py": "", "src/a.py": "", "src/b.csv": "", "requirements.txt": ""},
			[]string{"command: [python3, main.py]", "  - \"src/**/*.py\"", "  - path: \"src/**/*.csv\"", `files: ["/usr/lib*/python3*"]`},
		},
		{"make", map[string]string{"Makefile": "all:", "a.c": ""}, []string{"command: [make]", "programs: [make, sh]"}},
		{"shebang", map[string]string{"analyse": "#!/usr/bin/env python3\n"}, []string{"command: [python3, analyse]"}},
		{
			"many", map[string]string{"1.dat": "", "2.dat": "", "3.dat": "", "4.dat": "", "5.dat": "", "6.dat": "", "7.csv": "", "code/only.awk": ""},
			[]string{"  - path: \"*.dat\"\n", "  - path: \"7.csv\"\n", "command: [awk, \"-f\", code/only.awk]"},
		},
		{"notebook", map[string]string{"a.ipynb": "{}"}, []string{`"--execute"`}},
		{
			"awkward names", map[string]string{"true": "#!/bin/sh\n", "a: b.sh": "", "#x.sh": "", "!y.sh": "", "-1.sh": "", "results/1e5.csv": "", "results/…/1e5.csv": "", "data/é \"q\".csv": "", "[x].sh": "", "data/a\nb.csv": ""},
			[]string{`- "true"`, `"1e5-2"`, `"#x.sh"`},
		},
		{
			"citation", map[string]string{
				"CITATION.cff": "cff-version: 1.2.0\ntitle: \"My: work\"\nlicense: MIT\ndoi: 10.5281/zenodo.99\ndate-released: 2025-03-04\nauthors:\n  - family-names: Lovelace\n    given-names: Ada\n    orcid: https://orcid.org/0000-0002-1825-0097\n  - name: A Team\n",
				"README.md":    "# Other\n",
			},
			[]string{`title: "My: work"`, "licence: MIT", "doi: 10.5281/zenodo.99", "date: 2025-03-04", "  - name: Ada Lovelace\n    orcid: 0000-0002-1825-0097", "  - name: A Team"},
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
			b, err := Init(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range c.want {
				if !strings.Contains(string(b), want) {
					t.Errorf("no %q in\n%s", want, b)
				}
			}
			if again, err := Init(dir); err != nil || !bytes.Equal(b, again) {
				t.Errorf("a second call gives other bytes: %v", err)
			}
			if err := compileSchema(t).Validate(asJSON(t, b)); err != nil {
				t.Errorf("the schema refuses it: %v\n%s", err, b)
			}
		})
	}
}
