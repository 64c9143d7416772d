package draft

import (
	"path"
	"slices"
	"strings"

	"repro/internal/pattern"
)

// entryPoints is the table of what runs a whole experiment, the surest first: a
// custom is a row. The first that finds something counts.
var entryPoints = []struct {
	custom string
	find   func(w *draft) []step
}{
	{"a codechecker's script", named("sh", "codecheck/run.sh", "codecheck/codecheck.sh")},
	{"what runs all", func(w *draft) []step { return w.wholeIn(".") }},
	{"README", (*draft).readmeCommands},
	{"a package that can be run", (*draft).runnablePackage},
	{"a script by its name", func(w *draft) []step { return w.mainIn(".") }},
	{"what runs all in the only folder that has it", (*draft).wholeBelow},
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
			if w.there[name] {
				return []step{w.start(program, name)}
			}
		}
		return nil
	}
}

// start is the step that runs a script: a shell's by the shell that its first
// line names.
func (w *draft) start(program, name string) step {
	if shell := shebang(w.root, name); program == "sh" && slices.Contains(shells, shell) {
		program = shell
	}
	return step{command: []string{program, name}, from: name}
}

var shells = []string{"sh", "bash", "dash", "ksh", "zsh"}

// wholeIn finds what runs all that lies in a folder.
func (w *draft) wholeIn(dir string) []step {
	for _, name := range []string{"Makefile", "makefile", "GNUmakefile"} {
		if full := path.Join(dir, name); w.there[full] {
			return []step{{command: append([]string{"make"}, w.goal(full)...), from: full}}
		}
	}
	for _, name := range []string{"Snakefile", "workflow/Snakefile"} {
		if full := path.Join(dir, name); w.there[full] {
			return []step{{command: []string{"snakemake", "--cores", "1"}, from: full}}
		}
	}
	return named("sh", within(dir, "run.sh", "run_all.sh", "runall.sh", "reproduce.sh", "main.sh", "all.sh", "do_all.sh")...)(w)
}

// mainIn finds the script in a folder that is called as the main one is.
func (w *draft) mainIn(dir string) []step {
	for _, c := range []struct {
		program string
		names   []string
	}{
		{"python3", []string{"main.py", "run.py", "run_all.py", "reproduce.py", "analysis.py"}},
		{"Rscript", []string{"main.R", "run.R", "run_all.R", "reproduce.R", "master.R", "analysis.R", "main.r"}},
		{"julia", []string{"main.jl", "run.jl"}},
	} {
		if steps := named(c.program, within(dir, c.names...)...)(w); steps != nil {
			return steps
		}
	}
	return nil
}

// runnablePackage finds the only Python package that is run by its name, at the
// top or in src: what it imports of itself, no script could.
func (w *draft) runnablePackage() (only []step) {
	for _, f := range w.files {
		dir, base := path.Split(f.name)
		parent, name := path.Split(strings.TrimSuffix(dir, "/"))
		if base != "__main__.py" || name == "" || isHelper(name) || parent != "" && parent != "src/" || !w.there[dir+"__init__.py"] {
			continue
		}
		if only != nil {
			return nil
		}
		only = []step{{command: []string{"python3", "-m", name}, modules: strings.TrimSuffix(parent, "/"), from: f.name}}
	}
	return only
}

func within(dir string, names ...string) (full []string) {
	for _, name := range names {
		full = append(full, path.Join(dir, name))
	}
	return full
}

// wholeBelow looks into the folders at the top: if just one of them has
// something that runs all, the experiment is in it.
func (w *draft) wholeBelow() (only []step) {
	seen := map[string]bool{}
	for _, f := range w.files {
		dir, _, below := strings.Cut(f.name, "/")
		if !below || seen[dir] || f.use != useCode {
			continue
		}
		seen[dir] = true
		steps := w.wholeIn(dir)
		inside := steps != nil // make and its like start in their own folder
		if !inside {
			steps = w.mainIn(dir)
		}
		if steps == nil {
			continue
		}
		if only != nil {
			return nil
		}
		only = w.startIn(dir, steps, inside)
	}
	return only
}

// startIn has steps start in a folder, if they must, or if all published
// results lie in it: then that is where the author started them.
func (w *draft) startIn(dir string, steps []step, must bool) []step {
	here := len(w.results) > 0
	for _, r := range w.results {
		here = here && strings.HasPrefix(r.output, dir+"/")
	}
	if !here && !must {
		return steps
	}
	for i := range steps {
		steps[i].dir = dir
		for j, arg := range steps[i].command {
			steps[i].command[j] = strings.TrimPrefix(arg, dir+"/")
		}
	}
	return steps
}

// starters are programs that a README tells its reader to start on a file.
var starters = []string{"python", "python3", "Rscript", "bash", "sh", "julia", "octave", "perl", "make", "snakemake", "quarto"}

// maxCommands bounds the steps that a README makes.
const maxCommands = 20

// readmeCommands takes the commands of a README that start a known program on a
// file of the folder: those of its blocks, or else those within its sentences.
// What installs or fetches is left out.
func (w *draft) readmeCommands() []step {
	for _, name := range []string{"README.md", "README.rst", "README.txt", "README", "readme.md"} {
		readme := string(peek(w.root, name))
		for _, lines := range [][]string{blocks(readme), spans(readme)} {
			var steps []step
			for _, line := range lines {
				if c := w.typed(line); c != nil && len(steps) < maxCommands && !slices.ContainsFunc(steps, func(s step) bool { return slices.Equal(s.command, c) }) {
					steps = append(steps, step{command: c, from: name})
				}
			}
			if len(steps) > 0 {
				return steps
			}
		}
	}
	return nil
}

var span = pattern.New("`([^`\n]+)`")

// spans returns what a text sets apart as code within its sentences.
func spans(text string) (lines []string) {
	for _, m := range span.Regexp().FindAllStringSubmatch(text, -1) {
		lines = append(lines, m[1])
	}
	return lines
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

// remark is what a README says of a command behind it, on the same line.
var remark = pattern.New(`(\s{2,}|\s+#\s).*$`)

var plainWords = pattern.New(`^[A-Za-z0-9_./=,:+@ -]+$`)

// typed returns the words of a command line that a step can be, or nil.
func (w *draft) typed(line string) []string {
	line = remark.ReplaceAllString(strings.TrimSpace(line), "")
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
			steps = append(steps, step{command: []string{"jupyter-nbconvert", "--execute", "--to", "notebook", "--inplace", f.name}, from: f.name})
		}
	}
	return steps
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
