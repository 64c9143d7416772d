package draft

import (
	"path"
	"slices"
	"strings"

	"repro/internal/form"
	"repro/internal/pattern"
)

// readCodecheck reads codecheck.yml, of which the manifest lists the files that
// a codechecker made anew (https://codecheck.org.uk/spec/config/1.0/). It is
// filled in by hand: what stands in another form than the specification's is
// read as far as it can be, and does not hide the rest.
func readCodecheck(b []byte) (w work) {
	var root *form.Node
	if plainYAML.Read("codecheck.yml", b, func(_ *form.Reader, n *form.Node) { root = n }) != nil {
		return w
	}
	paper := find(root, "paper")
	w.title = text(find(paper, "title"))
	w.doi = doiIn(text(find(paper, "reference")))
	w.authors = codecheckAuthors(find(paper, "authors"))
	for _, e := range entries(find(root, "manifest")) {
		name := text(e)
		if form.IsMapping(e) {
			name = text(find(e, "file"))
		}
		file := path.Clean(name)
		if name == "" || file == "." || file == ".." || path.IsAbs(file) || strings.HasPrefix(file, "../") {
			continue
		}
		w.results = append(w.results, published{file, strings.Join(strings.Fields(text(find(e, "comment"))), " ")})
	}
	return w
}

// codecheckAuthors reads a list of mappings as the specification has it, a list
// of names, or all names in one text.
func codecheckAuthors(n *form.Node) (all []author) {
	if line := text(n); line != "" {
		separator := ";"
		if !strings.Contains(line, separator) {
			separator = ","
		}
		for name := range strings.SplitSeq(line, separator) {
			for part := range strings.SplitSeq(name, " and ") {
				all = append(all, namedAuthor(part))
			}
		}
		return all
	}
	for _, e := range entries(n) {
		a := namedAuthor(text(e))
		if form.IsMapping(e) {
			a = namedAuthor(text(find(e, "name")))
			for _, key := range []string{"ORCID", "orcid", "Orcid"} {
				if id := text(find(e, key)); id != "" {
					a.orcid = id
				}
			}
		}
		all = append(all, a)
	}
	return all
}

var inBrackets = pattern.New(`\s*[<(][^<>()]*[>)]`)

// namedAuthor takes an ORCID iD that stands behind a name for itself.
func namedAuthor(s string) author {
	return author{name: strings.TrimSpace(inBrackets.ReplaceAllString(s, "")), orcid: orcidIn.Regexp().FindString(s)}
}

// text returns the text of a value, or "" if it has none.
func text(n *form.Node) string {
	if n == nil || !form.IsScalar(n) || n.Tag == "!!null" {
		return ""
	}
	return n.Value
}

// entries returns the entries of a list; none if it is none.
func entries(n *form.Node) []*form.Node {
	if n == nil || !form.IsList(n) {
		return nil
	}
	return n.Content
}

var (
	doiWithin   = pattern.New(`\b10\.[0-9]{4,9}/[^\s<>"'{}|]+`)
	ofPreprints = pattern.New(`v[0-9]+(\.(full|abstract))?(\.(pdf|full-text|txt))?$`)
)

// doiIn finds the DOI in a reference as people write it: among words, as a
// resolver's address, or within that of a server of preprints, which adds a
// version that is no part of it.
func doiIn(reference string) string {
	doi := strings.TrimRight(doiWithin.Regexp().FindString(reference), ".,;:)]")
	if strings.HasPrefix(doi, "10.1101/") {
		doi = ofPreprints.ReplaceAllString(doi, "")
	}
	for _, unfinished := range []string{"FIXME", "TODO", "XXX"} {
		if strings.Contains(doi, unfinished) {
			return ""
		}
	}
	return doi
}

// codecheckers is the folder in which a codechecker keeps what was made anew.
const codecheckers = "codecheck/"

// copies are the folders to which codecheckers copy the files that they made.
var copies = []string{"codecheck/outputs/", "codecheck/output/", "codecheck/results/", "codecheck/figures/", codecheckers}

// result is one result of the draft: the file that the steps make, and its
// published sets, of which either may be missing.
type result struct {
	output              string
	author, codechecker string // as published; "": there is none
	claim               string
}

// locate finds the files that a name in a manifest stands for. Manifests name
// files as the author's code leaves them, as the codechecker copied them, or
// without their folder.
func (w *draft) locate(p published) result {
	r := result{output: p.file, claim: p.claim}
	mine := strings.HasPrefix(p.file, codecheckers)
	if w.there[p.file] && !mine {
		r.author = p.file
	} else if other := w.alike(p.file); other != "" {
		r.author, r.output = other, other
	}
	if mine && w.there[p.file] {
		r.codechecker = p.file
	} else {
		r.codechecker = w.copied(p.file)
	}
	return r
}

// copied is the codechecker's copy of a file, or "".
func (w *draft) copied(file string) string {
	for _, dir := range copies {
		for _, name := range []string{file, path.Base(file)} {
			if full := dir + strings.TrimPrefix(name, codecheckers); w.there[full] {
				return full
			}
		}
	}
	return ""
}

// alike returns the one file of the author that has the name of another but for
// its folder, or but for capitals; "" if there is none, or several.
func (w *draft) alike(file string) string {
	same := []func(name string) bool{
		func(name string) bool { return strings.EqualFold(name, file) },
		func(name string) bool { return path.Base(name) == path.Base(file) },
		func(name string) bool { return strings.EqualFold(path.Base(name), path.Base(file)) },
	}
	for _, is := range same {
		var all []string
		for name := range w.there {
			if !strings.HasPrefix(name, codecheckers) && is(name) {
				all = append(all, name)
			}
		}
		if len(all) > 0 {
			slices.Sort(all)
			if len(all) == 1 {
				return all[0]
			}
			return ""
		}
	}
	return ""
}
