package capture

import (
	"path"
	"slices"
	"strings"

	"repro/recipe/draft"
)

// Draft says what the recipe gets: which of the experiment's own files are code
// and data, and for each step its command, inputs and outputs. Whole is whether
// packages are to be taken whole.
func (r *Record) Draft(whole bool) draft.Captured {
	c := draft.Captured{Record: FileName, Whole: whole, Results: r.results()}
	made := r.makers()
	readLater := r.readLater(made)
	code, data := map[string]bool{}, map[string]bool{}
	for i, s := range r.Steps {
		step := draft.CapturedStep{Name: s.Name, Command: s.Command, Env: s.Env}
		for _, f := range s.Files {
			rel, ok := r.ownFile(f.Path)
			if !ok {
				continue
			}
			if m, is := made[rel]; is {
				if m < i && f.Read {
					step.Inputs = append(step.Inputs, rel)
				}
				continue
			}
			if isCode(rel, f, s) {
				code[rel] = true
				continue
			}
			data[rel] = true
			if f.Read {
				step.Inputs = append(step.Inputs, rel)
			}
		}
		for rel, m := range made {
			if m == i && (slices.Contains(c.Results, rel) || readLater[rel]) {
				step.Outputs = append(step.Outputs, rel)
			}
		}
		slices.Sort(step.Outputs)
		slices.Sort(step.Inputs)
		c.Steps = append(c.Steps, step)
	}
	for rel := range data {
		if !code[rel] {
			c.Data = append(c.Data, rel)
		}
	}
	for rel := range code {
		c.Code = append(c.Code, rel)
	}
	for rel := range made {
		if !code[rel] && !data[rel] {
			c.Made = append(c.Made, rel)
		}
	}
	r.madeFolders(&c)
	slices.Sort(c.Code)
	slices.Sort(c.Data)
	slices.Sort(c.Made)
	return c
}

// madeFolders has a folder that a step made itself stand for the outputs in it: a
// run makes the folders that outputs lie in, and one that is there already may be
// in the way of the step (mkdir). But where another step has an output there, too,
// it does not: outputs do not lie in each other (RCP-12). Nor where the step left a
// link, which cannot be collected.
func (r *Record) madeFolders(c *draft.Captured) {
	for i := range c.Steps {
		var others []string
		for j, s := range c.Steps {
			if j != i {
				others = append(others, s.Outputs...)
			}
		}
		outputs := c.Steps[i].Outputs
		for j, rel := range outputs {
			dir := r.Steps[i].madeAbove(r.Folder, rel)
			if dir != "" && !holds(dir, slices.Concat(others, c.Code, c.Data)) && !r.Steps[i].linksIn(path.Join(r.Folder, dir)) {
				outputs[j] = dir
			}
		}
		slices.Sort(outputs)
		c.Steps[i].Outputs = slices.Compact(outputs)
	}
}

// linksIn reports whether the step left in a folder what is no regular file, and
// so has no digest.
func (s *Step) linksIn(dir string) bool {
	return slices.ContainsFunc(s.Written, func(w Written) bool { return w.After == "" && inside(w.Path, dir) })
}

// madeAbove returns the outermost folder above a file of the experiment that was
// not there before the step; "" if there is none.
func (s *Step) madeAbove(folder, rel string) (made string) {
	for dir := path.Dir(rel); dir != "."; dir = path.Dir(dir) {
		if !slices.Contains(s.Folders, path.Join(folder, dir)) {
			made = dir
		}
	}
	return made
}

// makers maps each file of the experiment that a step made, or made anew without
// having read it, to the last such step's index.
func (r *Record) makers() map[string]int {
	made := map[string]int{}
	for i, s := range r.Steps {
		read := s.reads()
		for _, w := range s.Written {
			rel, ok := r.ownFile(w.Path)
			switch {
			case !ok || read[w.Path] && w.Before != "":
			case w.After == "":
				delete(made, rel)
			default:
				made[rel] = i
			}
		}
	}
	return made
}

// Left returns what the steps were last seen to write to the files that they
// made, by paths relative to the experiment's folder.
func (r *Record) Left() map[string]Written {
	left := map[string]Written{}
	for rel, i := range r.makers() {
		for _, w := range r.Steps[i].Written {
			if w.Path == path.Join(r.Folder, rel) {
				left[rel] = w
			}
		}
	}
	return left
}

func (r *Record) readLater(made map[string]int) map[string]bool {
	later := map[string]bool{}
	for i, s := range r.Steps {
		for _, f := range s.Files {
			if rel, ok := r.ownFile(f.Path); ok && f.Read {
				if m, is := made[rel]; is && m < i {
					later[rel] = true
				}
			}
		}
	}
	return later
}

func (s *Step) reads() map[string]bool {
	read := map[string]bool{}
	for _, f := range s.Files {
		if f.Read {
			read[f.Path] = true
		}
	}
	return read
}

