package draft

import (
	"bytes"
	"cmp"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"repro/internal/form"
	"repro/recipe"
)

// Limits on what Init looks at.
const (
	maxScanned   = 20_000
	maxScanDepth = 12
	maxPeek      = 64 << 10
	maxResults   = 500 // files that the recipe lists as results, or a manifest as such
)

// use is what a file of an experiment is for.
type use int

const (
	useOther use = iota
	useCode
	useData
	useResult
)

// found is a file of an experiment.
type found struct {
	name string
	use  use
	lang string // of code: the interpreter
}

// interpreters run scripts, by extension.
var interpreters = map[string]string{
	".sh": "sh", ".bash": "bash", ".py": "python3", ".r": "Rscript", ".rmd": "Rscript", ".jl": "julia",
	".awk": "awk", ".pl": "perl", ".m": "octave", ".lua": "lua", ".rb": "ruby", ".js": "node",
	".ipynb": "jupyter", ".do": "stata", ".qmd": "quarto", ".smk": "snakemake",
}

// compiled are compiled, or read by other code.
var compiled = []string{".c", ".h", ".cc", ".cpp", ".hpp", ".f", ".f90", ".f95", ".go", ".rs", ".java", ".mk", ".sql", ".stan", ".bug", ".mod"}

var dataKinds = []string{
	".csv", ".tsv", ".dat", ".data", ".json", ".xlsx", ".ods", ".npy", ".npz", ".h5", ".hdf5", ".nc", ".rds",
	".rda", ".rdata", ".mat", ".parquet", ".sav", ".dta", ".arff", ".fasta", ".fa", ".fastq", ".vcf", ".xml",
	".gz", ".zip", ".bz2", ".xz", ".tif", ".nii", ".geojson", ".gpkg", ".shp", ".txt",
}

var resultKinds = []string{".csv", ".tsv", ".json", ".png", ".pdf", ".svg", ".txt", ".tex", ".html", ".md", ".npy", ".npz", ".log", ".out", ".jpg", ".tif", ".ipynb"}

var (
	resultFolders = []string{"result", "results", "output", "outputs", "out", "figure", "figures", "fig", "figs", "plots", "table", "tables", "published", "expected"}
	dataFolders   = []string{"data", "dataset", "datasets", "input", "inputs", "raw"}
	codeNames     = []string{"Makefile", "makefile", "GNUmakefile", "Snakefile", "renv.lock", "Manifest.toml", "Project.toml"}
	// aboutFiles are about the work: no input of it.
	aboutFiles = []string{"codecheck.yml", "codecheck.yaml", "CITATION.cff", ".zenodo.json", "codemeta.json", "DESCRIPTION", "pyproject.toml", "apt.txt", "environment.yml", "environment.yaml", "requirements.txt", "runtime.txt", "Dockerfile"}
	notLooked  = []string{"node_modules", "__pycache__", "venv", "packrat", "renv", "CVS", "conda-meta", "env"}
)

// scan lists the files below root that look like a part of an experiment, in
// byte order, the day of the newest, and every regular file that a recipe can
// name. What only a symbolic link leads to is in none of them.
func scan(root fs.FS) (all []found, newest time.Time, there map[string]bool, err error) {
	there = map[string]bool{}
	n := 0
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			if name == "." {
				return err
			}
			return nil // unreadable folders are not part of the experiment as it stands
		}
		if n++; n > maxScanned {
			return fs.SkipAll
		}
		base := path.Base(name)
		if name != "." && (strings.HasPrefix(base, ".") || d.IsDir() && (slices.Contains(notLooked, base) || strings.HasSuffix(base, ".egg-info") || strings.Count(name, "/") >= maxScanDepth)) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() && isRun(root, name) {
			return fs.SkipDir
		}
		if !d.Type().IsRegular() || !plainName(name) || name == recipe.FileName {
			return nil
		}
		there[name] = true
		f := classify(root, name)
		if f.use == useOther {
			return nil
		}
		all = append(all, f)
		if info, err := d.Info(); err == nil && info.ModTime().After(newest) {
			newest = info.ModTime()
		}
		return nil
	})
	slices.SortFunc(all, func(a, b found) int { return cmp.Compare(a.name, b.name) })
	return all, newest, there, err
}

// isRun knows a folder that "repro run" left: what lies there is no part of the
// experiment.
func isRun(root fs.FS, name string) bool {
	info, err := fs.Stat(root, path.Join(name, "report.json"))
	return strings.HasSuffix(name, ".run") && err == nil && info.Mode().IsRegular()
}

// plainName reports whether a recipe can name the file as it is.
func plainName(name string) bool {
	return utf8.ValidString(name) && strings.IndexFunc(name, form.IsControl) < 0 && !strings.ContainsAny(name, "\n\t\\*?[") &&
		!strings.HasPrefix(name, "!") && !strings.HasPrefix(name, "~") && strings.TrimSpace(name) == name
}

func classify(root fs.FS, name string) found {
	base, ext := path.Base(name), strings.ToLower(path.Ext(name))
	under := func(folders []string) bool {
		return slices.ContainsFunc(strings.Split(path.Dir(name), "/"), func(elem string) bool {
			return slices.Contains(folders, strings.ToLower(elem))
		})
	}
	f := found{name: name}
	switch {
	case slices.Contains(aboutFiles, base), strings.HasPrefix(strings.ToLower(base), "license"):
	case strings.HasSuffix(base, ".Rout.save"):
		f.use = useResult
	case under(resultFolders) && slices.Contains(resultKinds, ext):
		f.use = useResult
	case interpreters[ext] != "":
		f.use, f.lang = useCode, interpreters[ext]
	case slices.Contains(compiled, ext), slices.Contains(codeNames, base):
		f.use = useCode
	case under(dataFolders):
		f.use = useData
	case slices.Contains(dataKinds, ext) && !isProse(base):
		f.use = useData
	default:
		if f.lang = shebang(root, name); f.lang != "" {
			f.use = useCode
		}
	}
	return f
}

// isProse knows texts for readers.
func isProse(base string) bool {
	upper := strings.ToUpper(base)
	return slices.ContainsFunc([]string{"README", "LICENSE", "LICENCE", "COPYING", "CHANGELOG", "NOTES", "CITATION", "AUTHORS"}, func(p string) bool {
		return strings.HasPrefix(upper, p)
	})
}

// shebang returns the interpreter that a script's first line names, or "".
func shebang(root fs.FS, name string) string {
	line, _, _ := bytes.Cut(peek(root, name), []byte("\n"))
	rest, ok := bytes.CutPrefix(line, []byte("#!"))
	words := strings.Fields(string(rest))
	if !ok || len(words) == 0 {
		return ""
	}
	if path.Base(words[0]) == "env" && len(words) > 1 {
		return path.Base(words[len(words)-1])
	}
	return path.Base(words[0])
}

// peek returns the beginning of a file, empty if it cannot be read.
func peek(root fs.FS, name string) []byte {
	if info, err := fs.Stat(root, name); err != nil || !info.Mode().IsRegular() {
		return nil // to open a pipe would wait for a writer
	}
	f, err := root.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxPeek))
	if err != nil {
		return nil
	}
	return b
}
