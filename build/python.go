package build

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"repro/recipe"
)

var pythonName = regexp.MustCompile(`^python3?(\.[0-9]+)?$`)

// usesPython are programs that run in a Python environment.
var usesPython = []string{"jupyter", "ipython", "pytest", "snakemake", "papermill"}

func isPython(program string) bool {
	base := path.Base(program)
	return pythonName.MatchString(base) || slices.Contains(usesPython, base)
}

// pythons finds Python set up in the experiment's folder that no step uses, and
// Python that could not start: both give an image that is not what ran.
func (b *builder) pythons() {
	if b.Recipe.Environment.Kind == recipe.Host {
		for _, dir := range prefixes(b.Dir) {
			b.unusedPrefix(dir)
		}
	}
	told := map[string]bool{}
	for _, s := range b.Recipe.Steps {
		at := b.programOf(s)
		if why := b.withoutLibrary(at); why != "" && !told[at] {
			told[at] = true
			b.problem(b.Recipe.Environment.Pos, "step %q: %s", s.Name, why)
		}
	}
}

// prefixes lists the virtual environments of venv and conda in a folder.
func prefixes(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // the folder's own reader says so
	}
	var found []string
	for _, e := range entries {
		for _, mark := range []string{"pyvenv.cfg", "conda-meta"} {
			if _, err := os.Lstat(filepath.Join(dir, e.Name(), mark)); err == nil {
				found = append(found, e.Name())
			}
		}
	}
	return found
}

// unusedPrefix refuses to take the machine's Python where the folder has its
// own, unless the recipe leaves that one out by name.
func (b *builder) unusedPrefix(dir string) {
	full, err := filepath.Abs(filepath.Join(b.Dir, dir))
	if err != nil {
		return
	}
	uses := func(program string) bool {
		return strings.HasPrefix(path.Clean(program), dir+"/") || strings.HasPrefix(path.Clean(program), filepath.ToSlash(full)+"/")
	}
	other := ""
	look := func(program string) (used bool) {
		if isPython(program) && other == "" {
			other = program
		}
		return uses(program)
	}
	for _, p := range b.Recipe.Environment.Programs {
		if look(p.Value) {
			return
		}
	}
	for _, s := range b.Recipe.Steps {
		if len(s.Command) > 0 && (look(s.Command[0]) || strings.Contains(strings.Join(s.Command, " "), dir+"/bin/")) {
			return
		}
	}
	meant := slices.ContainsFunc(b.Recipe.Code, func(t recipe.Text) bool { return path.Clean(t.Value) == "!"+dir })
	if other == "" || meant {
		return
	}
	b.problem(b.Recipe.Environment.Pos, "environment: the folder has a Python of its own, %q, but %q is the machine's, with other packages: take the run as it is with `%s`, or, if the machine's is meant, say so with `code: [\"!%s/\"]`",
		dir, other, b.inPrefix(dir), dir)
}

// inPrefix is how the first step that runs Python is taken with the folder's
// own: by its path, or where a shell finds it after the folder is activated.
func (b *builder) inPrefix(dir string) string {
	for _, s := range b.Recipe.Steps {
		if len(s.Command) > 0 && isPython(s.Command[0]) {
			return "repro capture -- " + words(append([]string{path.Join(dir, "bin", path.Base(s.Command[0]))}, s.Command[1:]...))
		}
	}
	return fmt.Sprintf(". %s/bin/activate && repro capture -- %s", dir, words(b.Recipe.Steps[0].Command))
}

// words writes a command as one types it into a shell.
func words(command []string) string {
	typed := make([]string, len(command))
	for i, w := range command {
		if typed[i] = w; w == "" || strings.ContainsAny(w, " \t\n\"'`$&|;<>()*?[]#~\\") {
			typed[i] = quote(w)
		}
	}
	return strings.Join(typed, " ")
}

// programOf returns the path, without links, of the program that a step
// starts; "" if it is not there.
func (b *builder) programOf(s recipe.Step) string {
	if len(s.Command) == 0 {
		return ""
	}
	step, name := b.step(s), s.Command[0]
	if strings.Contains(name, "/") {
		if !path.IsAbs(name) {
			name = path.Join(step.Dir, name)
		}
		at, _ := follow(b.union, name)
		return at
	}
	for _, dir := range commandPath(step) {
		if at, n := follow(b.union, path.Join(dir, name)); n != nil && n.Mode.IsRegular() {
			return at
		}
	}
	return ""
}

// withoutLibrary says that the Python at a path has no standard library: it
// would stop before the first line of a script. Python looks for it beside its
// program, wherever a link to that lies.
func (b *builder) withoutLibrary(at string) string {
	_, n := follow(b.union, at)
	if !pythonName.MatchString(path.Base(at)) || n == nil || !n.Mode.IsRegular() {
		return ""
	}
	if head, err := firstBytes(n, 2); err != nil || string(head) == "#!" {
		return "" // a script, such as pyenv's, that chooses one
	}
	prefix := path.Dir(path.Dir(at))
	version := strings.TrimPrefix(path.Base(at), "python")
	for _, lib := range []string{"lib", "lib64"} {
		_, dir := follow(b.union, path.Join(prefix, lib))
		if dir == nil || !dir.IsDir() {
			continue
		}
		for name := range dir.Entries {
			if !strings.HasPrefix(name, "python"+version) && !strings.HasPrefix(name, "python"+strings.ReplaceAll(version, ".", "")) {
				continue
			}
			if _, encodings := follow(b.union, path.Join(prefix, lib, name, "encodings")); encodings != nil || strings.HasSuffix(name, ".zip") {
				return ""
			}
		}
	}
	return fmt.Sprintf("%s has no standard library in the environment (no encodings in %s): install it there, or name another Python", at, path.Join(prefix, "lib/python3.*"))
}
