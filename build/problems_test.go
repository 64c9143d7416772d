package build

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/internal/progress"
	"repro/recipe"
)

func TestProblemsAllAtOnce(t *testing.T) {
	for _, c := range []struct {
		name    string
		recipe  string // lines that replace those of the experiment from their key on
		files   map[string]string
		prepare func(dir string) error
		want    []string
	}{
		{
			name: "missing files",
			recipe: strings.NewReplacer(
				"code: [run.sh,", "code: [nothing.sh, 'n*.q', run.sh,",
				"path: data/x.dat", "path: data/y.dat",
				"published/fit.csv", "published/no.csv",
				"host: [sh, awk, cat]", "host: [sh, awk, no-such-program, /no/such/file]",
			).Replace(experiment["repro.yaml"]),
			want: []string{
				`repro.yaml:6:31: host: "no-such-program": no such program in /usr/local/sbin:`,
				`repro.yaml:6:48: host: "/no/such/file": /no/such/file: /no: no such file or directory`,
				`repro.yaml:7:8: code: "nothing.sh": no such file or folder`,
				`repro.yaml:7:20: code: "n*.q": matches no file, outputs and published results aside`,
				`repro.yaml:9:12: data: "data/y.dat": no such file or folder`,
				`repro.yaml:14:53: published: "published/no.csv": no such file: a published result is the file as it was published`,
			},
		},
		{
			name: "wrong steps",
			recipe: strings.NewReplacer(
				"[sh, run.sh], inputs: [data/x.dat]", "[./fit.awk], dir: lab, inputs: [data/q.dat, 'lib/*.r']",
				`"awk -f fit.awk out/tidy.csv > out/fit.csv"`, "[gawk-9, x]",
			).Replace(experiment["repro.yaml"]),
			want: []string{
				`repro.yaml:11:5: step "prepare": command "./fit.awk": no such file in the image`,
				`dir: "lab": no such folder in the code or data`,
				`inputs: "data/q.dat": neither in the code or data nor an output of another step`,
				`inputs: "lib/*.r": neither`,
				`step "fit": command "gawk-9": its environment has no such program: add it to the programs of the host`,
			},
		},
		{
			name:   "script that is not in the code",
			recipe: strings.Replace(experiment["repro.yaml"], "code: [run.sh, ", "code: [", 1),
			want:   []string{`repro.yaml:11:5: step "prepare": sh is to run "run.sh", which is not in the code or data`},
		},
		{
			name:   "script that is not executable",
			recipe: strings.Replace(experiment["repro.yaml"], "[sh, run.sh]", "[./fit.awk]", 1),
			want:   []string{`command "./fit.awk": not executable: set its x bit, or name its interpreter first, such as [sh, fit.awk]`},
		},
		{
			name:  "copy of the answer",
			files: map[string]string{"lib/golden.csv": experiment["published/fit.csv"]},
			want:  []string{`repro.yaml:14:53: published: "published/fit.csv": "lib/golden.csv" has the same bytes and would be seen by the steps: leave it out with "!lib/golden.csv"`},
		},
		{
			name:    "link out of the folder",
			prepare: func(dir string) error { return os.Symlink("../../etc/passwd", filepath.Join(dir, "lib/p")) },
			want:    []string{`"lib/p": a symbolic link to "../../etc/passwd", out of the folder`},
		},
		{
			name:    "link to nothing",
			prepare: func(dir string) error { return os.Symlink("../notes.txt", filepath.Join(dir, "lib/n")) },
			want:    []string{`"lib/n": a symbolic link to "../notes.txt", which the image will not have: add it`},
		},
		{
			name:   "wrong digests",
			recipe: strings.Replace(experiment["repro.yaml"], `{path: data/x.dat, `, `{path: data/z.dat, sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855}`+"\n  - {sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855, path: data/x.dat, ", 1),
			files:  map[string]string{"data/z.dat": "z"},
			want: []string{
				`repro.yaml:9:12: data: "data/z.dat": has sha256:594e519ae499312b29433b7dd8a97ff068defcba9755b6d5d00e84c524d67b06, the recipe says sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855`,
				`repro.yaml:10:86: data: "data/x.dat": has sha256:`,
			},
		},
		{
			name:   "no date",
			recipe: strings.Replace(experiment["repro.yaml"], "date: 2026-11-01\n", "", 1),
			want:   []string{"repro.yaml: no date: add one"},
		},
		{
			name:   "no root filesystem",
			recipe: strings.Replace(experiment["repro.yaml"], "host: [sh, awk, cat]", "rootfs: ../none", 1),
			want:   []string{`repro.yaml:6:23: rootfs: "../none": no such file or folder`},
		},
		{
			name:   "not a root filesystem",
			recipe: strings.Replace(experiment["repro.yaml"], "host: [sh, awk, cat]", "rootfs: lib", 1),
			want:   []string{`repro.yaml:6:23: rootfs: "lib": no program in /bin, /usr/bin or /usr/local/bin: is it a root filesystem?`},
		},
		{
			name:   "not a tar",
			recipe: strings.Replace(experiment["repro.yaml"], "host: [sh, awk, cat]", "tar: data/x.dat", 1),
			want:   []string{`repro.yaml:6:20: tar: "data/x.dat": malformed tar archive`},
		},
		{
			name:   "not a SIF",
			recipe: strings.Replace(experiment["repro.yaml"], "host: [sh, awk, cat]", "sif: data/x.dat", 1),
			want:   []string{`repro.yaml:6:20: sif: "data/x.dat": `},
		},
		{
			name:   "data that is an output",
			recipe: strings.Replace(experiment["repro.yaml"], "path: data/x.dat", "path: out/tidy.csv", 1),
			want:   []string{`data: "out/tidy.csv": is an output of a step, which the steps are to make anew`},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, files := t.TempDir(), maps.Clone(experiment)
			maps.Copy(files, c.files)
			if c.recipe != "" {
				files["repro.yaml"] = c.recipe
			}
			write(t, dir, files)
			if c.prepare != nil {
				if err := c.prepare(dir); err != nil {
					t.Fatal(err)
				}
			}
			out := filepath.Join(t.TempDir(), "paper.sif")
			_, err := Image(context.Background(), out, options(t, dir))
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %s in\n%s", want, err)
				}
			}
			if !errors.As(err, new(*recipe.Error)) {
				t.Errorf("%T is no *recipe.Error", err)
			}
			if left, _ := os.ReadDir(filepath.Dir(out)); len(left) > 0 {
				t.Errorf("%s is left behind", left[0].Name())
			}
		})
	}
}

func TestUnreadable(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skipf("needs a user who may not read everything")
	}
	dir := t.TempDir()
	write(t, dir, experiment)
	for _, name := range []string{"fit.awk", "data/x.dat"} {
		if err := os.Chmod(filepath.Join(dir, name), 0); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Image(context.Background(), filepath.Join(t.TempDir(), "p.sif"), options(t, dir))
	if err == nil || strings.Count(err.Error(), "permission denied") != 2 {
		t.Errorf("got %v, want both files", err)
	}
}

func TestInterrupted(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	write(t, dir, experiment)
	check := func(when string, err error) {
		t.Helper()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", when, err)
		}
		if left, _ := os.ReadDir(out); len(left) > 0 {
			t.Errorf("%s: %s is left behind", when, left[0].Name())
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Image(ctx, filepath.Join(out, "p.sif"), options(t, dir))
	check("before", err)

	ctx, cancel = context.WithCancel(context.Background())
	defer cancel()
	o := options(t, dir)
	o.Progress = func(progress.Event) { cancel() }
	_, err = Image(ctx, filepath.Join(out, "p.sif"), o)
	check("while a layer is written", err)
}
