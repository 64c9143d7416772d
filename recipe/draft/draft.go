// Package draft writes a first recipe for what lies in a folder, from what its
// author has already: files that say whose work it is, an environment, scripts
// and results. Each value says where it comes from; what cannot be known stays
// a placeholder that package build refuses.
//
// Nothing is run. Outside of the folder only the author's name is read, of
// git's settings, and which program a link or a version manager leads to.
package draft

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"repro/internal/form"
	"repro/internal/pattern"
	"repro/recipe"
)

// Options say what of the machine may be looked at.
type Options struct {
	Home string // the author's home folder, for git's settings; empty: not read
	Path string // value of PATH in which programs are looked up; empty: none are
}

// Draft is a recipe to start from.
type Draft struct {
	Text  []byte
	Notes []string // what an author should know beside it
}

// Folder writes a recipe for what it finds in the folder dir.
func Folder(dir string, o Options) (*Draft, error) {
	full, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir) // a link that leads out of the folder leads nowhere
	if err != nil {
		return nil, err
	}
	defer root.Close()
	w := &draft{root: root.FS(), dir: filepath.ToSlash(full), options: o}
	if w.files, w.day, w.there, err = scan(w.root); err != nil {
		return nil, err
	}
	w.known = describe(w.root)
	w.markTargets()
	w.claimResults()
	w.steps = w.commands()
	w.codeOfSteps()
	w.notebookResults()
	env := w.chooseEnvironment()
	w.about()
	w.environment(env)
	w.codeList()
	w.dataList()
	w.stepList()
	w.resultList()
	b := w.out.Bytes()
	if _, err := recipe.Parse(recipe.FileName, b); err != nil {
		return nil, fmt.Errorf("%s: no recipe comes of it: %w", dir, err)
	}
	return &Draft{b, w.notes}, nil
}

// draft is a recipe as it is written.
type draft struct {
	out     bytes.Buffer
	root    fs.FS
	dir     string // absolute
	options Options
	files   []found
	there   map[string]bool // every regular file that a recipe can name
	day     time.Time
	known   about
	steps   []step
	results []result
	other   int // files in folders of results that a manifest does not list
	notes   []string
}

func (w *draft) printf(format string, args ...any) { fmt.Fprintf(&w.out, format, args...) }

// from is the comment that says where a value comes from.
func from(source string) string {
	if source == "" {
		return ""
	}
	if strings.ContainsFunc(source, unseen) {
		source = doubleQuoted(source)
	}
	return "   # from " + source
}

// unseen reports whether people do not see a character as it is.
func unseen(r rune) bool { return form.IsControl(r) || unicode.Is(unicode.Cf, r) }

// of returns the names of the files that are for this use.
func (w *draft) of(u use) (names []string) {
	for _, f := range w.files {
		if f.use == u {
			names = append(names, f.name)
		}
	}
	return names
}

// has reports whether the folder has a file or folder of that name.
func (w *draft) has(name string) bool {
	_, err := fs.Stat(w.root, name)
	return err == nil
}

var bareWord = pattern.New(`^[A-Za-z_][A-Za-z0-9_./+ -]*$`)

// word writes s as YAML text.
func word(s string) string {
	reserved := []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
	if bareWord.MatchString(s) && !slices.Contains(reserved, strings.ToLower(s)) && !strings.HasSuffix(s, " ") {
		return s
	}
	return doubleQuoted(s)
}

func (w *draft) about() {
	k := w.known
	date := k.date
	if date.value == "" {
		day := w.day
		if day.IsZero() || day.Year() > 2105 {
			day = time.Unix(0, 0)
		}
		date = said[string]{day.UTC().Format(time.DateOnly), "the newest file"}
	}
	title := said[string]{cmp.Or(k.title.value, recipe.PlaceholderTitle), k.title.from}
	w.printf(`# What this experiment consists of and which published results it makes.
# "repro build" makes one file of it that anyone can run again.
repro: 1
title: %s%s
`, word(title.value), from(title.from))
	w.authors()
	if k.licence.value != "" {
		w.printf("licence: %s%s\n", word(k.licence.value), from(k.licence.from))
	} else {
		w.printf("# licence: CC-BY-4.0   # an SPDX expression; without one nobody may use it\n")
	}
	w.printf("date: %s   # from %s; every time in the image is this one\n", date.value, date.from)
	if k.doi.value != "" {
		w.printf("doi: %s%s\n", word(k.doi.value), from(k.doi.from))
	} else {
		w.printf("# doi: 10.5281/zenodo.123\n")
	}
	if len(k.keywords.value) > 0 {
		w.printf("keywords:%s\n", from(k.keywords.from))
		for _, word := range k.keywords.value {
			w.printf("  - %s\n", quoted(word))
		}
	}
	if k.abstract.value != "" {
		w.printf("abstract: %s%s\n", doubleQuoted(k.abstract.value), from(k.abstract.from))
	}
}

