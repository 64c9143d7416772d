package submission

import (
	"fmt"
	"slices"

	"repro/archive/deposit"
	"repro/internal/pattern"
)

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
	missing func(*deposit.Deposit) bool
	supply  string // the line of the recipe, or the flag
}{
	{"", "licence", func(d *deposit.Deposit) bool { return d.Manifest.Paper.Licence == "" && !d.Anonymous }, "add `licence: CC-BY-4.0`, or what applies, to repro.yaml"},
	{"", "finished recipe", func(d *deposit.Deposit) bool { return d.Manifest.Draft }, "the image is a draft: fill in the title and the authors in repro.yaml and build again without --draft"},
	{Zenodo, "abstract", noAbstract, "add `abstract: What was done and found.` to repro.yaml"},
	{Dataverse, "abstract", noAbstract, "add `abstract: What was done and found.` to repro.yaml"},
	{Dataverse, "e-mail address of an author", noEmail, "add `email: name@example.org` to an author in repro.yaml"},
	{DataCite, "DOI", noDOI, "reserve one where you deposit and give it with --doi"},
	{DataCite, "publisher", func(d *deposit.Deposit) bool { return d.Publisher == "" }, "say who publishes the deposit with --publisher"},
	{Codecheck, "results", noResults, "add what the paper reports under `results:` in repro.yaml"},
	{Codecheck, "ORCID iD of an author", noORCID, "add `orcid: 0000-0002-1825-0097` to an author in repro.yaml"},
	{AEA, "abstract", noAbstract, "add `abstract: What was done and found.` to repro.yaml"},
	{AEA, "source of data", noSource, "add `source: https://…` to each entry under `data:` in repro.yaml"},
	{AEA, "record of a run", noRuns, "give the folder that `repro run` left with --run"},
	{ACM, "results", noResults, "add what the paper reports under `results:` in repro.yaml"},
	{ACM, "record of a run", noRuns, "give the folder that `repro run` left with --run"},
}

func noAbstract(d *deposit.Deposit) bool { return d.Manifest.Paper.Abstract == "" }
func noDOI(d *deposit.Deposit) bool      { return d.DOI == "" }
func noResults(d *deposit.Deposit) bool  { return len(d.Manifest.Results) == 0 }
func noRuns(d *deposit.Deposit) bool     { return len(d.Runs) == 0 }

func noEmail(d *deposit.Deposit) bool {
	for _, a := range d.Manifest.Paper.Authors {
		if a.Email != "" {
			return false
		}
	}
	return true
}

func noORCID(d *deposit.Deposit) bool {
	for _, a := range d.Manifest.Paper.Authors {
		if a.ORCID != "" {
			return false
		}
	}
	return true
}

func noSource(d *deposit.Deposit) bool {
	for _, x := range d.Recipe.Data {
		if x.Source == "" {
			return true
		}
	}
	return false
}

// doiForm is what CITATION.cff and DataCite both take for a DOI.
var doiForm = pattern.New(`^10\.\d{4,9}(\.\d+)?/[A-Za-z0-9:/_;\-.()\[\]\\]+$`)

// Missing says what d lacks of what every deposit needs and the targets ask for,
// each with what would supply it.
func Missing(d *deposit.Deposit, targets []Target) []string {
	var all []string
	for _, x := range demands {
		if (x.target == "" || slices.Contains(targets, x.target)) && x.missing(d) {
			by := "every deposit"
			if x.target != "" {
				by = string(x.target)
			}
			all = append(all, fmt.Sprintf("no %s, which %s needs: %s", x.what, by, x.supply))
		}
	}
	if d.DOI != "" && !doiForm.MatchString(d.DOI) {
		all = append(all, fmt.Sprintf("--doi %q: not a DOI such as 10.5281/zenodo.123", d.DOI))
	}
	return all
}
