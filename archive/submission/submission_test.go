package submission

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"repro/archive/deposit"
	"repro/build/sbom"
	"repro/format/manifest"
	"repro/recipe"
	"repro/report"
)

// full is a deposit that lacks nothing.
func full() *deposit.Deposit {
	return &deposit.Deposit{
		Manifest: &manifest.Manifest{
			Arch: "amd64",
			Paper: manifest.Paper{
				Title: "Sums & <products>", Abstract: "What was done: \"sums\".", Licence: "CC-BY-4.0", DOI: "10.1000/paper", Keywords: []string{"1.10"},
				Authors: []manifest.Author{{Name: "Ada Lovelace", ORCID: "0000-0002-1825-0097", Email: "ada@example.org", Affiliation: "London"}},
			},
			Steps:   []manifest.Step{{Name: "sum", Command: []string{"sh", "a|b"}}},
			Results: []manifest.Result{{Name: "sum", Output: "/paper/out.txt", Published: "sum.txt", Claim: "the\nsum"}},
		},
		Recipe:    &recipe.Recipe{Data: []recipe.Data{{Path: recipe.Text{Value: "in.csv"}, Source: "https://example.org/in.csv"}}},
		ContentID: "sha256:00", Date: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), ImageName: "paper.sif", ImageSize: 5,
		Software: &sbom.Inventory{}, DOI: "10.5281/zenodo.1", Publisher: "Zenodo",
		Runs: []*deposit.Run{{Run: &report.Run{}}},
	}
}

// TestMissing takes away one thing after the other.
func TestMissing(t *testing.T) {
	if got := Missing(full(), Targets); got != nil {
		t.Fatalf("%q", got)
	}
	for what, c := range map[string]struct {
		remove func(*deposit.Deposit)
		by     []string
	}{
		"licence":                     {func(d *deposit.Deposit) { d.Manifest.Paper.Licence = "" }, []string{"every deposit"}},
		"finished recipe":             {func(d *deposit.Deposit) { d.Manifest.Draft = true }, []string{"every deposit"}},
		"abstract":                    {func(d *deposit.Deposit) { d.Manifest.Paper.Abstract = "" }, []string{"zenodo", "dataverse", "aea"}},
		"e-mail address of an author": {func(d *deposit.Deposit) { d.Manifest.Paper.Authors[0].Email = "" }, []string{"dataverse"}},
		"ORCID iD of an author":       {func(d *deposit.Deposit) { d.Manifest.Paper.Authors[0].ORCID = "" }, []string{"codecheck"}},
		"DOI":                         {func(d *deposit.Deposit) { d.DOI = "" }, []string{"datacite"}},
		"publisher":                   {func(d *deposit.Deposit) { d.Publisher = "" }, []string{"datacite"}},
		"results":                     {func(d *deposit.Deposit) { d.Manifest.Results = nil }, []string{"codecheck", "acm"}},
		"source of data":              {func(d *deposit.Deposit) { d.Recipe.Data[0].Source = "" }, []string{"aea"}},
		"record of a run":             {func(d *deposit.Deposit) { d.Runs = nil }, []string{"aea", "acm"}},
	} {
		d := full()
		c.remove(d)
		var want []string
		for _, by := range c.by {
			want = append(want, "no "+what+", which "+by+" needs: ")
		}
		got := Missing(d, Targets)
		if len(got) != len(want) {
			t.Errorf("without %s: %q", what, got)
			continue
		}
		for i := range want {
			if !strings.HasPrefix(got[i], want[i]) || len(got[i]) == len(want[i]) {
				t.Errorf("without %s: %q, want %q and what helps", what, got[i], want[i])
			}
		}
		if got := Missing(d, nil); (got != nil) != slices.Contains(c.by, "every deposit") {
			t.Errorf("without %s and a target: %q", what, got)
		}
	}
	d := full()
	d.Manifest.Paper.Licence, d.Anonymous = "", true
	if got := Missing(d, nil); got != nil {
		t.Errorf("an anonymous deposit states no licence: %q", got)
	}
	for doi, good := range map[string]bool{"10.5281/zenodo.1": true, "10.1/x": false, "10.5281/": false, "https://doi.org/10.5281/z": false, "10.5281/a b": false} {
		d.DOI = doi
		if got := Missing(d, nil); (got == nil) != good {
			t.Errorf("DOI %q: %q", doi, got)
		}
	}
}

// TestDocuments reads every document with a reader of its format.
func TestDocuments(t *testing.T) {
	d := full()
	files, notes := Documents(d)
	if notes != nil {
		t.Errorf("%q", notes)
	}
	var names []string
	for _, f := range append(files, deposit.File{Name: "CITATION.cff", Content: Citation(d)}, deposit.File{Name: "codemeta.json", Content: CodeMeta(d)}) {
		names = append(names, f.Name)
		var v any
		var err error
		switch f.Name[strings.LastIndexByte(f.Name, '.'):] {
		case ".json":
			err = json.Unmarshal(f.Content, &v)
		case ".yml", ".cff":
			err = yaml.Unmarshal(f.Content, &v)
		case ".xml":
			for dec := xml.NewDecoder(strings.NewReader(string(f.Content))); err == nil; {
				_, err = dec.Token()
			}
			if err == io.EOF {
				err = nil
			}
		}
		if err != nil {
			t.Errorf("%s: %v\n%s", f.Name, err, f.Content)
		}
		if !strings.Contains(f.Name, "codecheck") && !strings.Contains(string(f.Content), "10.5281/zenodo.1") && !slices.Contains([]string{"dataverse-dataset.json", "aea-readme.md"}, f.Name) {
			t.Errorf("%s does not say the DOI", f.Name)
		}
	}
	want := []string{"zenodo.json", "invenio-record.json", "dataverse-dataset.json", "artifact-appendix.md", "aea-readme.md", "datacite.json", "jats-data-availability.xml", "codecheck.yml", "CITATION.cff", "codemeta.json"}
	if !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	var cff struct{ Keywords []any }
	if err := yaml.Unmarshal(Citation(d), &cff); err != nil || len(cff.Keywords) != 1 || cff.Keywords[0] != "1.10" {
		t.Errorf("a keyword became a number: %v, %v", cff.Keywords, err)
	}
	if got := string(aea(d)); !strings.Contains(got, "| sum | `sh a\\|b` |") {
		t.Errorf("a bar ends a cell of the table:\n%s", got)
	}
	d.DOI, d.Manifest.Paper.Authors = "", nil
	files, notes = Documents(d)
	if len(files) != 5 || len(notes) != 2 || !strings.Contains(notes[0], "no contact") || !strings.Contains(notes[1], "--doi") {
		t.Errorf("without DOI and authors: %d files, %q", len(files), notes)
	}
}
