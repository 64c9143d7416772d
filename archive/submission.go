package archive

import (
	"fmt"
	"strings"

	"repro/report"
)

// submissions returns what goes to submission/: the same facts in the forms
// that repositories and journals take.
func (d *deposit) submissions() []File {
	files := []File{
		{"zenodo.json", indented(d.zenodo())},
		{"invenio-record.json", indented(d.invenio())},
		{"dataverse-dataset.json", indented(d.dataverse())},
		{"artifact-appendix.md", d.appendix()},
		{"aea-readme.md", d.aea()},
	}
	if d.options.DOI != "" {
		files = append(files, File{"datacite.json", indented(d.datacite())}, File{"jats-data-availability.xml", d.jats()})
	} else {
		d.note("submission/datacite.json and jats-data-availability.xml are written when there is a DOI: give the one you reserved with --doi")
	}
	if len(d.manifest.Results) > 0 && len(d.manifest.Paper.Authors) > 0 {
		files = append(files, File{"codecheck.yml", d.codecheck()})
	}
	return files
}

// datacite is the record for the DOI (DataCite Metadata Schema 4.5).
func (d *deposit) datacite() map[string]any {
	p := d.manifest.Paper
	publisher := d.options.Publisher
	if publisher == "" {
		publisher = "(:unav)" // DataCite's word for what is not yet known
	}
	m := map[string]any{
		"schemaVersion":   "http://datacite.org/schema/kernel-4",
		"doi":             d.options.DOI,
		"prefix":          strings.SplitN(d.options.DOI, "/", 2)[0],
		"suffix":          d.options.DOI[strings.IndexByte(d.options.DOI, '/')+1:],
		"creators":        d.dataciteCreators(),
		"titles":          []any{map[string]string{"title": p.Title}},
		"publisher":       map[string]string{"name": publisher},
		"publicationYear": d.date.Format("2006"),
		"dates":           []any{map[string]string{"date": d.date.Format("2006-01-02"), "dateType": "Created"}},
		"types":           map[string]string{"resourceTypeGeneral": "Software", "resourceType": "re-runnable computational experiment"},
		"descriptions":    []any{map[string]string{"description": d.description(), "descriptionType": "Abstract"}},
		"alternateIdentifiers": []any{
			map[string]string{"alternateIdentifier": string(d.content), "alternateIdentifierType": "content id"},
			map[string]string{"alternateIdentifier": d.urn(), "alternateIdentifierType": "URN"},
		},
		"formats": []string{"application/vnd.sylabs.sif.layer.v1.sif"},
	}
	if p.Licence != "" {
		right := map[string]string{"rights": p.Licence}
		if singleLicence(p.Licence) {
			right["rightsUri"] = "https://spdx.org/licenses/" + p.Licence
			right["rightsIdentifier"], right["rightsIdentifierScheme"], right["schemeUri"] = p.Licence, "SPDX", "https://spdx.org/licenses/"
		}
		m["rightsList"] = []any{right}
	}
	var subjects []any
	for _, k := range p.Keywords {
		subjects = append(subjects, map[string]string{"subject": k})
	}
	if subjects != nil {
		m["subjects"] = subjects
	}
	var related []any
	if p.DOI != "" {
		related = append(related, map[string]string{"relatedIdentifier": p.DOI, "relatedIdentifierType": "DOI", "relationType": "IsSupplementTo"})
	}
	if d.holds(inputsDir) {
		related = append(related, map[string]string{"relatedIdentifier": "https://archive.softwareheritage.org/" + d.swhidOf(inputsDir), "relatedIdentifierType": "URL", "relationType": "IsDerivedFrom"})
	}
	if related != nil {
		m["relatedIdentifiers"] = related
	}
	return m
}

func (d *deposit) dataciteCreators() []any {
	var all []any
	for _, a := range d.manifest.Paper.Authors {
		given, family := splitName(a)
		c := map[string]any{"name": a.Name}
		if family != "" {
			c["nameType"], c["familyName"] = "Personal", family
			if c["name"] = family; given != "" {
				c["name"], c["givenName"] = family+", "+given, given
			}
		}
		if a.ORCID != "" {
			c["nameIdentifiers"] = []any{map[string]string{"nameIdentifier": orcidURL(a.ORCID), "nameIdentifierScheme": "ORCID", "schemeUri": "https://orcid.org"}}
		}
		if a.Affiliation != "" {
			c["affiliation"] = []any{map[string]string{"name": a.Affiliation}}
		}
		all = append(all, c)
	}
	if all == nil {
		all = []any{map[string]any{"name": "Anonymous"}}
	}
	return all
}

