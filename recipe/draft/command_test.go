package draft

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestSteps holds which commands are taken of what lies in a folder: each as
// its words, after its folder and @ where it has one.
func TestSteps(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"a shell script by its first line", map[string]string{"run.sh": "#!/usr/bin/env bash\n"}, []string{"bash run.sh"}},
		{"a codechecker's first", map[string]string{"codecheck/run.sh": "", "Makefile": "all:\n"}, []string{"sh codecheck/run.sh"}},
		{"make, which makes all", map[string]string{"Makefile": "CC := x\n.PHONY: all\nall: a\na:\n\ttouch a\n"}, []string{"make"}},
		{"make, which would not", map[string]string{"Makefile": "out/a.pdf: x\n\ttouch a\nall: out/a.pdf\n"}, []string{"make all"}},
		{"make in a folder", map[string]string{"some code/Makefile": "all:\n", "c/p.c": ""}, []string{"some code@make"}},
		{"make in two folders", map[string]string{"a/Makefile": "all:\n", "b/Makefile": "all:\n", "a/x.py": ""}, []string{"python3 a/x.py"}},
		{"main in a folder", map[string]string{"src/main.py": "", "src/util.py": ""}, []string{"python3 src/main.py"}},
		{"main in the folder of the results", map[string]string{"src/main.py": "", "src/results/a.csv": ""}, []string{"src@python3 main.py"}},
		{"a package", map[string]string{"hydro/__main__.py": "", "hydro/__init__.py": "", "hydro/core.py": "", "main.py": ""}, []string{"python3 -m hydro"}},
		{"a package in src", map[string]string{"src/hydro/__main__.py": "", "src/hydro/__init__.py": "", "src/hydro/core.py": ""}, []string{"src:python3 -m hydro"}},
		{"two packages", map[string]string{"a/__main__.py": "", "a/__init__.py": "", "b/__main__.py": "", "b/__init__.py": "", "run.py": ""}, []string{"python3 run.py"}},
		{"no package, but a folder deeper or without a name for it", map[string]string{"x/a/__main__.py": "", "x/a/__init__.py": "", "b/__main__.py": "", "tests/__main__.py": "", "tests/__init__.py": "", "run.py": ""}, []string{"python3 run.py"}},
		{"Snakefile", map[string]string{"workflow/Snakefile": "", "run.sh": ""}, []string{"snakemake --cores 1"}},
		{"the nearest folder's script", map[string]string{"code/old/a.py": "", "code/b.py": "", "code/fig.png": "", "codecheck.yml": "manifest:\n  - file: fig.png\n"}, []string{"code@python3 b.py"}},
		{"scripts that use others", map[string]string{"a.R": "source(\"local.R\")\n", "b.R": "source('local.R')\n", "local.R": "", "install.R": "a.R"}, []string{"Rscript a.R", "Rscript b.R"}},
		{"imports", map[string]string{"fig1.py": "import numpy, network\n", "fig2.py": "from network import x\n", "network.py": "", "test_network.py": ""}, []string{"python3 fig1.py", "python3 fig2.py"}},
		{"the order of people", map[string]string{"fig10.R": "", "fig2.R": ""}, []string{"Rscript fig2.R", "Rscript fig10.R"}},
		{"a name that says so", map[string]string{"24hrs.R": "", "PipelineSTART_HERE.R": "", "plots.R": ""}, []string{"Rscript PipelineSTART_HERE.R"}},
		{"each names the other", map[string]string{"a.R": "x 'b.R'", "b.R": "x 'a.R'"}, []string{"Rscript a.R", "Rscript b.R"}},
		{
			"README with remarks", map[string]string{"README.md": "```\npython a.py -v      list all\npython a.py\t\tonce more\nRscript b.R # the rest\n```\n`sh c.sh` too\n", "a.py": "", "b.R": "", "c.sh": ""},
			[]string{"python3 a.py -v", "python3 a.py", "Rscript b.R"},
		},
		{"README's sentences", map[string]string{"README.md": "Run `Rscript b.R` and `python a.py`; `a.py` has `x = 1`.\n", "a.py": "", "b.R": ""}, []string{"Rscript b.R", "python3 a.py"}},
	} {
		dir := folder(t, c.files)
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		w := &draft{root: root.FS(), known: describe(root.FS())}
		w.files, w.day, w.there, _ = scan(w.root)
		w.claimResults()
		var got []string
		for _, s := range w.commands() {
			words := strings.Join(s.command, " ")
			if s.dir != "" {
				words = s.dir + "@" + words
			}
			if s.modules != "" {
				words = s.modules + ":" + words
			}
			got = append(got, words)
			if s.from == "" {
				t.Errorf("%s: %q comes from nowhere", c.name, words)
			}
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if _, err := Folder(dir, Options{}); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestMaxCommands(t *testing.T) {
	files := map[string]string{}
	for i := range maxCommands + 2 {
		files["fig"+strings.Repeat("i", i+1)+".R"] = ""
	}
	d, err := Folder(folder(t, files), Options{})
	if err != nil || strings.Count(string(d.Text), "\n    command:") != maxCommands {
		t.Errorf("%v: not %d commands in\n%s", err, maxCommands, d.Text)
	}
}

// TestStartedBy holds which words of a script are programs that it starts.
func TestStartedBy(t *testing.T) {
	for _, c := range []struct {
		name, text string
		makes      bool
		want       string
	}{
		{"pipes", "sort -n a | awk '{print}' | sed s/a/b/ >x # | tr\n", false, "awk sed sort"},
		{"substitutions", "n=$(wc -l <a)\nX=1 LC_ALL=C grep b `basename c`\n", false, "basename grep wc"},
		{"words of the shell", "set -e\ncd x && mkdir -p y\nif test -f z; then cp z y; else exit 1; fi\nfor f in *.c; do gzip $f; done\n", false, "cp gzip mkdir"},
		{"its own files, and paths", "./prog\n/bin/ls\nbash x.sh\n", false, "bash"},
		{"a variable's program", "PY=python3\n$PY a.py\n${PY} b.py\n\"$NONE\" c\n", false, "python3"},
		{"continued lines", "python3 \\\n  tail.py\n", false, "python3"},
		{"make", "CC = gcc\nN := $(shell nproc)\nall: sort\n\t@echo x\n\t-$(CC) -o p p.c\n\t+$(RM) q\n\tmkdir -p $(@D)\n", true, "echo gcc mkdir nproc rm"},
		{"make's own variables", "a:\n\t$(FC) a.f90\n\t${CXX} b.cc\n\t$(X) y\n", true, "g++ gfortran"},
	} {
		got := startedBy(c.text, c.makes)
		slices.Sort(got)
		if words := strings.Join(slices.Compact(got), " "); words != c.want {
			t.Errorf("%s: got %q, want %q", c.name, words, c.want)
		}
	}
}

// TestPrograms: what scripts start is named if this machine has it; what else
// the code is written in, too. What it has not is said.
func TestPrograms(t *testing.T) {
	bin := folder(t, map[string]string{"make": "", "sort": "", "gfortran": "", "clang": "", "notprogram": ""})
	for _, name := range []string{"make", "sort", "gfortran", "clang"} {
		if err := os.Chmod(bin+"/"+name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	d, err := Folder(folder(t, map[string]string{"Makefile": "a:\n\tmatlab x.m\n\tclang y.c\n\tsort a | uniq\n\tnotprogram\n", "x.m": "y = 1\n", "z.f90": "", "q.awk": ""}), Options{Path: bin + ":relative"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "programs: [clang, gfortran, make, sh, sort]"; !strings.Contains(string(d.Text), want) {
		t.Errorf("no %q in\n%s", want, d.Text)
	}
	if notes := strings.Join(d.Notes, "\n"); !strings.Contains(notes, "clang opens files that its program does not name: `repro capture -- make` takes") || strings.Contains(notes, "gfortran opens") {
		t.Errorf("notes:\n%s", notes)
	}
	if notes := strings.Join(d.Notes, "\n"); !strings.Contains(notes, "start matlab,") || !strings.Contains(notes, "start octave-cli,") || strings.Contains(notes, "uniq") {
		t.Errorf("notes:\n%s", notes)
	}
}

// TestNotebookOfTheFolder: a notebook is run by the nbconvert of the folder's
// environment, which brings all of it.
func TestNotebookOfTheFolder(t *testing.T) {
	dir := folder(t, map[string]string{"a.ipynb": "{}", ".venv/pyvenv.cfg": "", ".venv/bin/python3": "", ".venv/bin/jupyter-nbconvert": ""})
	for _, name := range []string{"python3", "jupyter-nbconvert"} {
		if err := os.Chmod(dir+"/.venv/bin/"+name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	d, err := Folder(dir, Options{Path: "/nonexistent"})
	if err != nil {
		t.Fatal(err)
	}
	b := dir + "/.venv/"
	for _, want := range []string{
		"programs: [\"" + b + "bin/jupyter-nbconvert\", \"" + b + "bin/python3\", sh]\n    files:\n      - \"" + b + "lib\"\n      - \"" + b + "share\"\n",
		"command: [\"" + b + "bin/jupyter-nbconvert\", \"--execute\"",
	} {
		if !strings.Contains(string(d.Text), want) {
			t.Errorf("no %q in\n%s", want, d.Text)
		}
	}
}

// TestRunFolders: what an earlier run left is neither code nor result.
func TestRunFolders(t *testing.T) {
	d, err := Folder(folder(t, map[string]string{"a.sh": "", "x.run/report.json": "{}", "x.run/outputs/a.csv": "", "y.run/outputs/b.csv": ""}), Options{})
	if err != nil || strings.Contains(string(d.Text), "x.run") || !strings.Contains(string(d.Text), "output: y.run/outputs/b.csv") {
		t.Errorf("%v\n%s", err, d.Text)
	}
}
