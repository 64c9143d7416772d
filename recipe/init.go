package recipe

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"repro/internal/pattern"
)

// Init writes a recipe to start from, with comments, for what it finds in the
// folder dir: scripts, data, results and the usual files about a work
// (CITATION.cff, README, LICENSE). It runs nothing and reads nothing outside
// dir. The same folder gives the same recipe.
func Init(dir string) ([]byte, error) {
	files, newest, err := scan(dir)
	if err != nil {
		return nil, err
	}
	w := &draft{files: files, day: newest}
	w.about(dir)
	w.environment()
	w.codeList()
	w.dataList()
	w.stepList()
	w.resultList()
	b := w.out.Bytes()
	if _, err := Parse(FileName, b); err != nil {
		return nil, fmt.Errorf("%s: no recipe comes of it: %w", dir, err)
	}
	return b, nil
}

// draft is a recipe as it is written.
type draft struct {
	out   bytes.Buffer
	files []found
	day   time.Time
}

func (w *draft) printf(format string, args ...any) { fmt.Fprintf(&w.out, format, args...) }

// of returns the names of the files that are for this use.
func (w *draft) of(u use) (names []string) {
	for _, f := range w.files {
		if f.use == u {
			names = append(names, f.name)
		}
	}
	return names
}

var bareWord = pattern.New(`^[A-Za-z_][A-Za-z0-9_./+ -]*$`)

// word writes s as YAML text.
func word(s string) string {
	reserved := []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
	if bareWord.MatchString(s) && !slices.Contains(reserved, strings.ToLower(s)) && !strings.HasSuffix(s, " ") {
		return s
	}
	return strconv.Quote(s)
}

func (w *draft) about(dir string) {
	k := describeWork(dir)
	if k.date == "" {
		day := w.day
		if day.IsZero() || day.Year() > 2105 {
			day = time.Unix(0, 0)
		}
		k.date = day.UTC().Format(time.DateOnly)
	}
	w.printf(`# What this experiment consists of and which published results it makes.
# "repro build" makes one file of it that anyone can run again.
repro: 1
title: %s
authors:
`, word(k.title))
	for _, a := range k.authors {
		w.printf("  - %s\n", a)
	}
	if k.licence != "" {
		w.printf("licence: %s\n", word(k.licence))
	} else {
		w.printf("# licence: CC-BY-4.0   # an SPDX expression; without one nobody may use it\n")
	}
	w.printf("date: %s        # every time in the image is this one\n", k.date)
	if k.doi != "" {
		w.printf("doi: %s\n", k.doi)
	} else {
		w.printf("# doi: 10.5281/zenodo.123\n")
	}
}

