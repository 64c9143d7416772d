package draft

import (
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"repro/recipe"
)

// work is what one file of a folder says about the experiment. Empty fields
// are those that it says nothing of, or nothing that a recipe can hold.
type work struct {
	title, licence, doi, date, abstract string

	authors  []author
	keywords []string
	results  []published
}

// author is one author as a recipe names them.
type author struct{ name, orcid, affiliation, email string }

// published is a file that somebody checked or reports, and what of the paper
// it is.
type published struct{ file, claim string }

// sources is the table of files that say whose work a folder is and what it
// reports, the most telling first: a kind of file is a row and a reader.
var sources = []struct {
	names []string // the first that is there counts
	read  func(b []byte) work
}{
	{[]string{"codecheck.yml", "codecheck.yaml"}, readCodecheck},
	{[]string{"CITATION.cff"}, readCitation},
	{[]string{".zenodo.json"}, readZenodo},
	{[]string{"codemeta.json"}, readCodemeta},
	{[]string{"DESCRIPTION"}, readDescription},
	{[]string{"pyproject.toml"}, readPyproject},
	{[]string{"Project.toml", "JuliaProject.toml"}, readJulia},
	{[]string{"README.md", "README.rst", "README.qmd", "README.Rmd", "README.txt", "README", "readme.md", "Readme.md"}, readReadme},
	{[]string{"LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "LICENCE.md", "COPYING", "LICENSE.rst"}, readLicence},
}

// said is a value and the file that says it.
type said[T any] struct {
	value T
	from  string
}

// about is what all of a folder's files say, each value by the first that has it.
type about struct {
	title, licence, doi, date, abstract said[string]

	authors  said[[]author]
	keywords said[[]string]
	results  said[[]published]
}

// describe reads what lies in the folder.
func describe(root fs.FS) about {
	var a about
	for _, s := range sources {
		for _, name := range s.names {
			b := peek(root, name)
			if len(b) == 0 || len(b) == maxPeek {
				continue
			}
			a.add(name, s.read(b))
			break
		}
	}
	return a
}

// add takes from w what nothing before it has said, and what a recipe can hold.
func (a *about) add(from string, w work) {
	for _, f := range []struct {
		key   string
		value string
		to    *said[string]
	}{{"title", w.title, &a.title}, {"licence", w.licence, &a.licence}, {"doi", bareDOI(w.doi), &a.doi}, {"abstract", w.abstract, &a.abstract}} {
		value := strings.Join(strings.Fields(f.value), " ")
		if f.to.value == "" && value != "" && recipe.Wrong(f.key, value) == "" {
			*f.to = said[string]{value, from}
		}
	}
	if t, err := time.Parse(time.DateOnly, w.date); err == nil && t.Year() >= 1970 && t.Year() < 2106 && a.date.value == "" {
		a.date = said[string]{w.date, from}
	}
	if authors := usable(w.authors); len(authors) > 0 && len(a.authors.value) == 0 {
		a.authors = said[[]author]{authors, from}
	}
	if len(w.keywords) > 0 && len(a.keywords.value) == 0 {
		var words []string
		for _, k := range w.keywords {
			if k = strings.Join(strings.Fields(k), " "); recipe.Wrong("keywords", k) == "" && len(words) < maxKeywords {
				words = append(words, k)
			}
		}
		a.keywords = said[[]string]{words, from}
	}
	if len(w.results) > 0 && len(a.results.value) == 0 {
		a.results = said[[]published]{w.results, from}
	}
}

// Limits on what is taken of a file.
const (
	maxAuthors  = 100
	maxKeywords = 50
)

// usable returns the authors that a recipe can hold, with what of each it can.
func usable(all []author) (out []author) {
	for _, a := range all {
		keep := func(key, value string) string {
			if value = strings.Join(strings.Fields(value), " "); recipe.Wrong(key, value) != "" {
				return ""
			}
			return value
		}
		u := author{
			name:  keep("name", a.name),
			orcid: keep("orcid", path.Base(strings.TrimSuffix(a.orcid, "/"))), affiliation: keep("affiliation", a.affiliation), email: keep("email", a.email),
		}
		if u.name != "" && len(out) < maxAuthors {
			out = append(out, u)
		}
	}
	return out
}

// bareDOI takes the resolver's address off a DOI; what is another address is
// none.
func bareDOI(s string) string {
	s = strings.TrimSpace(s)
	for _, prefix := range []string{"https://", "http://", "dx.", "doi.org/", "doi:", "DOI:"} {
		s = strings.TrimPrefix(s, prefix)
	}
	return strings.TrimSpace(s)
}

// gitAuthor is who works in this folder, by git's own settings: the name, for an
// address is for its owner to give.
func gitAuthor(root fs.FS, home string) (author, string) {
	for _, f := range []struct {
		root fs.FS
		name string
	}{{root, ".git/config"}, {os.DirFS(home), ".gitconfig"}} {
		if home == "" && f.name == ".gitconfig" {
			continue
		}
		var a author
		section := ""
		for line := range strings.Lines(string(peek(f.root, f.name))) {
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "[") {
				section = line
			}
			key, value, ok := strings.Cut(line, "=")
			if !ok || section != "[user]" {
				continue
			}
			if strings.TrimSpace(key) == "name" {
				a.name = strings.Trim(strings.TrimSpace(value), `"`)
			}
		}
		if all := usable([]author{a}); len(all) == 1 {
			return all[0], "git's user.name"
		}
	}
	return author{}, ""
}
