package draft

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"repro/internal/pattern"
	"repro/recipe"
)

// environment is where a draft takes programs from.
type environment struct {
	image    string   // an image that docker or podman saved; empty: programs of this machine
	programs []string // of this machine
	files    []string // and what they open beside what environments of programs bring
	absent   []string // programs that the code seems to start and that are not to be had
	comments []string
}

// prepared are files that say which packages an environment is to have, and
// the command that would make it.
var prepared = []struct{ name, make string }{
	{"Dockerfile", "docker build -t paper . && docker save paper -o paper.tar   # then: environment: {oci: paper.tar}"},
	{"environment.yml", "conda env create -p ./env -f environment.yml   # then capture the run with it"},
	{"environment.yaml", "conda env create -p ./env -f environment.yaml   # then capture the run with it"},
	{"requirements.txt", "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt   # then capture the run with it"},
	{"renv.lock", "Rscript -e 'renv::restore()'   # then capture the run"},
	{"apt.txt", "apt-get install $(cat apt.txt)"},
	{"install.R", "Rscript install.R"},
	{"binder/environment.yml", "conda env create -p ./env -f binder/environment.yml   # then capture the run with it"},
	{".binder/environment.yml", "conda env create -p ./env -f .binder/environment.yml   # then capture the run with it"},
}

// chooseEnvironment finds what the experiment's programs come from, and makes
// its commands start the programs of that.
func (w *draft) chooseEnvironment() environment {
	if image := w.savedImage(); image != "" {
		return environment{image: image}
	}
	prefix := w.prefix()
	e := environment{programs: []string{"sh"}}
	for i, s := range w.steps {
		if program := w.program(s.command[0], prefix); program != s.command[0] {
			w.steps[i].command = append([]string{program}, s.command[1:]...)
		}
		e.add(w.steps[i].command[0])
	}
	for _, f := range w.files {
		if f.use != useCode || f.lang == "" {
			continue
		}
		switch lang := f.command()[0]; lang {
		case "stata", "quarto", "jupyter", "jupyter-nbconvert": // only where a step starts them
		default:
			e.addIfThere(w, w.program(lang, prefix))
		}
	}
	for _, name := range w.startedByScripts() {
		e.addIfThere(w, w.program(name, prefix))
	}
	if prefix != "" && slices.ContainsFunc(e.programs, func(p string) bool { return path.Base(p) == "jupyter-nbconvert" }) {
		// It starts a kernel, of a Python and a list of kernels that no code imports.
		e.add(w.program("python3", prefix))
		e.files = []string{path.Join(w.dir, prefix, "lib"), path.Join(w.dir, prefix, "share")}
	}
	slices.Sort(e.programs)
	w.notes = append(w.notes, w.stepsWithout()...)
	w.notes = append(w.notes, w.absent(e)...)
	if i := slices.IndexFunc(e.programs, func(p string) bool { return opensMore(p) && w.onMachine(p) }); i >= 0 {
		w.notes = append(w.notes, path.Base(e.programs[i])+" opens files that its program does not name: `repro capture -- "+w.captureCommand()+"` takes just what a run of it uses")
	}
	if prefix != "" {
		w.notes = append(w.notes, "the folder has an environment of its own, "+prefix+": `repro capture -- "+w.captureCommand()+"` takes just what a run of it uses")
		return e
	}
	for _, p := range prepared {
		if w.has(p.name) {
			e.comments = append(e.comments, p.name+" says what it is to have. If this machine has it not: "+p.make)
		}
	}
	return e
}

func (e *environment) add(program string) {
	if !strings.HasPrefix(program, "./") && !slices.Contains(e.programs, program) && recipe.Wrong("program", program) == "" {
		e.programs = append(e.programs, program)
	}
}

var opening = pattern.New(`^(clang|jupyter-nbconvert|quarto|snakemake|latexmk|pdflatex|pandoc)(-[0-9]+)?$`)

// opensMore reports whether a program is of those that open more than
// environments of named programs bring: clang its headers, for example.
func opensMore(program string) bool { return opening.MatchString(path.Base(program)) }

// addIfThere adds a program that no step names, so that a machine without it
// can build the rest.
func (e *environment) addIfThere(w *draft, program string) {
	if w.onMachine(program) {
		e.add(program)
	} else if !slices.Contains(e.absent, program) {
		e.absent = append(e.absent, program)
	}
}

// absent says what the code seems to start and this machine has not.
func (w *draft) absent(e environment) (notes []string) {
	for _, program := range e.absent {
		if slices.Contains(starters, program) || slices.Contains(heavy, program) {
			notes = append(notes, "the code seems to start "+program+", which this machine has not: build where it is, or name an image that has it")
		}
	}
	return notes
}

