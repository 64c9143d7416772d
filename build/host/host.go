// Package host gathers programs of the building machine with all that they
// need to start elsewhere: the loader and the libraries that their ELF headers
// name, the interpreters of their first lines, and every symbolic link on the
// way. Interpreters of the usual languages bring their standard library, and
// the packages that the experiment's code imports. SPEC.md, part ENV.
//
// Libraries are looked for as the machine's own loader would, glibc's or
// musl's, without running anything and without the environment: LD_LIBRARY_PATH
// and LD_PRELOAD have no say. What else a program opens by a name that is in no
// header (plug-ins, data) must be named.
package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"repro/format/tree"
)

// Options say where to look.
type Options struct {
	Root string   // folder that counts as "/"; empty for the machine's own
	Path []string // folders of programs, in order; see [Path]
	Code Sources  // of which interpreters take what it imports; nil: nothing
}

// Closure is a set of files that is complete in the sense of the package.
type Closure struct {
	Tree *tree.Node
	Arch string   // as in GOARCH
	Path []string // folders in which the programs lie, as far as they are not in [DefaultPath]
}

// DefaultPath is where programs are looked for in every image.
var DefaultPath = []string{
	"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
}

// Path splits the value of PATH, leaving out what is not an absolute folder.
func Path(value string) []string {
	var dirs []string
	for dir := range strings.SplitSeq(value, ":") {
		if path.IsAbs(dir) && !slices.Contains(dirs, path.Clean(dir)) {
			dirs = append(dirs, path.Clean(dir))
		}
	}
	return dirs
}

