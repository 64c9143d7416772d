package archive

import (
	"fmt"
	"slices"
	"strings"

	"repro/internal/pattern"
)

// Problem is one thing that keeps an image from being archived.
type Problem struct {
	Text string // with what would help
}

// Error says all that keeps an image from being archived.
type Error struct {
	Image    string
	Problems []Problem
}

// Error lists the problems, one a line.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = e.Image + ": " + p.Text
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes it an [ErrMissing].
func (e *Error) Unwrap() error { return ErrMissing }

func (d *deposit) problem(format string, args ...any) {
	d.problems = append(d.problems, Problem{fmt.Sprintf(format, args...)})
}

// Target is who takes a deposit and what that asks for.
type Target string

// The targets whose demands are known.
const (
	Zenodo    Target = "zenodo"    // Zenodo and other InvenioRDM repositories
	Dataverse Target = "dataverse" //
	DataCite  Target = "datacite"  // who registers the DOI
	Codecheck Target = "codecheck" // a CODECHECK before review
	AEA       Target = "aea"       // journals with the social science data editors' README
	ACM       Target = "acm"       // artifact evaluation
)

// Targets lists all of them.
var Targets = []Target{Zenodo, Dataverse, DataCite, Codecheck, AEA, ACM}

// demands says what each target asks for beyond title, authors, date and
// licence, which every deposit needs.
var demands = []struct {
	target  Target
	what    string
	missing func(*deposit) bool
	supply  string // the line of the recipe, or the flag
}{
	{"", "licence", func(d *deposit) bool { return d.manifest.Paper.Licence == "" && !d.options.Anonymous }, "add `licence: CC-BY-4.0`, or what applies, to repro.yaml"},
	{"", "finished recipe", func(d *deposit) bool { return d.manifest.Draft }, "the image is a draft: fill in the title and the authors in repro.yaml and build again without --draft"},
	{Zenodo, "abstract", noAbstract, "add `abstract: What was done and found.` to repro.yaml"},
	{Dataverse, "abstract", noAbstract, "add `abstract: What was done and found.` to repro.yaml"},
	{Dataverse, "e-mail address of an author", noEmail, "add `email: name@example.org` to an author in repro.yaml"},
	{DataCite, "DOI", noDOI, "reserve one where you deposit and give it with --doi"},
	{DataCite, "publisher", func(d *deposit) bool { return d.options.Publisher == "" }, "say who publishes the deposit with --publisher"},
	{Codecheck, "results", noResults, "add what the paper reports under `results:` in repro.yaml"},
	{Codecheck, "ORCID iD of an author", noORCID, "add `orcid: 0000-0002-1825-0097` to an author in repro.yaml"},
	{AEA, "abstract", noAbstract, "add `abstract: What was done and found.` to repro.yaml"},
	{AEA, "source of data", noSource, "add `source: https://…` to each entry under `data:` in repro.yaml"},
	{AEA, "record of a run", noRuns, "give the folder that `repro run` left with --run"},
	{ACM, "results", noResults, "add what the paper reports under `results:` in repro.yaml"},
	{ACM, "record of a run", noRuns, "give the folder that `repro run` left with --run"},
}

func noAbstract(d *deposit) bool { return d.manifest.Paper.Abstract == "" }
func noDOI(d *deposit) bool      { return d.options.DOI == "" }
func noResults(d *deposit) bool  { return len(d.manifest.Results) == 0 }
func noRuns(d *deposit) bool     { return len(d.runs) == 0 }

func noEmail(d *deposit) bool {
	for _, a := range d.manifest.Paper.Authors {
		if a.Email != "" {
			return false
		}
	}
	return true
}

func noORCID(d *deposit) bool {
	for _, a := range d.manifest.Paper.Authors {
		if a.ORCID != "" {
			return false
		}
	}
	return true
}

func noSource(d *deposit) bool {
	for _, x := range d.recipe.Data {
		if x.Source == "" {
			return true
		}
	}
	return false
}

// doiForm is what CITATION.cff and DataCite both take for a DOI.
var doiForm = pattern.New(`^10\.\d{4,9}(\.\d+)?/[A-Za-z0-9:/_;\-.()\[\]\\]+$`)

// demand notes what the targets miss.
func (d *deposit) demand() {
	for _, x := range demands {
		if (x.target == "" || slices.Contains(d.options.Targets, x.target)) && x.missing(d) {
			by := "every deposit"
			if x.target != "" {
				by = string(x.target)
			}
			d.problem("no %s, which %s needs: %s", x.what, by, x.supply)
		}
	}
	if doi := d.options.DOI; doi != "" && !doiForm.MatchString(doi) {
		d.problem("--doi %q: not a DOI such as 10.5281/zenodo.123", doi)
	}
}
