package build

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/capture"
	"repro/format/manifest"
	"repro/recipe"
)

// captured is an experiment in a folder of its own, and a library beside it,
// with the record of a run that read both.
type captured struct{ dir, library string }

func newCaptured(t *testing.T) captured {
	t.Helper()
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := captured{filepath.Join(base, "paper"), filepath.Join(base, "lib", "table")}
	c.write(t, "run.sh", "cat x > out.csv\n")
	c.write(t, "x", "data\n")
	c.write(t, "../lib/table", "library\n")
	c.write(t, "repro.yaml", `repro: 1
title: T
authors: [Ada]
licence: MIT
date: 2026-01-01
environment: {capture: repro.capture.json}
code: [run.sh]
data: [x]
steps: [{name: all, command: [/bin/sh, run.sh], outputs: [out.csv]}]
`)
	c.record(t, func(*capture.Record) {})
	return c
}

func (c captured) write(t *testing.T, name, content string) {
	t.Helper()
	full := filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// record writes the record of the files as they are now, changed by change.
func (c captured) record(t *testing.T, change func(*capture.Record)) {
	t.Helper()
	s := capture.Step{Name: "all", Command: []string{"sh"}, Dir: c.dir, Links: []capture.Link{{Path: filepath.Dir(c.library) + "/link", Target: "table"}}}
	for _, name := range []string{c.dir + "/run.sh", c.dir + "/x", c.library} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s.Files = append(s.Files, capture.File{Path: name, Digest: manifest.DigestOf(b), Size: int64(len(b)), Read: true})
	}
	r := &capture.Record{Version: capture.Version, Machine: capture.Machine{Arch: "amd64"}, Folder: c.dir, Steps: []capture.Step{s}}
	change(r)
	text, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	c.write(t, "repro.capture.json", string(text))
}

// build builds an image, or only checks what would be one, and returns what was
// warned of.
func (c captured) build(t *testing.T, out string) (warned string, err error) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, "repro.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := recipe.Parse("repro.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Recipe: r, RecipeBytes: text, Dir: c.dir, Warn: func(p recipe.Problem) { warned += p.Text + "\n" }}
	if out == "" {
		err = Check(t.Context(), o)
	} else {
		_, err = Image(t.Context(), out, o)
	}
	return warned, err
}

// TestCaptured: an image is made of what the captured run read, or not at all.
func TestCaptured(t *testing.T) {
	digest := func(s string) string { return string(manifest.DigestOf([]byte(s))) }
	for name, test := range map[string]struct {
		change func(t *testing.T, c captured)
		want   []string // in the error; none: an image
	}{
		"as it was": {change: func(*testing.T, captured) {}},
		"its data changed": {
			func(t *testing.T, c captured) { c.write(t, "x", "DATA\n") }, []string{"x", digest("DATA\n"), digest("data\n")}},
		"its code changed, and has another size": {
			func(t *testing.T, c captured) { c.write(t, "run.sh", "true\n") }, []string{"run.sh", digest("true\n"), digest("cat x > out.csv\n")}},
		"a library grew": {
			func(t *testing.T, c captured) { c.write(t, "../lib/table", "library, longer\n") }, []string{"table", digest("library, longer\n"), digest("library\n")}},
		"a library is gone": {
			func(t *testing.T, c captured) { os.Remove(c.library) }, []string{"table: no such file"}},
		"all at once": {
			func(t *testing.T, c captured) { c.write(t, "x", "DATA\n"); c.write(t, "../lib/table", "LIBRARY\n") }, []string{digest("DATA\n"), digest("LIBRARY\n")}},
		"what it read is left out of the recipe": {
			func(t *testing.T, c captured) {
				b, _ := os.ReadFile(filepath.Join(c.dir, "repro.yaml"))
				c.write(t, "repro.yaml", strings.Replace(string(b), "data: [x]\n", "", 1))
			}, []string{`"x": was used by the captured run, and is neither in the code nor in the data`}},
		"it failed": {
			func(t *testing.T, c captured) { c.record(t, func(r *capture.Record) { r.Steps[0].Exit = 3 }) }, []string{`step "all" failed when it was captured`}},
		"two steps read different contents": {
			func(t *testing.T, c captured) {
				c.record(t, func(r *capture.Record) {
					s := r.Steps[0]
					s.Name = "other"
					s.Files = []capture.File{{Path: c.library, Digest: manifest.DigestOf(nil), Size: int64(len("library\n")), Read: true}}
					r.Steps = append(r.Steps, s)
				})
			}, []string{"table: step \"other\" read"}},
		"no record": {
			func(t *testing.T, c captured) { os.Remove(filepath.Join(c.dir, "repro.capture.json")) }, []string{"no such file"}},
		"a record of another version": {
			func(t *testing.T, c captured) { c.record(t, func(r *capture.Record) { r.Version = 9 }) }, []string{"version 9"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCaptured(t)
			test.change(t, c)
			for how, out := range map[string]string{"build": filepath.Join(t.TempDir(), "x.sif"), "check": ""} {
				_, err := c.build(t, out)
				if len(test.want) == 0 && err != nil {
					t.Errorf("%s: %v", how, err)
				}
				for _, want := range test.want {
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("%s: error %v\nwant %s", how, err, want)
					}
				}
			}
		})
	}
}

// TestPublishedSince: a published result that is not what the captured run wrote
// is told of, since whoever runs the image will be told that it differs.
func TestPublishedSince(t *testing.T) {
	c := newCaptured(t)
	sum := func(s string) manifest.Digest { return manifest.DigestOf([]byte(s)) }
	const plain = "results: [{name: r, output: out.csv}]\n"
	base, err := os.ReadFile(filepath.Join(c.dir, "repro.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		now     string // published
		written capture.Written
		results string
		want    string // in the warning; none if empty
	}{
		"as written":           {"1\n", capture.Written{After: sum("1\n")}, plain, ""},
		"same in other bytes":  {"1.0\n", capture.Written{Before: sum("1.0\n"), After: sum("1\n"), Set: "repro.new/out.csv", Same: true}, plain, ""},
		"differed":             {"2\n", capture.Written{Before: sum("2\n"), After: sum("1\n"), Set: "repro.new/out.csv"}, plain, `"out.csv": differs from what the captured run wrote`},
		"changed since":        {"3\n", capture.Written{Before: sum("2\n"), After: sum("1\n"), Same: true}, plain, `"out.csv": has changed since the captured run wrote it`},
		"may differ":           {"3\n", capture.Written{After: sum("1\n")}, "results: [{name: r, output: out.csv, compare: {absolute: 9}}]\n", ""},
		"published elsewhere":  {"3\n", capture.Written{After: sum("1\n")}, "results: [{name: r, output: out.csv, published: paper.csv}]\n", ""},
		"of no captured step":  {"3\n", capture.Written{}, plain, ""},
		"nothing is published": {"1\n", capture.Written{After: sum("1\n")}, "", "no results: a run of the image will compare nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			c.write(t, "repro.yaml", string(base)+test.results)
			c.write(t, "out.csv", test.now)
			c.write(t, "paper.csv", test.now)
			test.written.Path = filepath.Join(c.dir, "out.csv")
			c.record(t, func(r *capture.Record) {
				r.Steps[0].Written = []capture.Written{test.written}
				r.Steps[0].Files = r.Steps[0].Files[:2] // without the library, which lies in /tmp
			})
			warned, err := c.build(t, "")
			if err != nil {
				t.Fatal(err)
			}
			if test.want == "" && warned != "" || !strings.Contains(warned, test.want) {
				t.Errorf("warned %q, want %q", warned, test.want)
			}
		})
	}
}