// ownFile returns a path of the experiment's own files relative to its folder.
// An environment that lies in the folder, such as .venv, is none of them.
func (r *Record) ownFile(name string) (string, bool) {
	rel, ok := below(name, r.Folder)
	if !ok || !plainPath(rel) {
		return "", false
	}
	return rel, !isEnvironment(r.Folder, rel)
}

// plainPath reports whether a recipe can name the path as it is.
func plainPath(rel string) bool {
	return !strings.ContainsFunc(rel, func(c rune) bool { return c < ' ' || c == 0x7f || strings.ContainsRune(`\*?[`, c) }) &&
		!strings.HasPrefix(rel, "!") && !strings.HasPrefix(rel, "~") && strings.TrimSpace(rel) == rel
}

// resultKinds are extensions of files in which results are usually kept.
var resultKinds = []string{
	".csv", ".tsv", ".json", ".txt", ".out", ".dat", ".md", ".tex", ".html", ".xml", ".yaml", ".yml", ".xlsx", ".ods",
	".png", ".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".svg", ".pdf", ".eps", ".ps", ".ipynb",
	".npy", ".npz", ".h5", ".hdf5", ".nc", ".mat", ".rds", ".rdata", ".rda", ".parquet", ".feather", ".vtk", ".fits",
}

// results are the files that the steps left and in which results are usually
// kept; if there are none, those of other kinds, and at last those without an
// extension, of which most are compiled programs.
func (r *Record) results() []string {
	kinds := r.left()
	return kinds[max(0, slices.IndexFunc(kinds[:], func(k []string) bool { return len(k) > 0 }))]
}

// NotResults are files that the steps left and that [Record.Draft] does not take
// for results, but which might be some: no later step reads them. They are
// relative to the folder.
func (r *Record) NotResults() []string {
	results, kinds, later := r.results(), r.left(), r.readLater(r.makers())
	all := slices.Concat(kinds[:]...)
	slices.Sort(all)
	return slices.DeleteFunc(all, func(rel string) bool { return later[rel] || slices.Contains(results, rel) })
}

// left are the files that the steps left, but what compilers and caches do and
// what a step ran: of kinds in which results are usually kept, of others, and
// without an extension.
func (r *Record) left() (kinds [3][]string) {
	ran := map[string]bool{}
	for _, s := range r.Steps {
		for _, p := range s.Programs {
			ran[p.Path] = true
		}
	}
	for rel := range r.makers() {
		hidden := slices.ContainsFunc(strings.Split(rel, "/"), func(e string) bool {
			return strings.HasPrefix(e, ".") || e == "__pycache__" || strings.HasSuffix(e, ".egg-info")
		})
		ext := strings.ToLower(path.Ext(rel))
		at := 1
		switch {
		case hidden || ran[path.Join(r.Folder, rel)] || slices.Contains(leftByTools, ext):
			continue
		case slices.Contains(resultKinds, ext):
			at = 0
		case ext == "":
			at = 2
		}
		kinds[at] = append(kinds[at], rel)
	}
	for _, k := range kinds {
		slices.Sort(k)
	}
	return kinds
}

var leftByTools = []string{".o", ".a", ".so", ".obj", ".mod", ".d", ".pyc", ".class", ".jar", ".exe", ".log", ".aux", ".toc", ".lock", ".pid", ".tmp", ".bak", ".gcda", ".gcno"}

// resultsWith are the results once s is in the record.
func (r *Record) resultsWith(s *Step) []string {
	with := &Record{Folder: r.Folder, Steps: slices.Clone(r.Steps)}
	with.put(*s)
	return with.results()
}

// codeKinds are extensions of files that programs execute or compile.
var codeKinds = []string{
	".py", ".r", ".rmd", ".qmd", ".jl", ".sh", ".bash", ".pl", ".pm", ".rb", ".lua", ".js", ".mjs", ".ts", ".m", ".do", ".awk", ".sed",
	".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".hh", ".f", ".f77", ".f90", ".f95", ".f03", ".f08", ".inc", ".go", ".mod", ".sum", ".rs", ".java", ".kt", ".scala",
	".hs", ".ml", ".cs", ".cu", ".cl", ".s", ".pyx", ".pxd", ".mk", ".cmake", ".smk", ".sql", ".stan", ".bug", ".jags", ".gp", ".plt", ".nf", ".wdl", ".cwl", ".ipynb", ".sty", ".cls", ".bst",
}

var codeNames = []string{"Makefile", "makefile", "GNUmakefile", "Snakefile", "CMakeLists.txt", "DESCRIPTION", "NAMESPACE", ".Rprofile", "Project.toml", "Manifest.toml", "pyproject.toml", "setup.cfg", "requirements.txt", "renv.lock", "configure", "Rakefile", "SConstruct", "meson.build"}

// isCode tells code from data: by name, and by what was executed.
func isCode(rel string, f File, s Step) bool {
	if slices.Contains(codeKinds, strings.ToLower(path.Ext(rel))) || slices.Contains(codeNames, path.Base(rel)) {
		return true
	}
	return f.Executable && slices.ContainsFunc(s.Programs, func(p Program) bool { return p.Path == f.Path })
}
