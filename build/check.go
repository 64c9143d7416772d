package build

import (
	"context"
	"crypto/sha256"
	"path"
	"slices"
	"strings"

	"repro/build/host"
	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/recipe"
)

var defaultPath = host.DefaultPath

func splitPath(value string) []string { return strings.Split(value, ":") }

// check holds the steps against what the image will have: a mistake that
// would stop a reviewer's run is the author's to hear about.
func (b *builder) check(ctx context.Context) error {
	b.union = tree.Union(b.env.Tree, b.code, b.data)
	if n := b.env.Tree.Lookup(Paper); n == nil || !n.IsDir() || len(n.Entries) > 0 && b.Recipe.Environment.Kind != recipe.Capture {
		b.problem(b.Recipe.Environment.Pos, "environment: has something at %s, where the experiment is to stand", Paper)
	}
	made := map[string]bool{}
	for _, d := range b.Recipe.Data {
		if d.Fetch {
			made[d.Path.Value] = true
		}
	}
	for _, s := range b.Recipe.Order() {
		b.checkStep(s, made)
		for _, o := range s.Outputs {
			made[o.Value] = true
		}
	}
	b.links(b.code, made)
	b.links(b.data, made)
	if b.Recipe.Environment.Kind != recipe.Capture { // of which is known that it sufficed
		b.pythons()
		b.libraries()
	}
	if err := b.checkSpreads(); err != nil {
		return err
	}
	return b.copies(ctx)
}

// isMade reports whether name is an output of an earlier step, lies in one, or
// holds one.
func isMade(made map[string]bool, name string) bool {
	for m := range made {
		if m == name || strings.HasPrefix(name, m+"/") || strings.HasPrefix(m, name+"/") {
			return true
		}
	}
	return false
}

func (b *builder) checkStep(s recipe.Step, made map[string]bool) {
	if _, n := follow(b.union, inPaper(s.Dir)); (n == nil || !n.IsDir()) && !isMade(made, s.Dir.Value) && s.Dir.Value != "." {
		b.problem(s.Dir.Pos, "dir: %q: no such folder in the code or data", s.Dir.Value)
	}
	for _, in := range s.Inputs {
		if !isMade(made, in.Value) && !b.has(in.Value) {
			b.problem(in.Pos, "inputs: %q: neither in the code or data nor an output of another step", in.Value)
		}
	}
	b.checkCommand(s, made)
	b.checkScript(s, made)
	if s.Quick != nil && len(s.Quick.Command) > 0 {
		quick := s
		quick.Command = s.Quick.Command
		b.checkCommand(quick, made)
		b.checkScript(quick, made)
	}
	if s.Ranks > 0 {
		mpi := s
		mpi.Command = []string{"mpirun"}
		b.checkCommand(mpi, made)
	}
	if format.ClockLibrary(b.union.Lookup) == "" && slices.Contains(s.Fixed, manifest.FixedClock) {
		b.problem(s.Pos, "step %q: fixed: clock: the environment has no libfaketime (looked for %s)", s.Name, strings.Join(format.ClockLibraries, ", "))
	}
}

// runsScripts are interpreters whose first word is a script, if it is no flag.
var runsScripts = []string{"sh", "bash", "dash", "python", "python3", "Rscript", "perl", "julia", "lua", "ruby", "node", "octave"}

// checkScript finds the script that a step has an interpreter run.
func (b *builder) checkScript(s recipe.Step, made map[string]bool) {
	if len(s.Command) < 2 || !slices.Contains(runsScripts, path.Base(s.Command[0])) {
		return
	}
	name := s.Command[1]
	if name == "" || strings.HasPrefix(name, "-") || path.IsAbs(name) {
		return
	}
	at := path.Join(s.Dir.Value, name)
	if _, n := follow(b.union, path.Join(Paper, at)); n == nil && !isMade(made, at) {
		b.problem(s.Pos, "step %q: %s is to run %q, which is not in the code or data", s.Name, s.Command[0], at)
	}
}

// has reports whether the code or data has what an input names.
func (b *builder) has(name string) bool {
	if _, n := follow(b.union, path.Join(Paper, name)); n != nil {
		return true
	}
	if !recipe.IsGlob(name) {
		return false
	}
	for at := range b.union.Lookup(Paper).All() {
		if at != "" && recipe.Match(name, at) {
			return true
		}
	}
	return false
}