func (w *draft) captureCommand() string {
	if len(w.steps) == 0 {
		return "COMMAND"
	}
	return strings.ReplaceAll(strings.Join(w.steps[0].command, " "), w.dir+"/", "")
}

// savedImage finds an image of docker's or podman's in the folder.
func (w *draft) savedImage() string {
	entries, err := fs.ReadDir(w.root, ".")
	if err != nil {
		return ""
	}
	for _, e := range entries {
		name := e.Name()
		switch {
		case !plainName(name):
		case e.IsDir() && w.has(path.Join(name, "oci-layout")) && w.has(path.Join(name, "index.json")):
			return name
		case !e.IsDir() && (strings.HasSuffix(name, ".tar") || strings.HasSuffix(name, ".tar.gz")) && w.isSaved(name):
			return name
		}
	}
	return ""
}

// isSaved reports whether an archive begins as those of docker save and podman
// save do: with a layer, a blob, or the list of them.
func (w *draft) isSaved(name string) bool {
	head := string(peek(w.root, name))
	first, _, _ := strings.Cut(head, "\x00")
	return strings.HasPrefix(first, "blobs/") || first == "manifest.json" || first == "oci-layout" || first == "index.json" ||
		len(first) >= 64 && strings.Trim(first[:64], "0123456789abcdef") == ""
}

// prefix finds a virtual environment of venv or conda in the folder.
func (w *draft) prefix() string {
	for _, name := range []string{".venv", "venv", "env", ".env", "conda", ".conda"} {
		if w.has(path.Join(name, "pyvenv.cfg")) || w.has(path.Join(name, "conda-meta")) {
			return name
		}
	}
	return ""
}

// program returns the program that a command's first word means here: that of
// the folder's own environment, that which a version manager's shim chooses,
// or itself.
func (w *draft) program(name, prefix string) string {
	if strings.Contains(name, "/") {
		return name
	}
	if own := path.Join(w.dir, prefix, "bin", name); prefix != "" && isProgram(own) {
		return own
	}
	for dir := range strings.SplitSeq(w.options.Path, string(os.PathListSeparator)) {
		full := filepath.Join(dir, name)
		if !filepath.IsAbs(dir) || !isProgram(full) {
			continue
		}
		if filepath.Base(dir) == "shims" {
			if chosen := w.chosen(filepath.Dir(dir), name); chosen != "" {
				return filepath.ToSlash(chosen)
			}
			continue
		}
		return name
	}
	return name
}

func isProgram(full string) bool {
	info, err := os.Stat(full)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// onMachine reports whether a program is to be had: by its path, or in PATH.
// Where no PATH may be looked at, each is.
func (w *draft) onMachine(program string) bool {
	if w.options.Path == "" {
		return true
	}
	if strings.Contains(program, "/") {
		return isProgram(program)
	}
	for dir := range strings.SplitSeq(w.options.Path, string(os.PathListSeparator)) {
		if filepath.IsAbs(dir) && filepath.Base(dir) != "shims" && isProgram(filepath.Join(dir, program)) {
			return true
		}
	}
	return false
}

// chosen returns the program of the version that pyenv or rbenv chooses: by the
// folder, or by its own setting.
func (w *draft) chosen(manager, name string) string {
	settings := []string{string(peek(w.root, ".python-version")), string(peek(w.root, ".ruby-version")), string(peek(os.DirFS(manager), "version"))}
	for _, text := range settings {
		for version := range strings.FieldsSeq(text) {
			full := filepath.Join(manager, "versions", version, "bin", name)
			if info, err := os.Stat(full); err == nil && info.Mode().IsRegular() {
				return full
			}
		}
	}
	return ""
}

func (w *draft) environment(e environment) {
	if e.image != "" {
		w.printf(`
# Where the programs come from: an image that docker or podman saved.
environment:
  oci: %s   # lies in the folder
`, word(e.image))
		return
	}
	w.printf(`
# Where the programs come from: those of this machine, with all that they need
# to start; interpreters with their library and the packages that the code
# imports. What a program opens beside that is named under files, or found by
# "repro capture". Instead of host: rootfs, tar, oci (an image that docker or
# podman saved) or sif.
`)
	for _, c := range e.comments {
		w.printf("# %s\n", c)
	}
	words := make([]string, len(e.programs))
	for i, p := range e.programs {
		words[i] = word(p)
	}
	w.printf("environment:\n  host:\n    programs: [%s]\n", strings.Join(words, ", "))
	if len(e.files) == 0 {
		w.printf("    # files: [/usr/lib/example]\n")
	}
	w.list("files", "    ", e.files)
}
