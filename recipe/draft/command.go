package draft

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// entryPoints is the table of what runs a whole experiment, the surest first: a
// custom is a row. The first that finds something counts.
var entryPoints = []struct {
	custom string
	find   func(w *draft) []step
}{
	{"a codechecker's script", named("sh", "codecheck/run.sh", "codecheck/codecheck.sh")},
	{"Makefile", (*draft).makefile},
	{"Snakefile", (*draft).snakefile},
	{"a script by its name", named("sh", "run.sh", "run_all.sh", "runall.sh", "reproduce.sh", "main.sh", "all.sh", "do_all.sh")},
	{"README", (*draft).readmeCommands},
	{"a script by its name", named("python3", "main.py", "run.py", "run_all.py", "reproduce.py", "analysis.py")},
	{"a script by its name", named("Rscript", "main.R", "run.R", "run_all.R", "reproduce.R", "master.R", "analysis.R", "main.r")},
	{"a script by its name", named("julia", "main.jl", "run.jl")},
	{"its documents", (*draft).documents},
	{"its scripts", (*draft).scripts},
}

// commands returns what most likely runs everything; none if nothing does.
func (w *draft) commands() []step {
	for _, e := range entryPoints {
		if steps := e.find(w); len(steps) > 0 {
			for i := range steps {
				if steps[i].from == "" {
					steps[i].from = e.custom
				}
			}
			return steps
		}
	}
	return nil
}

// named finds a script that is called by custom.
func named(program string, names ...string) func(w *draft) []step {
	return func(w *draft) []step {
		for _, name := range names {
			if w.has(name) && plainName(name) {
				return []step{{command: []string{program, name}, from: name}}
			}
		}
		return nil
	}
}

func (w *draft) makefile() []step {
	for _, name := range []string{"Makefile", "makefile", "GNUmakefile"} {
		if w.has(name) {
			return []step{{command: []string{"make"}, from: name}}
		}
	}
	return nil
}

func (w *draft) snakefile() []step {
	for _, name := range []string{"Snakefile", "workflow/Snakefile"} {
		if w.has(name) {
			return []step{{command: []string{"snakemake", "--cores", "1"}, from: name}}
		}
	}
	return nil
}

// starters are programs that a README tells its reader to start on a file.
var starters = []string{"python", "python3", "Rscript", "bash", "sh", "julia", "octave", "perl", "make", "snakemake", "quarto"}

// maxCommands bounds the steps that a README makes.
const maxCommands = 20

// readmeCommands takes the commands of a README's blocks that start a known
// program on a file of the folder. Those that install or fetch are left out.
func (w *draft) readmeCommands() []step {
	for _, name := range []string{"README.md", "README.rst", "README.txt", "README", "readme.md"} {
		var steps []step
		for _, line := range blocks(string(peek(w.root, name))) {
			if c := w.typed(line); c != nil && len(steps) < maxCommands && !slices.ContainsFunc(steps, func(s step) bool { return slices.Equal(s.command, c) }) {
				steps = append(steps, step{command: c, from: name})
			}
		}
		if len(steps) > 0 {
			return steps
		}
	}
	return nil
}

// blocks returns the lines of a text that are set apart as commands: within
// fences, indented by four, or behind a prompt.
func blocks(text string) (lines []string) {
	fenced := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		trimmed := strings.TrimSpace(line)
		command, prompt := strings.CutPrefix(trimmed, "$ ")
		switch {
		case strings.HasPrefix(trimmed, "```") || strings.HasPrefix(trimmed, "~~~"):
			fenced = !fenced
		case prompt:
			lines = append(lines, command)
		case fenced, strings.HasPrefix(line, "    "), strings.HasPrefix(line, "\t"):
			lines = append(lines, trimmed)
		}
	}
	return lines
}

var plainWords = regexp.MustCompile(`^[A-Za-z0-9_./=,:+@ -]+$`)

// typed returns the words of a command line that a step can be, or nil.
func (w *draft) typed(line string) []string {
	words := strings.Fields(line)
	if len(words) == 0 || !plainWords.MatchString(line) {
		return nil // quotes, pipes and the like: a person must look
	}
	if strings.HasPrefix(words[0], "./") && w.has(path.Clean(words[0])) {
		return words
	}
	if !slices.Contains(starters, words[0]) {
		return nil
	}
	if words[0] == "make" || words[0] == "snakemake" {
		return words
	}
	for _, arg := range words[1:] {
		if !strings.HasPrefix(arg, "-") && w.has(path.Clean(arg)) && !installs(arg) {
			if words[0] == "python" {
				words[0] = "python3"
			}
			return words
		}
	}
	return nil
}

// installs reports whether a script prepares a machine instead of running
// anything.
func installs(name string) bool {
	base := strings.ToLower(path.Base(name))
	return slices.ContainsFunc([]string{"install", "setup.", "requirements", "dependencies", "bootstrap", "configure"}, func(p string) bool { return strings.HasPrefix(base, p) })
}

// documents are texts that compute their numbers: each is rendered.
func (w *draft) documents() (steps []step) {
	for _, f := range w.files {
		if f.use != useCode || strings.EqualFold(strings.TrimSuffix(path.Base(f.name), path.Ext(f.name)), "README") {
			continue
		}
		switch strings.ToLower(path.Ext(f.name)) {
		case ".rmd":
			steps = append(steps, step{command: []string{"Rscript", "-e", `rmarkdown::render("` + f.name + `")`}, from: f.name})
		case ".qmd":
			steps = append(steps, step{command: []string{"quarto", "render", f.name}, from: f.name})
		case ".ipynb":
			steps = append(steps, step{command: []string{"jupyter", "nbconvert", "--execute", "--to", "notebook", "--inplace", f.name}, from: f.name})
		}
	}
	return steps
}

// scripts takes the only script, or the first at the top of the folder.
func (w *draft) scripts() []step {
	var all []found
	for _, f := range w.files {
		if f.use == useCode && f.lang != "" && !installs(f.name) && !w.defines(f) {
			all = append(all, f)
		}
	}
	for _, f := range all {
		if len(all) == 1 || !strings.Contains(f.name, "/") {
			return []step{{command: f.command(), from: f.name}}
		}
	}
	return nil
}

var firstStatement = regexp.MustCompile(`(?m)^[ \t]*([^%#\s][^\n]*)`)

// defines reports whether an Octave file only defines a function for others.
func (w *draft) defines(f found) bool {
	if f.lang != "octave" {
		return false
	}
	m := firstStatement.FindSubmatch(peek(w.root, f.name))
	return m != nil && (strings.HasPrefix(string(m[1]), "function") || strings.HasPrefix(string(m[1]), "classdef"))
}

// command runs one script.
func (f found) command() []string {
	switch f.lang {
	case "awk":
		return []string{"awk", "-f", f.name}
	case "octave":
		return []string{"octave-cli", f.name}
	}
	return []string{f.lang, f.name}
}
