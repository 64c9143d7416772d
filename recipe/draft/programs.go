package draft

import (
	"maps"
	"path"
	"slices"
	"strings"

	"repro/internal/pattern"
)

// heavy are programs beside [starters] whose absence an author should hear of.
var heavy = []string{"matlab", "stata", "sas", "octave-cli", "conda", "docker", "singularity", "apptainer", "pandoc", "latexmk", "pdflatex", "jupyter-nbconvert", "gcc", "g++", "gfortran"}

// inShell are words of the shell itself.
var inShell = []string{
	"cd", "echo", "printf", "test", "export", "set", "unset", "exit", "return", "read", "shift", "trap", "source", "eval", "local",
	"declare", "alias", "umask", "ulimit", "true", "false", "pwd", "wait", "type", "command", "break", "continue", "done", "fi", "esac", "for", "case", "function", "in",
}

// variables are those that make has by itself.
var variables = map[string]string{"CC": "cc", "CXX": "g++", "FC": "gfortran", "F77": "gfortran", "AR": "ar", "RM": "rm", "MAKE": "make", "SHELL": "sh"}

var (
	assigned = pattern.New(`(?m)^[ ]*(?:export[ ]+)?([A-Za-z_][A-Za-z0-9_]*)[ ]*[:?+]?=[ ]*([^\s#;]+)`)
	inMake   = pattern.New(`\$[({]([A-Za-z_][A-Za-z0-9_]*)[)}]`)
	variable = pattern.New(`\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?`)
	called   = pattern.New(`\$[({][^)}\n]*[)}]`)
	remarks  = pattern.New(`(?m)(^|\s)#.*$`)
	divided  = pattern.New("[|;&()`\n]|\\b(?:then|do|else|elif|if|while|until|exec|time|xargs|nohup|env|shell|sudo)\\b")
	program  = pattern.New(`^[A-Za-z][A-Za-z0-9_.+-]*$`)
)

// startedByScripts lists the words that stand where a shell script or a Makefile
// starts a program, whatever they turn out to be.
func (w *draft) startedByScripts() []string {
	all := map[string]bool{}
	for _, f := range w.files {
		makes := slices.Contains(codeNames[:3], path.Base(f.name)) || path.Ext(f.name) == ".mk"
		if f.use != useCode || !makes && !slices.Contains(shells, f.lang) {
			continue
		}
		for _, name := range startedBy(string(peek(w.root, f.name)), makes) {
			all[name] = true
		}
		if makes {
			w.implied(all)
		}
	}
	for _, s := range w.steps {
		if slices.Contains(shells, path.Base(s.command[0])) && len(s.command) > 2 && s.command[1] == "-c" {
			for _, name := range startedBy(s.command[2], false) {
				all[name] = true
			}
		}
		if path.Base(s.command[0]) == "Rscript" && strings.Contains(strings.Join(s.command, " "), "rmarkdown::render") {
			all["pandoc"] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// implied adds the compilers that make's own rules start for the files there.
func (w *draft) implied(all map[string]bool) {
	for _, f := range w.files {
		switch path.Ext(f.name) {
		case ".c":
			all["cc"] = true
		case ".cc", ".cpp":
			all["g++"] = true
		case ".f", ".f90", ".f95":
			all["gfortran"] = true
		}
	}
}

// startedBy finds the first words of the commands in a script.
func startedBy(text string, makes bool) (names []string) {
	values, named := map[string]string{}, variable
	if makes {
		maps.Copy(values, variables)
		named = inMake
	}
	for _, m := range assigned.Regexp().FindAllStringSubmatch(text, -1) {
		values[m[1]] = strings.Trim(m[2], `"'`)
	}
	text = remarks.ReplaceAllString(strings.ReplaceAll(text, "\\\n", " "), "")
	if makes {
		text = commandLines(text)
	}
	text = named.Regexp().ReplaceAllStringFunc(text, func(v string) string {
		if name := named.FindStringSubmatch(v)[1]; values[name] != "" {
			return values[name]
		}
		return "$" // may be anything
	})
	if makes {
		text = called.ReplaceAllString(text, "$$")
	}
	for _, part := range divided.Regexp().Split(text, -1) {
		for word := range strings.FieldsSeq(part) {
			if word = strings.TrimRight(strings.TrimLeft(word, "@+-!{\"'"), "\"'"); word == "" || strings.Contains(word, "=") {
				continue // make's marks, or a variable for the command
			}
			if program.MatchString(word) && (makes || !slices.Contains(inShell, word)) {
				names = append(names, word)
			}
			break
		}
	}
	return names
}

// commandLines returns what of a Makefile is given to the shell.
func commandLines(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if _, call, ok := strings.Cut(line, "$(shell "); ok && !strings.HasPrefix(line, "\t") {
			b.WriteString(call)
		}
		if strings.HasPrefix(line, "\t") {
			b.WriteString(line)
		}
	}
	return b.String()
}
