package archive

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"repro/archive/anonymous"
	"repro/archive/bagit"
	"repro/archive/container"
	"repro/archive/deposit"
	"repro/archive/pages"
	"repro/archive/provenance"
	"repro/archive/rocrate"
	"repro/archive/submission"
	"repro/build/sbom"
)

// document stores a text.
func (w *writer) document(ctx context.Context, name, kind string, content []byte) error {
	return w.store(ctx, textEntry(name, kind, 0o644, content))
}

// describe writes the documents. The crate comes last, for it lists the rest.
func (w *writer) describe(ctx context.Context) error {
	d := w.Deposit
	if err := w.bills(ctx); err != nil {
		return err
	}
	if err := w.statements(ctx); err != nil {
		return err
	}
	files, notes := submission.Documents(d)
	w.notes = append(w.notes, notes...)
	for _, f := range files {
		if err := w.document(ctx, deposit.Submission+"/"+f.Name, "submission", f.Content); err != nil {
			return err
		}
	}
	for _, f := range []File{
		{Name: "CITATION.cff", Content: submission.Citation(d)},
		{Name: "codemeta.json", Content: submission.CodeMeta(d)},
		{Name: "LICENSES.md", Content: licences(d)},
		{Name: "SWHIDS.txt", Content: d.SWHIDs()},
		{Name: "README.md", Content: pages.Readme(d)},
	} {
		if err := w.document(ctx, f.Name, "metadata", f.Content); err != nil {
			return err
		}
	}
	if err := w.document(ctx, profile.Payload[0], "crate", rocrate.Metadata(d, w.options.Profile)); err != nil {
		return err
	}
	page, err := pages.Preview(d)
	if err != nil {
		return err
	}
	return w.document(ctx, "ro-crate-preview.html", "crate", page)
}

// bills writes the two bills of materials.
func (w *writer) bills(ctx context.Context) error {
	p := w.Manifest.Paper
	s := sbom.Subject{Name: p.Title, Licence: p.Licence, Date: p.Date}
	if err := w.document(ctx, deposit.SBOM+"/environment.spdx.json", "sbom", w.Software.SPDX(s)); err != nil {
		return err
	}
	return w.document(ctx, deposit.SBOM+"/environment.cdx.json", "sbom", w.Software.CycloneDX(s))
}

// statements writes the provenance: of the image, and what each run found.
func (w *writer) statements(ctx context.Context) error {
	b, err := provenance.Build(w.im, w.ImageName)
	if err != nil {
		return err
	}
	if err := w.document(ctx, deposit.Provenance+"/build.intoto.jsonl", "provenance", b); err != nil {
		return err
	}
	var runs, results []byte
	for _, r := range w.Runs {
		runs = append(runs, provenance.Run(r.Run, w.ImageName)...)
		results = append(results, provenance.Results(r.Run, w.ImageName)...)
	}
	if len(w.Runs) == 0 {
		return nil
	}
	if err := w.document(ctx, deposit.Provenance+"/run.intoto.jsonl", "provenance", runs); err != nil {
		return err
	}
	return w.document(ctx, deposit.Provenance+"/results.intoto.jsonl", "provenance", results)
}

// seal writes what makes a bag of the payload, or the manifest of a crate alone.
func (w *writer) seal() error {
	var payload []bagit.Entry
	for _, e := range w.Sorted() {
		payload = append(payload, bagit.Entry{Path: w.payload(e), SHA256: e.SHA256, SHA512: e.SHA512})
	}
	if w.Alone {
		m := bagit.Manifest(payload)
		return container.Put(w.to, m.Name, m.Content)
	}
	var fetch []bagit.Fetch
	for _, x := range w.External {
		fetch = append(fetch, bagit.Fetch{Path: path.Join(bagit.Payload, x.Path), URL: x.Source, SHA256: x.SHA256, Size: x.Size})
	}
	start, err := pages.Start(w.Deposit)
	if err != nil {
		return err
	}
	for _, t := range bagit.Tags(payload, fetch, bagInfo(w.Deposit), bagit.Tag{Name: "START-HERE.html", Content: start}) {
		if err := container.Put(w.to, t.Name, t.Content); err != nil {
			return err
		}
	}
	return nil
}

// bagInfo describes the bag. Its date is the image's.
func bagInfo(d *deposit.Deposit) []bagit.Field {
	p := d.Manifest.Paper
	var info []bagit.Field
	add := func(label, value string) { info = append(info, bagit.Field{Label: label, Value: value}) }
	for _, org := range deposit.Affiliations(p.Authors) {
		add("Source-Organization", org)
	}
	for _, a := range p.Authors {
		add("Contact-Name", a.Name)
		add("Contact-Email", a.Email)
	}
	add("External-Description", d.Description())
	add("External-Identifier", d.URN())
	if d.DOI != "" {
		add("External-Identifier", deposit.DOI(d.DOI))
	}
	add("Bagging-Date", d.Date.Format("2006-01-02"))
	size, known := d.Bytes(), true
	for _, x := range d.External {
		size, known = size+x.Size, known && x.Size > 0
	}
	if known {
		add("Payload-Oxum", fmt.Sprintf("%d.%d", size, len(d.Entries)+len(d.External)))
	}
	add("Bag-Group-Identifier", p.DOI)
	return info
}

// searchNames holds the whole deposit against the names, last of all.
func (w *writer) searchNames(names []string) error {
	var found []string
	for _, e := range w.Entries {
		if e.Kind == "image" || e.Kind == "licence" {
			continue // searched layer by layer, for it is compressed; everybody's
		}
		found = append(found, anonymous.Find("name of "+e.Path, strings.NewReader(e.Path), names)...)
		r, err := e.Open()
		if err != nil {
			return err
		}
		found = append(found, anonymous.Find(e.Path, r, names)...)
		r.Close()
	}
	return missing(w.ImageName, found...)
}

// unsearched says what a search for names cannot see: files of code, data and
// results that are compressed, and addresses that may lead to the authors.
func unsearched(d *deposit.Deposit) []string {
	const most = 20
	var names, notes []string
	for _, e := range d.Entries {
		if anonymous.IsCompressed(e.Path) {
			names = append(names, e.Path)
		}
	}
	slices.Sort(names)
	if n := len(names); n > most {
		names = append(names[:most], fmt.Sprintf("%d more", n-most))
	}
	if len(names) > 0 {
		notes = append(notes, "names were not searched for inside of compressed files; look yourself at "+strings.Join(names, ", "))
	}
	for _, x := range d.External {
		notes = append(notes, fmt.Sprintf("%s is fetched from %s: make sure that this does not lead to the authors", x.Path, x.Source))
	}
	return notes
}
