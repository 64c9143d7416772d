package main

import (
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
)

// experiments are folders as authors have them, each with what it needs of the
// machine, how it was set up, and the command that an author types.
//
//go:embed experiments/*.txtar
var experimentFiles embed.FS

// authored is one of them. Its comment has lines "key: value"; others describe it.
type authored struct {
	name     string
	needs    []string // programs
	modules  []string // of the machine's Python
	packages []string // of R
	module   string   // a file that must be there
	network  bool     // it is set up from a registry of packages
	prepare  string   // a line of sh
	env      []string
	run      []string
	files    []txtar.File
}

// whose are files that say whose work an experiment is: those lie in a folder
// that is ready to be published.
var whose = []txtar.File{
	{Name: "CITATION.cff", Data: []byte("cff-version: 1.2.0\ntitle: Heights\nmessage: Cite it.\nlicense: CC0-1.0\nauthors:\n  - given-names: Ada\n    family-names: Lovelace\n")},
	{Name: "README.md", Data: []byte("# Heights\n\nHow tall we are.\n")},
}

func readExperiments() (all []authored, err error) {
	entries, err := experimentFiles.ReadDir("experiments")
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		text, err := experimentFiles.ReadFile(path.Join("experiments", entry.Name()))
		if err != nil {
			return nil, err
		}
		e, err := parseExperiment(strings.TrimSuffix(entry.Name(), ".txtar"), text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name(), err)
		}
		all = append(all, e)
	}
	return all, nil
}

func parseExperiment(name string, text []byte) (authored, error) {
	archive := txtar.Parse(text)
	e := authored{name: name, files: archive.Files}
	for line := range strings.Lines(string(archive.Comment)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "needs":
			e.needs = strings.Fields(value)
		case "modules":
			e.modules = strings.Fields(value)
		case "packages":
			e.packages = strings.Fields(value)
		case "module":
			e.module = value
		case "network":
			e.network = true
		case "prepare":
			e.prepare = value
		case "env":
			e.env = strings.Fields(value)
		case "run":
			e.run = strings.Fields(value)
		}
	}
	if len(e.run) == 0 || len(e.files) == 0 {
		return e, fmt.Errorf("has no command or no files")
	}
	return e, nil
}

// missing says what the machine lacks for the experiment; "" if nothing.
func (e authored) missing() string {
	for _, name := range e.needs {
		if _, err := exec.LookPath(name); err != nil {
			return name
		}
	}
	for _, name := range e.modules {
		if exec.Command("/usr/bin/python3", "-c", "import "+name).Run() != nil {
			return "Python's " + name
		}
	}
	for _, name := range e.packages {
		if exec.Command("Rscript", "-e", "library("+name+")").Run() != nil {
			return "R's " + name
		}
	}
	if _, err := os.Stat(e.module); e.module != "" && err != nil {
		return e.module
	}
	return ""
}

// play is an experiment in a folder of its own, with a home folder beside it.
type play struct {
	authored
	base, folder, home string
}

// setUp makes the folder as an author has it who is about to publish.
func (e authored) setUp(base string) (*play, error) {
	p := &play{authored: e, base: base, folder: filepath.Join(base, "paper"), home: filepath.Join(base, "home")}
	if err := os.MkdirAll(p.home, 0o755); err != nil {
		return nil, err
	}
	for _, f := range append(whose, e.files...) {
		name := filepath.Join(p.folder, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			return nil, err
		}
	}
	if e.prepare == "" {
		return p, nil
	}
	return p, p.command("sh", "-c", e.prepare)
}

// command runs one in the experiment's folder, as the author.
func (p *play) command(argv ...string) error {
	_, err := p.output(argv...)
	return err
}

func (p *play) output(argv ...string) (string, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = p.folder
	cmd.Env = []string{"HOME=" + p.home, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"}
	for _, v := range os.Environ() { // ways to a registry of packages
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(strings.ToUpper(name), "PIP_") || strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	for _, v := range p.env {
		cmd.Env = append(cmd.Env, strings.ReplaceAll(v, "$HOME", p.home))
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, out)
	}
	return string(out), nil
}