// environment names the programs that the scripts want.
func (w *draft) environment() {
	programs := []string{"sh"}
	add := func(names ...string) {
		for _, name := range names {
			if !slices.Contains(programs, name) && checkProgram(name) == "" && bareWord.MatchString(name) {
				programs = append(programs, name)
			}
		}
	}
	var files []string
	for _, f := range w.files {
		if f.use == useCode && f.lang != "" {
			add(f.lang)
		}
		if strings.EqualFold(path.Base(f.name), "makefile") {
			add("make")
		}
	}
	if slices.Contains(programs, "python3") {
		files = append(files, strconv.Quote("/usr/lib*/python3*"))
	}
	if slices.Contains(programs, "Rscript") {
		files = append(files, strconv.Quote("/usr/lib*/R"))
		add("R", "sed", "uname")
	}
	slices.Sort(programs)
	w.printf(`
# Where the programs come from: those of this machine, with all that they need
# to start. Files are what they open by themselves, such as modules.
# Instead of host: rootfs, tar, oci (an image that docker or podman saved) or sif.
environment:
  host:
    programs: [%s]
`, strings.Join(programs, ", "))
	if len(files) > 0 {
		w.printf("    files: [%s]\n", strings.Join(files, ", "))
	} else {
		w.printf("    # files: [/usr/lib/example]\n")
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

// entryPoints are what runs a whole experiment, by custom.
var entryPoints = []struct {
	names   []string
	command string
}{
	{[]string{"run.sh", "run_all.sh", "reproduce.sh", "main.sh", "all.sh", "do_all.sh"}, "sh"},
	{[]string{"Makefile", "makefile", "GNUmakefile"}, "make"},
	{[]string{"Snakefile"}, "snakemake"},
	{[]string{"main.py", "run.py", "run_all.py", "analysis.py"}, "python3"},
	{[]string{"main.R", "run.R", "run_all.R", "master.R", "analysis.R", "main.r"}, "Rscript"},
	{[]string{"main.jl", "run.jl"}, "julia"},
}

// entry returns the command that most likely runs everything, or nil.
func (w *draft) entry() []string {
	code := w.of(useCode)
	for _, e := range entryPoints {
		for _, name := range e.names {
			switch {
			case !slices.Contains(code, name):
			case e.command == "make":
				return []string{"make"}
			case e.command == "snakemake":
				return []string{"snakemake", "--cores", "1"}
			default:
				return []string{e.command, name}
			}
		}
	}
	var scripts []found
	for _, f := range w.files {
		if f.use == useCode && f.lang != "" {
			scripts = append(scripts, f)
		}
	}
	for _, f := range scripts {
		if len(scripts) == 1 || !strings.Contains(f.name, "/") {
			return f.command()
		}
	}
	return nil
}

// command runs one script.
func (f found) command() []string {
	switch f.lang {
	case "jupyter":
		return []string{"jupyter", "nbconvert", "--execute", "--to", "notebook", "--inplace", f.name}
	case "awk":
		return []string{"awk", "-f", f.name}
	}
	return []string{f.lang, f.name}
}

func (w *draft) stepList() {
	w.printf(`
# The commands, in order. A step that has an output of another among its inputs
# waits for it; the others may run at the same time.
steps:
`)
	command, comment := w.entry(), ""
	if command == nil {
		command, comment = []string{"sh", "run.sh"}, "   # no script was found here: write what runs the experiment"
	}
	for i := range command {
		command[i] = word(command[i])
		if strings.HasPrefix(command[i], "-") || isNumber(command[i]) {
			command[i] = strconv.Quote(strings.Trim(command[i], `"`))
		}
	}
	w.printf("  - name: all\n    command: [%s]%s\n", strings.Join(command, ", "), comment)
	if data := w.group(useData); len(data) > 0 {
		w.printf("    inputs:\n")
		for _, d := range data {
			w.printf("      - %s\n", word(d))
		}
	}
	if outputs := w.of(useResult); len(outputs) > 0 {
		w.printf("    outputs:\n")
		for _, o := range outputs {
			w.printf("      - %s\n", word(o))
		}
	} else {
		w.printf("    # outputs: [results/table1.csv]\n")
	}
	w.printf("    # cpus: 1\n    # memory: 2 GiB\n    # time: 10m\n")
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(strings.Trim(s, `"`), 64)
	return err == nil
}

var notName = pattern.New(`[^A-Za-z0-9._-]+`)

func (w *draft) resultList() {
	w.printf(`
# What the paper reports: the file as published, kept out of sight of the steps,
# and the output that is compared with it (at the same place unless "published"
# says otherwise).
`)
	outputs := w.of(useResult)
	if len(outputs) == 0 {
		w.printf("# results:\n#   - {name: table-1, output: results/table1.csv, claim: \"Table 1\", compare: {kind: csv, digits: 4}}\n")
		return
	}
	w.printf("results:\n")
	taken := map[string]bool{}
	for _, o := range outputs {
		base := notName.ReplaceAllString(strings.TrimSuffix(path.Base(o), path.Ext(o)), "-")
		base = strings.TrimLeft(base, ".-_")
		base = base[:min(len(base), MaxName-8)]
		if base == "" {
			base = "result"
		}
		name := base
		for i := 2; taken[name]; i++ {
			name = fmt.Sprintf("%s-%d", base, i)
		}
		taken[name] = true
		w.printf("  - name: %s\n    output: %s\n    # claim: what the paper says that rests on it\n", strconv.Quote(name), word(o))
	}
}
