package build

import (
	"bytes"
	"io"
	"path"
	"slices"
	"strings"

	"repro/build/host"
	"repro/format/tree"
	"repro/internal/filename"
	"repro/recipe"
)

// placeholders refuses what the author has left open, unless the image is to
// be a draft; and says early what archiving will ask for.
func (b *builder) placeholders() {
	if open := b.Recipe.Placeholders(); len(open) > 0 && !b.Draft {
		b.problems = append(b.problems, open...)
	}
	if b.Recipe.Paper.Licence == "" {
		b.warn(recipe.Pos{}, "no licence, without which nobody may use the work and no deposit can be made: add `licence: CC-BY-4.0`, or what applies, to the recipe; `licence: LicenseRef-None` says that none is given")
	}
	if len(b.Recipe.Results) == 0 {
		b.warn(recipe.Pos{}, "no results: a run of the image will compare nothing: name the outputs that the paper reports under `results`")
	}
	for _, p := range b.Recipe.UnlistedLicences() {
		b.warn(p.Pos, "%s", p.Text)
	}
}

// checkFiles (SPEC.md, RCP-20) holds the experiment's own files against what breaks elsewhere:
// names that other systems read otherwise, and scripts that no kernel starts.
func (b *builder) checkFiles() error {
	b.checkSecret(recipe.FileName, b.RecipeBytes)
	var twins filename.Twins
	for _, layer := range []*tree.Node{b.code, b.data, b.published} {
		for at, n := range layer.All() {
			name := strings.TrimPrefix(at, Paper[1:]+"/")
			if at == "" || at == Paper[1:] || n.IsDir() {
				continue
			}
			b.checkName(&twins, name)
			if err := b.checkLineEnds(layer, name, n); err != nil {
				return err
			}
			if err := b.checkSecrets(name, n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *builder) checkName(twins *filename.Twins, name string) {
	other, how := twins.Add(name)
	switch why := filename.Portable(name); {
	case other != "" && strings.Contains(how, "accents"):
		b.problem(recipe.Pos{}, "%q and %q differ only %s: rename one of them", other, name, how)
	case other != "":
		b.warn(recipe.Pos{}, "%q and %q differ only %s: no deposit can be made of it; rename one of them", other, name, how)
	case why != "":
		b.warn(recipe.Pos{}, "%q: %s: no deposit can be made of it; rename the file", name, why)
	}
}

// maxLine bounds the first line of a script, as the kernel does.
const maxLine = 256

// checkLineEnds finds scripts with line ends of Windows in their first line:
// the kernel looks for an interpreter whose name ends in a carriage return.
func (b *builder) checkLineEnds(layer *tree.Node, name string, n *tree.Node) error {
	if layer == b.published || !n.Mode.IsRegular() || n.Size < 4 {
		return nil
	}
	started, read := b.starts(name)
	if n.Mode&0o111 == 0 && !read {
		return nil
	}
	head, err := firstBytes(n, maxLine)
	if err != nil {
		return err
	}
	line, _, found := bytes.Cut(head, []byte("\n"))
	if !found || !bytes.HasSuffix(line, []byte("\r")) || !bytes.HasPrefix(line, []byte("#!")) && !read {
		return nil
	}
	const mend = "its lines end in CR LF, as on Windows: mend it with `sed -i 's/\\r$//' %s`"
	if started || read {
		b.problem(recipe.Pos{}, "%q: "+mend, name, name)
	} else {
		b.warn(recipe.Pos{}, "%q cannot be started: "+mend, name, name)
	}
	return nil
}

// shells stop at a carriage return. Python, R and Perl do not.
var shells = []string{"sh", "bash", "dash", "ksh", "zsh"}

// starts reports whether a step starts the file itself, and whether one has a
// shell read it.
func (b *builder) starts(name string) (started, read bool) {
	for _, s := range b.Recipe.Steps {
		commands := [][]string{s.Command}
		if s.Quick != nil {
			commands = append(commands, s.Quick.Command)
		}
		for _, c := range commands {
			if len(c) == 0 {
				continue
			}
			started = started || strings.Contains(c[0], "/") && path.Join(s.Dir.Value, strings.TrimPrefix(c[0], Paper+"/")) == name
			read = read || len(c) > 1 && slices.Contains(shells, path.Base(c[0])) && path.Join(s.Dir.Value, c[1]) == name
		}
	}
	return started, read
}

func firstBytes(n *tree.Node, most int64) ([]byte, error) {
	r, err := n.Content()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, most))
}

// maxNamed bounds how many libraries one warning names.
const maxNamed = 5

// libraries tells of libraries that compiled files of the experiment ask for
// and that lie nowhere in the image: a wheel brings its own, but not the
// machine's libstdc++.
func (b *builder) libraries() {
	there := map[string]bool{}
	for at := range b.union.All() {
		there[path.Base(at)] = true
	}
	var missing []string
	for at, n := range b.code.All() {
		if !n.Mode.IsRegular() || n.Mode&0o111 == 0 && !strings.Contains(path.Base(at), ".so") {
			continue
		}
		for _, library := range host.Needed(n) {
			if !there[path.Base(library)] && !slices.Contains(missing, library) {
				missing = append(missing, library)
			}
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		more := ""
		if len(missing) > maxNamed {
			missing, more = missing[:maxNamed], " and others"
		}
		b.warn(b.Recipe.Environment.Pos, "environment: compiled files of the code need %s%s, which the image has not: name the library under `files`, or let `repro capture` find what the run opens", strings.Join(missing, ", "), more)
	}
}