func (w *draft) authors() {
	all := w.known.authors
	if len(all.value) == 0 {
		if a, source := gitAuthor(w.root, w.options.Home); source != "" {
			all = said[[]author]{[]author{a}, source}
		}
	}
	if len(all.value) == 0 {
		w.printf("authors:\n  - name: %s   # and, where you have one: orcid, affiliation, email\n", recipe.PlaceholderAuthor)
		return
	}
	w.printf("authors:%s\n", from(all.from))
	for _, a := range all.value {
		w.printf("  - name: %s\n", quoted(a.name))
		for _, f := range []struct{ key, value string }{{"orcid", a.orcid}, {"affiliation", a.affiliation}, {"email", a.email}} {
			if f.value != "" {
				w.printf("    %s: %s\n", f.key, quoted(f.value))
			}
		}
	}
}

// manyFiles are so many that a pattern says more than their names.
const manyFiles = 5

// group sums up names as top-level files, or a pattern for many of a kind,
// whole folders that have nothing else, and patterns by extension for the
// others.
func (w *draft) group(u use) []string {
	mixed := map[string]bool{} // folders, and extensions at the top, of several uses
	count := map[string]int{}
	for _, f := range w.files {
		top, _, below := strings.Cut(f.name, "/")
		if !below {
			top = path.Ext(f.name)
			count[top]++
		}
		mixed[top] = mixed[top] || f.use != u
	}
	var entries []string
	for _, name := range w.of(u) {
		top, _, below := strings.Cut(name, "/")
		ext := path.Ext(name)
		entry := name
		switch {
		case below && !mixed[top]:
			entry = top + "/"
		case below && ext != "":
			entry = top + "/**/*" + ext
		case !below && ext != "" && !mixed[ext] && count[ext] > manyFiles:
			entry = "*" + ext
		}
		if !slices.Contains(entries, entry) {
			entries = append(entries, entry)
		}
	}
	return entries
}

func (w *draft) codeList() {
	w.printf(`
# Files, folders and patterns of the experiment; "!notes/" takes away. Steps see
# them at the same places below /paper.
`)
	entries := w.group(useCode)
	if len(entries) == 0 {
		w.printf("# code: [run.sh]\n")
		return
	}
	w.printf("code:\n")
	for _, e := range entries {
		w.printf("  - %s\n", word(e))
	}
}

func (w *draft) dataList() {
	w.printf("\n# Input data, where it is from and under which licence.\n")
	entries := w.group(useData)
	if len(entries) == 0 {
		w.printf("# data:\n#   - {path: data/x.csv, source: \"https://doi.org/10.5281/zenodo.123\", licence: CC0-1.0}\n")
		return
	}
	w.printf("data:\n")
	for _, e := range entries {
		w.printf("  - path: %s\n    # source: https://doi.org/10.5281/zenodo.123\n    # licence: CC0-1.0\n", word(e))
	}
}

// step is one command of the experiment.
type step struct {
	command []string
	dir     string // where it starts; empty: at the top
	modules string // a folder in which Python looks for modules too
	from    string
}

func (w *draft) stepList() {
	w.printf(`
# The commands, in order. A step that has an output of another among its inputs
# waits for it; the others may run at the same time.
steps:
`)
	steps, comment := w.steps, ""
	if len(steps) == 0 {
		steps, comment = []step{{command: []string{"sh", "run.sh"}}}, "   # no script was found here: write what runs the experiment"
	}
	outputs := w.outputs()
	for i, s := range steps {
		name := "all"
		if len(steps) > 1 {
			name = fmt.Sprintf("step-%d", i+1)
		}
		words := make([]string, len(s.command))
		for i, c := range s.command {
			if words[i] = word(c); strings.HasPrefix(c, "-") || isNumber(c) {
				words[i] = doubleQuoted(c)
			}
		}
		w.printf("  - name: %s\n    command: [%s]%s%s\n", name, strings.Join(words, ", "), comment, from(s.from))
		if s.dir != "" {
			w.printf("    dir: %s\n", quoted(s.dir))
		}
		if s.modules != "" {
			w.printf("    env:\n      PYTHONPATH: %s\n", doubleQuoted(path.Join("/paper", s.modules)))
		}
		if i > 0 {
			w.printf("    needs: [step-%d]\n", i)
		}
		if data := w.group(useData); len(data) > 0 {
			w.list("inputs", "    ", data)
		}
		switch {
		case len(outputs) > 0 && i == len(steps)-1:
			w.list("outputs", "    ", outputs)
		case i == len(steps)-1:
			w.printf("    # outputs: [results/table1.csv]\n")
		}
		w.processor(len(outputs) > 0)
	}
	w.printf("    # cpus: 1\n    # memory: 2 GiB\n    # time: 10m\n")
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

var notName = pattern.New(`[^A-Za-z0-9._-]+`)

// codeOfSteps sees to it that the scripts which the steps start are code.
func (w *draft) codeOfSteps() {
	for _, s := range w.steps {
		for _, arg := range s.command {
			name := path.Join(s.dir, arg)
			if w.there[name] && classify(w.root, name).use == useCode && !slices.ContainsFunc(w.files, func(f found) bool { return f.name == name }) {
				w.files = append(w.files, found{name: name, use: useCode})
			}
		}
	}
	slices.SortFunc(w.files, func(a, b found) int { return cmp.Compare(a.name, b.name) })
}
