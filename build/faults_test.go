package build

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/recipe"
)

// check builds nothing and returns what was refused and what was warned of.
func check(t *testing.T, files map[string]string, text string, draft bool) (refused, warned string) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, files)
	write(t, dir, map[string]string{"repro.yaml": text})
	o := options(t, dir)
	o.Draft = draft
	o.Warn = func(p recipe.Problem) { warned += p.Text + "\n" }
	if err := Check(t.Context(), o); err != nil {
		if !errors.As(err, new(*recipe.Error)) {
			t.Fatal(err)
		}
		refused = err.Error()
	}
	return refused, warned
}

func TestFaults(t *testing.T) {
	const nfc, nfd = "data/caf\u00e9.txt", "data/cafe\u0301.txt"
	recipeOf := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(experiment["repro.yaml"]) }
	for _, c := range []struct {
		name            string
		files           map[string]string
		recipe          string
		draft           bool
		refused, warned []string // empty: nothing may be
	}{
		{name: "sound", recipe: recipeOf()},
		{name: "placeholders", recipe: recipeOf("title: Norris", "title: Title of the paper", "name: Ada Lovelace", "name: Your Name"),
			refused: []string{`title: "Title of the paper" is a placeholder: write`, `"Your Name" is a placeholder`, "--draft"}},
		{name: "draft", recipe: recipeOf("title: Norris", "title: FIXME"), draft: true},
		{name: "no licence", recipe: recipeOf("licence: MIT\n", ""), warned: []string{"no licence", "LicenseRef-None"}},
		{name: "mistyped licence", recipe: recipeOf("licence: MIT\n", "licence: Apache2\n"), warned: []string{"did you mean Apache-2.0"}},
		{name: "none stated", recipe: recipeOf("licence: MIT\n", "licence: LicenseRef-None\n")},
		{name: "CRLF that a shell reads", files: map[string]string{"run.sh": "#!/bin/sh\r\ncat data/x.dat\r\n"}, recipe: recipeOf(),
			refused: []string{`"run.sh": its lines end in CR LF`, `sed -i 's/\r$//' run.sh`}},
		{name: "CRLF that the kernel reads", files: map[string]string{"lib/go": "#!/bin/sh\r\n"}, recipe: recipeOf("[sh, run.sh]", "[lib/go]"),
			refused: []string{`"lib/go": its lines end in CR LF`}},
		{name: "CRLF in what a shell reads without a first line", files: map[string]string{"run.sh": "cat data/x.dat\r\n"}, recipe: recipeOf(),
			refused: []string{`"run.sh": its lines end in CR LF`}},
		{name: "CRLF that no step starts", files: map[string]string{"lib/go": "#!/bin/sh\r\n"}, recipe: recipeOf(), warned: []string{`"lib/go" cannot be started`}},
		{name: "CRLF in text", files: map[string]string{"lib/t.txt": "a\r\n"}, recipe: recipeOf()},
		{name: "accents in two ways", files: map[string]string{nfc: "1", nfd: "2"}, recipe: recipeOf("data:\n", "data:\n  - {path: 'data/caf*'}\n"),
			refused: []string{"differ only in how accents are stored (NFC and NFD)"}},
		{name: "named as it looks", files: map[string]string{nfd: "2"}, recipe: recipeOf("data:\n", "data:\n  - {path: "+nfc+"}\n"),
			refused: []string{`no such file or folder`, "the folder has a name that looks the same", `"data/cafe\u0301.txt"`}},
		{name: "capitals", files: map[string]string{"lib/A": "1", "lib/a": "2"}, recipe: recipeOf(), warned: []string{"capital letters"}},
		{name: "names that archives refuse", files: map[string]string{"lib/a%20b?.csv": "1"}, recipe: recipeOf(), warned: []string{`"lib/a%20b?.csv": has one of`, "rename the file"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := map[string]string{}
			for name, content := range experiment {
				files[name] = content
			}
			for name, content := range c.files {
				files[name] = content
			}
			refused, warned := check(t, files, c.recipe, c.draft)
			for _, pair := range []struct {
				got  string
				want []string
			}{{refused, c.refused}, {warned, c.warned}} {
				if len(pair.want) == 0 && pair.got != "" {
					t.Errorf("unexpected: %s", pair.got)
				}
				for _, want := range pair.want {
					if !strings.Contains(pair.got, want) {
						t.Errorf("no %q in %q", want, pair.got)
					}
				}
			}
		})
	}
}