// zenodo is .zenodo.json, the form of Zenodo's older interface.
func (d *deposit) zenodo() map[string]any {
	p := d.manifest.Paper
	var creators []any
	for _, a := range p.Authors {
		given, family := splitName(a)
		c := map[string]string{"name": a.Name}
		if family != "" && given != "" {
			c["name"] = family + ", " + given
		}
		if a.ORCID != "" {
			c["orcid"] = a.ORCID
		}
		if a.Affiliation != "" {
			c["affiliation"] = a.Affiliation
		}
		creators = append(creators, c)
	}
	if creators == nil {
		creators = []any{map[string]string{"name": "Anonymous"}}
	}
	m := map[string]any{
		"title": p.Title, "upload_type": "software", "description": d.description(), "creators": creators,
		"publication_date": d.date.Format("2006-01-02"), "access_right": "open", "version": d.date.Format("2006-01-02"),
	}
	if singleLicence(p.Licence) {
		m["license"] = strings.ToLower(p.Licence)
	}
	if len(p.Keywords) > 0 {
		m["keywords"] = p.Keywords
	}
	if d.options.DOI != "" {
		m["doi"] = d.options.DOI
	}
	if p.DOI != "" {
		m["related_identifiers"] = []any{map[string]string{"identifier": p.DOI, "relation": "isSupplementTo", "scheme": "doi"}}
	}
	return m
}

// invenio is a draft record of InvenioRDM (POST /api/records).
func (d *deposit) invenio() map[string]any {
	p := d.manifest.Paper
	var creators []any
	for _, a := range p.Authors {
		given, family := splitName(a)
		who := map[string]any{"type": "organizational", "name": a.Name}
		if family != "" {
			who = map[string]any{"type": "personal", "family_name": family, "given_name": given}
		}
		if a.ORCID != "" {
			who["identifiers"] = []any{map[string]string{"scheme": "orcid", "identifier": a.ORCID}}
		}
		c := map[string]any{"person_or_org": who}
		if a.Affiliation != "" {
			c["affiliations"] = []any{map[string]string{"name": a.Affiliation}}
		}
		creators = append(creators, c)
	}
	if creators == nil {
		creators = []any{map[string]any{"person_or_org": map[string]any{"type": "organizational", "name": "Anonymous"}}}
	}
	meta := map[string]any{
		"title": p.Title, "description": d.description(), "creators": creators,
		"publication_date": d.date.Format("2006-01-02"), "resource_type": map[string]string{"id": "software"},
		"version": d.date.Format("2006-01-02"),
	}
	if singleLicence(p.Licence) {
		meta["rights"] = []any{map[string]string{"id": strings.ToLower(p.Licence)}}
	}
	var subjects []any
	for _, k := range p.Keywords {
		subjects = append(subjects, map[string]string{"subject": k})
	}
	if subjects != nil {
		meta["subjects"] = subjects
	}
	if d.options.Publisher != "" {
		meta["publisher"] = d.options.Publisher
	}
	m := map[string]any{
		"access":   map[string]string{"record": "public", "files": "public"},
		"files":    map[string]any{"enabled": true, "default_preview": "README.md"},
		"metadata": meta,
	}
	if d.options.DOI != "" {
		m["pids"] = map[string]any{"doi": map[string]string{"identifier": d.options.DOI, "provider": "external"}}
	}
	return m
}

