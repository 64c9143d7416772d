package repository

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"repro/archive/deposit"
	"repro/format/manifest"
	"repro/publish/repository/repositorytest"
	"repro/recipe"
)

// at returns what stands at a path of keys and of indices in a JSON document.
func at(t *testing.T, doc any, path ...any) any {
	t.Helper()
	if text, ok := doc.(string); ok {
		doc = nil
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
	}
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := doc.(map[string]any)
			doc = m[p]
		case int:
			l, _ := doc.([]any)
			if p >= len(l) {
				return nil
			}
			doc = l[p]
		}
	}
	return doc
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %#v, want %#v", what, got, want)
	}
}

type object = map[string]any

// deposited sends the sample to a fake.
func deposited(t *testing.T, target *Target, a repositorytest.Server, change func(*Options)) (*repositorytest.Network, *Report) {
	t.Helper()
	net, url := serve(t, a)
	o := options(t, target, url)
	change(&o)
	rep, err := Deposit(t.Context(), newImage(t, 2000), o)
	if err != nil {
		t.Fatal(err)
	}
	return net, rep
}

const held = "The files are held back until the paper is published."

func TestInvenioMetadata(t *testing.T) {
	a := repositorytest.NewInvenio()
	net, rep := deposited(t, invenioTarget, a, func(o *Options) { o.Embargo, o.Collection = "2099-01-02", "lab" })
	doc, review := a.Record()
	mark := at(t, doc, "metadata", "identifiers", 0, "identifier").(string)
	same(t, "title", at(t, doc, "metadata", "title"), "A sample")
	same(t, "abstract", at(t, doc, "metadata", "description"), "What was done.")
	same(t, "date", at(t, doc, "metadata", "publication_date"), "2026-11-23")
	same(t, "licence", at(t, doc, "metadata", "rights"), []any{object{"id": "mit"}})
	same(t, "kind", at(t, doc, "metadata", "resource_type"), object{"id": "software"})
	same(t, "mark", strings.HasPrefix(mark, "urn:uuid:"), true)
	same(t, "access", at(t, doc, "access"), object{
		"record": "public", "files": "restricted", "embargo": object{"active": true, "until": "2099-01-02", "reason": held},
	})
	same(t, "DOI", at(t, doc, "pids", "doi", "identifier"), rep.DOI)
	same(t, "review", review, "asked")
	for _, s := range net.Seen {
		if strings.Contains(s, "/actions/") {
			t.Errorf("a draft: %s", s)
		}
	}
	a = repositorytest.NewInvenio()
	deposited(t, invenioTarget, a, func(*Options) {})
	doc, review = a.Record()
	same(t, "access without an embargo", at(t, doc, "access"), object{"record": "public", "files": "public"})
	same(t, "review without a community", review, "")
}

// TestInvenioReview offers a draft to the community that the user names.
func TestInvenioReview(t *testing.T) {
	o := options(t, invenioTarget, "https://example.org")
	o.Collection = "lab"
	var bodies []any
	o.DryRun = func(r Request) {
		if r.Method == "PUT" && strings.HasSuffix(r.URL, "/draft/review") {
			bodies = append(bodies, at(t, string(r.Body)))
		}
	}
	if _, err := Deposit(t.Context(), newImage(t, 2000), o); err != nil {
		t.Fatal(err)
	}
	if len(bodies) == 0 {
		t.Fatal("no review asked for")
	}
	same(t, "review", bodies[0], object{"receiver": object{"community": "lab"}, "type": "community-submission"})
}

// fieldOf returns the value of a field of Dataverse's citation block.
func fieldOf(t *testing.T, doc any, name string) any {
	t.Helper()
	fields, _ := at(t, doc, "metadataBlocks", "citation", "fields").([]any)
	for _, f := range fields {
		if at(t, f, "typeName") == name {
			return at(t, f, "value")
		}
	}
	return nil
}

func TestDataverseMetadata(t *testing.T) {
	a := repositorytest.NewDataverse()
	_, rep := deposited(t, dataverseTarget, a, func(o *Options) { o.Embargo, o.Collection = "2099-01-02", "lab" })
	var doc any
	if err := json.Unmarshal([]byte(a.Dataset()), &doc); err != nil {
		t.Fatal(err)
	}
	same(t, "title", fieldOf(t, doc, "title"), "A sample")
	same(t, "author", at(t, fieldOf(t, doc, "author"), 0, "authorName", "value"), "Ada Author")
	same(t, "abstract", at(t, fieldOf(t, doc, "dsDescription"), 0, "dsDescriptionValue", "value"), "What was done.")
	same(t, "e-mail", at(t, fieldOf(t, doc, "datasetContact"), 0, "datasetContactEmail", "value"), "ada@example.org")
	same(t, "agency", at(t, fieldOf(t, doc, "otherId"), 0, "otherIdAgency", "value"), "repro")
	same(t, "licence", at(t, doc, "termsOfUse"), "Licence: MIT, https://spdx.org/licenses/MIT")
	same(t, "no licence by name", at(t, doc, "license"), nil)
	same(t, "embargo", at(t, a.Embargo(), "dateAvailable"), "2099-01-02")
	same(t, "reason", at(t, a.Embargo(), "reason"), held)
	ids, _ := at(t, a.Embargo(), "fileIds").([]any)
	same(t, "files held back", len(ids), len(rep.Files))
	a = repositorytest.NewDataverse()
	deposited(t, dataverseTarget, a, func(o *Options) { o.Collection = "lab" })
	same(t, "no embargo", a.Embargo(), "")
}