// Error says why one program or file that was asked for cannot be had.
type Error struct {
	Name string // as asked for
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("%q: %v", e.Name, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// Gather returns the closure of the programs, names or absolute paths, and of
// the further files and folders, absolute paths or patterns. All that is wrong
// comes back at once, as joined [*Error] values.
func Gather(ctx context.Context, programs, files []string, o Options) (*Closure, error) {
	g := newGatherer(machine{root: o.Root}, o.Path)
	g.code = o.Code
	var problems []error
	try := func(name string, add func(string) error) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := add(name); err != nil {
			problems = append(problems, &Error{Name: name, Err: err})
		}
		return nil
	}
	for _, name := range programs {
		if err := try(name, g.program); err != nil {
			return nil, err
		}
	}
	for _, name := range files {
		if err := try(name, g.files); err != nil {
			return nil, err
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	if err := g.interpret(); err != nil {
		return nil, err
	}
	if g.arch == (arch{}) {
		return nil, fmt.Errorf("no program with an ELF header among those named, so there is nothing that could run")
	}
	if err := errors.Join(g.mergedFolders(), g.finish()); err != nil {
		return nil, err
	}
	return &Closure{Tree: g.root, Arch: g.arch.goarch(), Path: g.path}, nil
}

// mergedFolders adds the links that lead from /bin, /lib and the like into
// /usr, where the machine has them: first lines name /bin/sh whatever the
// place in PATH at which sh was found.
func (g *gatherer) mergedFolders() error {
	for _, name := range []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64"} {
		real, info, err := g.m.resolve(name, nil)
		if err != nil || real == name || !info.IsDir() || g.root.Lookup(real) == nil {
			continue
		}
		if _, _, err := g.place(name); err != nil {
			return err
		}
	}
	return nil
}

// gatherer collects a closure.
type gatherer struct {
	m       machine
	search  []string // PATH
	root    *tree.Node
	arch    arch // of the first ELF program
	first   string
	objects map[string]*object // by real path; nil for what is no ELF file
	scanned map[string]bool    // folders, by real path
	started map[string]bool    // programs and interpreters, by real path
	system  map[string]string  // library name → path, for the loader's cache
	libs    *libraries
	path    []string

	code     Sources
	programs []string // those started, by the paths at which they were found
}

func newGatherer(m machine, search []string) *gatherer {
	return &gatherer{
		m: m, search: search, root: tree.NewDir(),
		objects: map[string]*object{}, scanned: map[string]bool{}, started: map[string]bool{},
		system: map[string]string{},
	}
}

// program adds the program name, looked up in PATH if it is not a path.
func (g *gatherer) program(name string) error {
	full := name
	if !path.IsAbs(name) {
		var err error
		if full, err = g.lookup(name); err != nil {
			return err
		}
	}
	if dir := path.Dir(full); !slices.Contains(DefaultPath, dir) && !slices.Contains(g.path, dir) {
		g.path = append(g.path, dir)
	}
	return g.start(full)
}

// interpreter finds the program that env will find inside the image, whoever
// builds it: in the folders of named programs and the usual ones. The builder's
// own PATH comes last.
func (g *gatherer) interpreter(name string) (string, error) {
	for _, dir := range append(slices.Clip(g.path), DefaultPath...) {
		if full := path.Join(dir, name); g.executable(full) {
			return full, nil
		}
	}
	return g.lookup(name)
}

func (g *gatherer) executable(full string) bool {
	_, info, err := g.m.resolve(full, nil)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// lookup finds name in PATH.
func (g *gatherer) lookup(name string) (string, error) {
	for _, dir := range g.search {
		full := path.Join(dir, name)
		if !g.executable(full) {
			continue
		}
		if path.Base(dir) == "shims" {
			return "", g.shim(name, full)
		}
		return full, nil
	}
	return "", fmt.Errorf("no such program in %s", strings.Join(g.search, ":"))
}

// shim explains that full only looks up, when it runs, which program to start
// (pyenv, rbenv, asdf, mise): to copy it would copy the wrong thing.
func (g *gatherer) shim(name, full string) error {
	root := path.Dir(path.Dir(full))
	for _, version := range g.m.lines(path.Join(root, "version")) { // pyenv and rbenv: what they choose where nothing else is said
		if chosen := path.Join(root, "versions", version, "bin", name); g.executable(chosen) {
			return fmt.Errorf("%s only chooses which program to start: name that one, such as %s", full, chosen)
		}
	}
	for _, dir := range g.search {
		other := path.Join(dir, name)
		if _, info, err := g.m.resolve(other, nil); path.Base(dir) != "shims" && err == nil && info.Mode().IsRegular() {
			return fmt.Errorf("%s only chooses which program to start: name that one, such as %s", full, other)
		}
	}
	return fmt.Errorf("%s only chooses which program to start: name that one by its path", full)
}

// maxInterpreters bounds how many interpreters stand behind each other.
const maxInterpreters = 8

// start adds the file at full and what starts it.
func (g *gatherer) start(full string) error { return g.startBehind(full, 0) }

func (g *gatherer) startBehind(full string, depth int) error {
	real, info, err := g.place(full)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", full)
	}
	if info.Mode()&0o111 == 0 {
		return fmt.Errorf("%s is not executable", full)
	}
	if path.Base(real) == "snap" && path.Base(full) != "snap" {
		return fmt.Errorf("%s starts a snap package: its programs cannot be copied one by one", full)
	}
	if g.started[real] {
		return nil
	}
	g.started[real] = true
	g.programs = append(g.programs, full)
	obj, err := g.object(real)
	if err != nil {
		return err
	}
	if obj != nil {
		return g.link(obj, full)
	}
	return g.script(real, full, depth)
}

// script adds the interpreter that the first line of a script names.
func (g *gatherer) script(real, full string, depth int) error {
	words, err := g.m.shebang(real)
	if err != nil {
		return err
	}
	if len(words) == 0 {
		return fmt.Errorf("%s is neither an ELF program nor a script with #! on its first line", full)
	}
	if depth == maxInterpreters {
		return fmt.Errorf("%s: more than %d interpreters behind each other", full, maxInterpreters)
	}
	if !path.IsAbs(words[0]) {
		return fmt.Errorf("%s: its interpreter %q is not an absolute path", full, words[0])
	}
	if err := g.startBehind(words[0], depth+1); err != nil {
		return fmt.Errorf("interpreter of %s: %w", full, err)
	}
	name := envProgram(words)
	if name == "" {
		return nil
	}
	if !path.IsAbs(name) {
		if name, err = g.interpreter(name); err != nil {
			return fmt.Errorf("interpreter of %s: %q: %w", full, envProgram(words), err)
		}
	}
	return g.startBehind(name, depth+1)
}

// envProgram returns the program that a first line such as
// "#!/usr/bin/env -S A=b python3 -u" starts, or "".
func envProgram(words []string) string {
	if path.Base(words[0]) != "env" {
		return ""
	}
	for _, w := range words[1:] {
		if !strings.HasPrefix(w, "-") && !strings.Contains(w, "=") {
			return w
		}
	}
	return ""
}

// place puts the file or folder at name into the tree, with the folders and
// symbolic links on the way, and returns its path without links.
func (g *gatherer) place(name string) (string, fs.FileInfo, error) {
	real, info, err := g.m.resolve(name, g.root)
	if err != nil {
		return "", nil, err
	}
	if g.root.Lookup(real) != nil {
		return real, info, nil
	}
	switch {
	case info.IsDir():
		_, err = g.root.MkdirAll(real)
	case info.Mode().IsRegular():
		err = g.root.Put(real, g.m.node(real, info))
	default:
		err = fmt.Errorf("%s is neither a file nor a folder", real)
	}
	return real, info, err
}