// checkCommand finds the program that a step starts.
func (b *builder) checkCommand(s recipe.Step, made map[string]bool) {
	step, name := b.step(s), s.Command[0]
	if strings.Contains(name, "/") {
		full := name
		if !path.IsAbs(name) {
			full = path.Join(step.Dir, name)
		}
		rel, ours := strings.CutPrefix(full, Paper+"/")
		if ours && isMade(made, rel) {
			return
		}
		if why := b.startable(full); why != "" {
			b.problem(s.Pos, "step %q: command %q: %s", s.Name, name, why)
		}
		return
	}
	dirs := commandPath(step)
	for _, dir := range dirs {
		if dir == Paper || strings.HasPrefix(dir, Paper+"/") || !path.IsAbs(dir) || b.startable(path.Join(dir, name)) == "" {
			return // there, or perhaps made by a step
		}
	}
	hint := "its environment has no such program"
	if b.env.lacks != "" {
		hint += ": " + b.env.lacks
	}
	b.problem(s.Pos, "step %q: command %q: %s (looked in %s)", s.Name, name, hint, strings.Join(dirs, ":"))
}

// startable returns why the file at full cannot be started, or "".
func (b *builder) startable(full string) string {
	_, n := follow(b.union, full)
	switch {
	case n == nil:
		return "no such file in the image"
	case !n.Mode.IsRegular():
		return "not a file"
	case n.Mode&0o111 == 0:
		return "not executable: set its x bit, or name its interpreter first, such as [sh, " + path.Base(full) + "]"
	}
	return ""
}

// links reports symbolic links of the experiment that lead out of its folder,
// or to what the image will not have.
func (b *builder) links(layer *tree.Node, made map[string]bool) {
	for at, n := range layer.All() {
		if n.Target == "" {
			continue
		}
		name := strings.TrimPrefix(at, Paper[1:]+"/")
		target := path.Join("/", path.Dir(at), n.Target)
		if path.IsAbs(n.Target) {
			target = n.Target
		}
		rel, ours := strings.CutPrefix(target, Paper+"/")
		_, to := follow(b.union, "/"+at)
		switch {
		case !ours && !path.IsAbs(n.Target):
			b.problem(recipe.Pos{}, "%q: a symbolic link to %q, out of the folder: put the file itself there, or leave the link out with \"!%s\"", name, n.Target, name)
		case to == nil && !(ours && isMade(made, rel)):
			b.problem(recipe.Pos{}, "%q: a symbolic link to %q, which the image will not have: add it to the code or data, or leave the link out with \"!%s\"", name, n.Target, name)
		}
	}
}

// copies reports files of the experiment that have the bytes of a published
// result: a step that can read one can copy the answer. Empty files are no
// answer.
func (b *builder) copies(ctx context.Context) error {
	sizes := map[int64]bool{}
	published := map[[sha256.Size]byte]string{}
	for name, n := range b.published.All() {
		if !n.Mode.IsRegular() || n.Size == 0 {
			continue
		}
		sum, err := tree.SHA256(n)
		if err != nil {
			return err
		}
		sizes[n.Size] = true
		if published[sum] == "" {
			published[sum] = name
		}
	}
	for _, layer := range []*tree.Node{b.code, b.data} {
		for name, n := range layer.All() {
			if !n.Mode.IsRegular() || !sizes[n.Size] {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			sum, err := tree.SHA256(n)
			if err != nil {
				return err
			}
			if answer := published[sum]; answer != "" {
				name = strings.TrimPrefix(name, Paper[1:]+"/")
				b.problem(b.resultAt(answer), "published: %q: %q has the same bytes and would be seen by the steps: leave it out with \"!%s\"", answer, name, name)
			}
		}
	}
	return nil
}

func (b *builder) resultAt(published string) recipe.Pos {
	i := slices.IndexFunc(b.Recipe.Results, func(r recipe.Result) bool { return r.Published.Value == published })
	if i < 0 {
		return recipe.Pos{}
	}
	return b.Recipe.Results[i].Published.Pos
}