// TestPythons holds what is said of Pythons that would not be what ran, or
// would not run.
func TestPythons(t *testing.T) {
	if _, err := os.Stat("/usr/bin/python3"); err != nil {
		t.Skip("needs /usr/bin/python3")
	}
	const text = `repro: 1
title: T
authors: [A]
date: 2026-11-01
licence: MIT
environment: {host: {programs: [/usr/bin/python3, sh], files: [FILES]}}
code: [a.py]
steps:
  - {name: s, command: [COMMAND, a.py], outputs: [out.csv]}
`
	files := map[string]string{"a.py": "print(1)\n", "venv/pyvenv.cfg": "home = /usr/bin\n"}
	library, err := filepath.Glob("/usr/lib/python3.[0-9]*/encodings")
	if err != nil || len(library) == 0 {
		t.Skip("needs Python's library in /usr/lib")
	}
	with := func(pairs ...string) string {
		return strings.NewReplacer(append(pairs, "FILES", library[0], "COMMAND", "python3")...).Replace(text)
	}
	refused, _ := check(t, files, with(), false)
	for _, want := range []string{`a Python of its own, "venv"`, "repro capture -- venv/bin/python3 a.py", `code: ["!venv/"]`} {
		if !strings.Contains(refused, want) {
			t.Errorf("no %q in %s", want, refused)
		}
	}
	if refused, _ := check(t, files, with("[a.py]", `[a.py, "!venv/"]`), false); refused != "" {
		t.Errorf("left out by name: %s", refused)
	}
	delete(files, "venv/pyvenv.cfg")
	if refused, _ := check(t, files, with(), false); refused != "" {
		t.Errorf("without a venv: %s", refused)
	}
	if refused, _ := check(t, files, with("FILES", "/etc/passwd"), false); refused != "" {
		t.Errorf("the library is not taken by itself: %s", refused)
	}
	// In a root filesystem nothing is added: there Python must have it.
	shell, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	root := map[string]string{"root/usr/bin/python3.11": string(shell), "root/bin/sh": string(shell), "a.py": ""}
	bare := strings.NewReplacer("{host: {programs: [/usr/bin/python3, sh], files: [FILES]}}", "{rootfs: root}", "COMMAND", "python3.11").Replace(text)
	refused, _ = check(t, root, bare, false)
	if !strings.Contains(refused, `/usr/bin/python3.11 has no standard library in the environment`) {
		t.Errorf("without its library: %q", refused)
	}
	root["root/usr/bin/python3.11"] = "#!/bin/sh\n"
	if refused, _ = check(t, root, bare, false); strings.Contains(refused, "standard library") {
		t.Errorf("a script that chooses a Python: %q", refused)
	}
	root["root/usr/bin/python3.11"] = string(shell)
	root["root/usr/lib/python3.11/encodings/__init__.py"] = ""
	if refused, _ = check(t, root, bare, false); strings.Contains(refused, "standard library") {
		t.Errorf("with its library: %q", refused)
	}
}

func TestWords(t *testing.T) {
	if got := words([]string{"sh", "-c", "python3 a.py > x", "it's", ""}); got != `sh -c 'python3 a.py > x' "it's" ''` {
		t.Errorf("got %s", got)
	}
}

func TestMissingLibrary(t *testing.T) {
	program, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Skip(err)
	}
	// Another library of the same length in place of libc: nobody has it.
	changed := strings.ReplaceAll(string(program), "libc.so.6", "libq.so.9")
	if changed == string(program) {
		t.Skip("needs a /bin/sh that is linked with libc.so.6")
	}
	files := map[string]string{}
	for name, content := range experiment {
		files[name] = content
	}
	files["lib/mod.so"] = changed
	refused, warned := check(t, files, experiment["repro.yaml"], false)
	if refused != "" || !strings.Contains(warned, "compiled files of the code need libq.so.9, which the image has not") {
		t.Errorf("refused %q, warned %q", refused, warned)
	}
	files["lib/mod.so"] = string(program)
	if _, warned := check(t, files, experiment["repro.yaml"], false); warned != "" {
		t.Errorf("warned of what is there: %s", warned)
	}
}