// TestDataverseLicence names a licence only where every installation knows it.
func TestDataverseLicence(t *testing.T) {
	for licence, want := range map[string][2]any{
		"CC0-1.0":                {object{"name": "CC0 1.0", "uri": "http://creativecommons.org/publicdomain/zero/1.0"}, nil},
		"Apache-2.0":             {nil, "Licence: Apache-2.0, https://spdx.org/licenses/Apache-2.0"},
		"MIT AND CC-BY-4.0":      {nil, "Licence (SPDX expression): MIT AND CC-BY-4.0"},
		"LicenseRef-Proprietary": {nil, "Licence (SPDX expression): LicenseRef-Proprietary"},
	} {
		raw, err := json.Marshal((&dataverse{}).metadata(describing(t, licence)))
		if err != nil {
			t.Fatal(err)
		}
		same(t, licence, at(t, string(raw), "datasetVersion", "license"), want[0])
		same(t, licence, at(t, string(raw), "datasetVersion", "termsOfUse"), want[1])
	}
}

func TestFigshareMetadata(t *testing.T) {
	a := repositorytest.NewFigshare()
	_, rep := deposited(t, figshareTarget, a, func(o *Options) { o.Embargo = "2099-01-02" })
	doc, embargo := a.Article()
	same(t, "title", at(t, doc, "title"), "A sample")
	same(t, "description", at(t, doc, "description"), "What was done.\n\nLicence: MIT")
	same(t, "kind", at(t, doc, "defined_type"), "software")
	same(t, "authors", at(t, doc, "authors"), []any{object{"name": "Ada Author"}})
	same(t, "licence", at(t, doc, "license"), float64(3)) // the account's number of MIT
	same(t, "mark", strings.HasPrefix(fmt.Sprint(at(t, doc, "tags", 0)), "urn:uuid:"), true)
	same(t, "DOI", rep.DOI, "10.6084/m9.figshare.1")
	same(t, "embargo", at(t, embargo), object{"is_embargoed": true, "embargo_date": "2099-01-02", "embargo_type": "file", "embargo_reason": held})
	a = repositorytest.NewFigshare()
	deposited(t, figshareTarget, a, func(*Options) {})
	_, embargo = a.Article()
	same(t, "no embargo", embargo, "")
}

// TestFigshareLicence gives no number where the account may give none of that name:
// the description alone says which it is.
func TestFigshareLicence(t *testing.T) {
	_, url := serve(t, repositorytest.NewFigshare())
	c, err := newClient(options(t, figshareTarget, url))
	if err != nil {
		t.Fatal(err)
	}
	for licence, want := range map[string]any{"MIT": float64(3), "mit": float64(3), "MIT-0": nil, "GPL-3.0-only": nil} {
		m, err := (&figshare{c}).metadata(t.Context(), describing(t, licence))
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		same(t, licence, at(t, string(raw), "license"), want)
		same(t, licence, strings.HasSuffix(m["description"].(string), "\n\nLicence: "+licence), true)
	}
}

func TestOSFMetadata(t *testing.T) {
	d := describing(t, "MIT")
	for id, public := range map[string]any{"": false, "abc12": nil} { // who goes on with one may have shown it
		raw, err := json.Marshal((&osf{}).node(id, d))
		if err != nil {
			t.Fatal(err)
		}
		doc := at(t, string(raw), "data")
		same(t, "public", at(t, doc, "attributes", "public"), public)
		same(t, "title", at(t, doc, "attributes", "title"), "A sample")
		same(t, "description", at(t, doc, "attributes", "description"), "What was done.\n\nLicence: MIT")
		same(t, "tags", at(t, doc, "attributes", "tags"), []any{"urn:uuid:1", "fits"})
	}
}

// describing returns what a target is told about an image with this licence.
func describing(t *testing.T, licence string) *description {
	t.Helper()
	return &description{Mark: "urn:uuid:1", Deposit: sampleDeposit(manifest.Paper{
		Title: "A sample", Authors: []manifest.Author{{Name: "Ada Author", Email: "ada@example.org"}}, Keywords: []string{"fits"},
		Date: "2026-11-23T12:00:00Z", Licence: licence, Abstract: "What was done.",
	})}
}

func TestCheckEmbargo(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for date, want := range map[string]bool{"2026-11-30": true, "2026-11-29": false, "2026-11-28": false, "2026-02-30": false, "tomorrow": false, "": false, "2027-6-3": false} {
		if got := checkEmbargo(date, now); got != want {
			t.Errorf("%q: %v", date, got)
		}
	}
}

func sampleDeposit(p manifest.Paper) *deposit.Deposit {
	return &deposit.Deposit{Manifest: &manifest.Manifest{Paper: p}, Recipe: &recipe.Recipe{}}
}