// dataverse is a dataset of Dataverse's native interface.
func (d *deposit) dataverse() map[string]any {
	p := d.manifest.Paper
	primitive := func(name, value string) map[string]any {
		return map[string]any{"typeName": name, "typeClass": "primitive", "multiple": false, "value": value}
	}
	compound := func(name string, list []any) map[string]any {
		return map[string]any{"typeName": name, "typeClass": "compound", "multiple": true, "value": list}
	}
	var authors, contacts []any
	for _, a := range p.Authors {
		given, family := splitName(a)
		name := a.Name
		if family != "" && given != "" {
			name = family + ", " + given
		}
		e := map[string]any{"authorName": primitive("authorName", name)}
		if a.Affiliation != "" {
			e["authorAffiliation"] = primitive("authorAffiliation", a.Affiliation)
		}
		if a.ORCID != "" {
			e["authorIdentifierScheme"] = map[string]any{"typeName": "authorIdentifierScheme", "typeClass": "controlledVocabulary", "multiple": false, "value": "ORCID"}
			e["authorIdentifier"] = primitive("authorIdentifier", a.ORCID)
		}
		authors = append(authors, e)
		if a.Email != "" {
			contacts = append(contacts, map[string]any{
				"datasetContactName": primitive("datasetContactName", name), "datasetContactEmail": primitive("datasetContactEmail", a.Email),
			})
		}
	}
	if authors == nil {
		authors = []any{map[string]any{"authorName": primitive("authorName", "Anonymous")}}
	}
	fields := []any{
		primitive("title", p.Title),
		compound("author", authors),
		compound("dsDescription", []any{map[string]any{"dsDescriptionValue": primitive("dsDescriptionValue", d.description())}}),
		map[string]any{"typeName": "subject", "typeClass": "controlledVocabulary", "multiple": true, "value": []string{"Other"}},
	}
	if contacts != nil {
		fields = append(fields, compound("datasetContact", contacts))
	} else {
		d.note("submission/dataverse-dataset.json has no contact, which Dataverse demands: add `email: name@example.org` to an author in repro.yaml")
	}
	if len(p.Keywords) > 0 {
		var list []any
		for _, k := range p.Keywords {
			list = append(list, map[string]any{"keywordValue": primitive("keywordValue", k)})
		}
		fields = append(fields, compound("keyword", list))
	}
	return map[string]any{"datasetVersion": map[string]any{
		"metadataBlocks": map[string]any{"citation": map[string]any{"displayName": "Citation Metadata", "fields": fields}},
	}}
}

// codecheck is codecheck.yml (CODECHECK configuration 2.0) with the author's
// part: fields that the checker fills in must not be there yet.
func (d *deposit) codecheck() []byte {
	p := d.manifest.Paper
	var b strings.Builder
	b.WriteString("---\nversion: https://codecheck.org.uk/spec/config/2.0/\n\npaper:\n")
	fmt.Fprintf(&b, "  title: %s\n  authors:\n", quoted(p.Title))
	for _, a := range p.Authors {
		fmt.Fprintf(&b, "    - name: %s\n", quoted(a.Name))
		if a.ORCID != "" {
			fmt.Fprintf(&b, "      ORCID: %s\n", a.ORCID)
		}
	}
	if p.DOI != "" {
		fmt.Fprintf(&b, "  reference: %s\n", doiURL(p.DOI))
	}
	b.WriteString("\nmanifest:\n")
	for _, r := range d.manifest.Results {
		comment := r.Claim
		if comment == "" {
			comment = r.Name
		}
		fmt.Fprintf(&b, "  - file: %s\n    comment: %s\n", quoted(outputsDir+"/"+r.Published), quoted(oneLine(comment)))
	}
	return []byte(b.String())
}

// jats is a section for the article (JATS 1.3).
func (d *deposit) jats() []byte {
	p := d.manifest.Paper
	var b strings.Builder
	b.WriteString("<sec sec-type=\"data-availability\">\n  <title>Data and code availability</title>\n  <p>Environment, code, data, steps and published results are in one signed image that can be verified and re-run, deposited at\n  <ext-link ext-link-type=\"doi\" xlink:href=\"" + xml(doiURL(d.options.DOI)) + "\" xmlns:xlink=\"http://www.w3.org/1999/xlink\">" + xml(d.options.DOI) + "</ext-link>.</p>\n")
	b.WriteString("  <ref-list>\n    <ref>\n      <element-citation publication-type=\"software\">\n")
	if len(p.Authors) > 0 {
		b.WriteString("        <person-group person-group-type=\"author\">\n")
		for _, a := range p.Authors {
			if given, family := splitName(a); family != "" {
				fmt.Fprintf(&b, "          <name><surname>%s</surname><given-names>%s</given-names></name>\n", xml(family), xml(given))
			} else {
				fmt.Fprintf(&b, "          <collab>%s</collab>\n", xml(a.Name))
			}
		}
		b.WriteString("        </person-group>\n")
	}
	fmt.Fprintf(&b, "        <data-title>%s</data-title>\n        <year iso-8601-date=\"%s\">%s</year>\n        <pub-id pub-id-type=\"doi\">%s</pub-id>\n", xml(p.Title), d.date.Format("2006-01-02"), d.date.Format("2006"), xml(d.options.DOI))
	if d.holds(inputsDir) {
		fmt.Fprintf(&b, "        <pub-id pub-id-type=\"swhid\">%s</pub-id>\n", d.swhidOf(inputsDir))
	}
	b.WriteString("      </element-citation>\n    </ref>\n  </ref-list>\n</sec>\n")
	return []byte(b.String())
}

func xml(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}

// last is the last run whose record is there, or nil.
func (d *deposit) last() *report.Run {
	if len(d.runs) == 0 {
		return nil
	}
	return d.runs[len(d.runs)-1].Run
}
