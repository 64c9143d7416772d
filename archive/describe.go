package archive

import "repro/archive/provenance"

// describe writes the metadata. The crate comes last, for it lists the rest.
func (d *deposit) describe() error {
	if err := d.bills(); err != nil {
		return err
	}
	if err := d.statements(); err != nil {
		return err
	}
	for _, f := range d.submissions() {
		if err := d.text(submissionDir+"/"+f.Name, "submission", f.Content); err != nil {
			return err
		}
	}
	for _, f := range []File{
		{"CITATION.cff", d.citation()},
		{"codemeta.json", d.codemeta()},
		{"LICENSES.md", d.licences()},
		{"SWHIDS.txt", d.swhids()},
		{"README.md", d.readme()},
	} {
		if err := d.text(f.Name, "metadata", f.Content); err != nil {
			return err
		}
	}
	crate := d.crate()
	if err := d.text("ro-crate-metadata.json", "crate", crate); err != nil {
		return err
	}
	page, err := d.preview()
	if err != nil {
		return err
	}
	return d.text("ro-crate-preview.html", "crate", page)
}

// statements writes the provenance: of the image, and what each run found.
func (d *deposit) statements() error {
	b, err := provenance.Build(d.im, d.imageName())
	if err != nil {
		return err
	}
	if err := d.text(provenanceDir+"/build.intoto.jsonl", "provenance", b); err != nil {
		return err
	}
	var runs, results []byte
	for _, r := range d.runs {
		runs = append(runs, provenance.Run(r.Run, d.imageName())...)
		results = append(results, provenance.Results(r.Run, d.imageName())...)
	}
	if len(d.runs) == 0 {
		return nil
	}
	if err := d.text(provenanceDir+"/run.intoto.jsonl", "provenance", runs); err != nil {
		return err
	}
	return d.text(provenanceDir+"/results.intoto.jsonl", "provenance", results)
}
