// Package submission writes what a deposit knows in the forms that repositories,
// journals and registries of DOIs take, and says what each of them asks for.
package submission

import (
	"fmt"
	"slices"
	"strings"

	"repro/archive/deposit"
)

// Documents returns the files of submission/, and what a person should know of
// what they lack.
func Documents(d *deposit.Deposit) (files []deposit.File, notes []string) {
	files = []deposit.File{
		{Name: "zenodo.json", Content: deposit.JSON(zenodo(d))},
		{Name: "invenio-record.json", Content: deposit.JSON(InvenioRecord(d))},
		{Name: "dataverse-dataset.json", Content: deposit.JSON(DataverseDataset(d))},
		{Name: "artifact-appendix.md", Content: appendix(d)},
		{Name: "aea-readme.md", Content: aea(d)},
	}
	if d.DOI != "" {
		files = append(files, deposit.File{Name: "datacite.json", Content: deposit.JSON(datacite(d))}, deposit.File{Name: "jats-data-availability.xml", Content: jats(d)})
	} else {
		notes = append(notes, "submission/datacite.json and jats-data-availability.xml are written when there is a DOI: give the one you reserved with --doi")
	}
	if len(d.Manifest.Results) > 0 && len(d.Manifest.Paper.Authors) > 0 {
		files = append(files, deposit.File{Name: "codecheck.yml", Content: codecheck(d)})
	}
	if noEmail(d) {
		notes = slices.Insert(notes, 0, "submission/dataverse-dataset.json has no contact, which Dataverse demands: add `email: name@example.org` to an author in repro.yaml")
	}
	return files, notes
}

// datacite is the record for the DOI (DataCite Metadata Schema 4.5).
func datacite(d *deposit.Deposit) map[string]any {
	p := d.Manifest.Paper
	publisher := d.Publisher
	if publisher == "" {
		publisher = "(:unav)" // DataCite's word for what is not yet known
	}
	m := map[string]any{
		"schemaVersion":   "http://datacite.org/schema/kernel-4",
		"doi":             d.DOI,
		"prefix":          strings.SplitN(d.DOI, "/", 2)[0],
		"suffix":          d.DOI[strings.IndexByte(d.DOI, '/')+1:],
		"creators":        dataciteCreators(d),
		"titles":          []any{map[string]string{"title": p.Title}},
		"publisher":       map[string]string{"name": publisher},
		"publicationYear": d.Date.Format("2006"),
		"dates":           []any{map[string]string{"date": d.Date.Format("2006-01-02"), "dateType": "Created"}},
		"types":           map[string]string{"resourceTypeGeneral": "Software", "resourceType": "re-runnable computational experiment"},
		"descriptions":    []any{map[string]string{"description": d.Description(), "descriptionType": "Abstract"}},
		"alternateIdentifiers": []any{
			map[string]string{"alternateIdentifier": string(d.ContentID), "alternateIdentifierType": "content id"},
			map[string]string{"alternateIdentifier": d.URN(), "alternateIdentifierType": "URN"},
		},
		"formats": []string{"application/vnd.sylabs.sif.layer.v1.sif"},
	}
	if p.Licence != "" {
		right := map[string]string{"rights": p.Licence}
		if deposit.SingleLicence(p.Licence) {
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
	if d.Holds(deposit.Inputs) {
		related = append(related, map[string]string{"relatedIdentifier": "https://archive.softwareheritage.org/" + d.SWHID(deposit.Inputs), "relatedIdentifierType": "URL", "relationType": "IsDerivedFrom"})
	}
	if related != nil {
		m["relatedIdentifiers"] = related
	}
	return m
}

func dataciteCreators(d *deposit.Deposit) []any {
	var all []any
	for _, a := range d.Manifest.Paper.Authors {
		given, family := deposit.SplitName(a)
		c := map[string]any{"name": a.Name}
		if family != "" {
			c["nameType"], c["familyName"] = "Personal", family
			if c["name"] = family; given != "" {
				c["name"], c["givenName"] = family+", "+given, given
			}
		}
		if a.ORCID != "" {
			c["nameIdentifiers"] = []any{map[string]string{"nameIdentifier": deposit.ORCID(a.ORCID), "nameIdentifierScheme": "ORCID", "schemeUri": "https://orcid.org"}}
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
func zenodo(d *deposit.Deposit) map[string]any {
	p := d.Manifest.Paper
	var creators []any
	for _, a := range p.Authors {
		given, family := deposit.SplitName(a)
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
		"title": p.Title, "upload_type": "software", "description": d.Description(), "creators": creators,
		"publication_date": d.Date.Format("2006-01-02"), "access_right": "open", "version": d.Date.Format("2006-01-02"),
	}
	if deposit.SingleLicence(p.Licence) {
		m["license"] = strings.ToLower(p.Licence)
	}
	if len(p.Keywords) > 0 {
		m["keywords"] = p.Keywords
	}
	if d.DOI != "" {
		m["doi"] = d.DOI
	}
	if p.DOI != "" {
		m["related_identifiers"] = []any{map[string]string{"identifier": p.DOI, "relation": "isSupplementTo", "scheme": "doi"}}
	}
	return m
}

// InvenioRecord is a draft record of InvenioRDM (POST /api/records).
func InvenioRecord(d *deposit.Deposit) map[string]any {
	p := d.Manifest.Paper
	var creators []any
	for _, a := range p.Authors {
		given, family := deposit.SplitName(a)
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
		"title": p.Title, "description": d.Description(), "creators": creators,
		"publication_date": d.Date.Format("2006-01-02"), "resource_type": map[string]string{"id": "software"},
		"version": d.Date.Format("2006-01-02"),
	}
	if deposit.SingleLicence(p.Licence) {
		meta["rights"] = []any{map[string]string{"id": strings.ToLower(p.Licence)}}
	} else if p.Licence != "" {
		meta["rights"] = []any{map[string]any{"title": map[string]string{"en": p.Licence}}}
	}
	if p.DOI != "" {
		meta["related_identifiers"] = []any{map[string]any{
			"identifier": p.DOI, "scheme": "doi", "relation_type": map[string]string{"id": "issupplementto"},
		}}
	}
	var subjects []any
	for _, k := range p.Keywords {
		subjects = append(subjects, map[string]string{"subject": k})
	}
	if subjects != nil {
		meta["subjects"] = subjects
	}
	if d.Publisher != "" {
		meta["publisher"] = d.Publisher
	}
	m := map[string]any{
		"access":   map[string]string{"record": "public", "files": "public"},
		"files":    map[string]any{"enabled": true, "default_preview": "README.md"},
		"metadata": meta,
	}
	if d.DOI != "" {
		m["pids"] = map[string]any{"doi": map[string]string{"identifier": d.DOI, "provider": "external"}}
	}
	return m
}

// DataverseDataset is a dataset of Dataverse's native interface.
func DataverseDataset(d *deposit.Deposit) map[string]any {
	p := d.Manifest.Paper
	primitive := func(name, value string) map[string]any {
		return map[string]any{"typeName": name, "typeClass": "primitive", "multiple": false, "value": value}
	}
	compound := func(name string, list []any) map[string]any {
		return map[string]any{"typeName": name, "typeClass": "compound", "multiple": true, "value": list}
	}
	var authors, contacts []any
	for _, a := range p.Authors {
		given, family := deposit.SplitName(a)
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
		compound("dsDescription", []any{map[string]any{"dsDescriptionValue": primitive("dsDescriptionValue", d.Description())}}),
		map[string]any{"typeName": "subject", "typeClass": "controlledVocabulary", "multiple": true, "value": []string{"Other"}},
	}
	if contacts != nil {
		fields = append(fields, compound("datasetContact", contacts))
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
func codecheck(d *deposit.Deposit) []byte {
	p := d.Manifest.Paper
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
		fmt.Fprintf(&b, "  reference: %s\n", deposit.DOI(p.DOI))
	}
	b.WriteString("\nmanifest:\n")
	for _, r := range d.Manifest.Results {
		comment := r.Claim
		if comment == "" {
			comment = r.Name
		}
		fmt.Fprintf(&b, "  - file: %s\n    comment: %s\n", quoted(deposit.Outputs+"/"+r.Published), quoted(deposit.Line(comment)))
	}
	return []byte(b.String())
}

// jats is a section for the article (JATS 1.3).
func jats(d *deposit.Deposit) []byte {
	p := d.Manifest.Paper
	var b strings.Builder
	b.WriteString("<sec sec-type=\"data-availability\">\n  <title>Data and code availability</title>\n  <p>Environment, code, data, steps and published results are in one signed image that can be verified and re-run, deposited at\n  <ext-link ext-link-type=\"doi\" xlink:href=\"" + escapeXML(deposit.DOI(d.DOI)) + "\" xmlns:xlink=\"http://www.w3.org/1999/xlink\">" + escapeXML(d.DOI) + "</ext-link>.</p>\n")
	b.WriteString("  <ref-list>\n    <ref>\n      <element-citation publication-type=\"software\">\n")
	if len(p.Authors) > 0 {
		b.WriteString("        <person-group person-group-type=\"author\">\n")
		for _, a := range p.Authors {
			if given, family := deposit.SplitName(a); family != "" {
				fmt.Fprintf(&b, "          <name><surname>%s</surname><given-names>%s</given-names></name>\n", escapeXML(family), escapeXML(given))
			} else {
				fmt.Fprintf(&b, "          <collab>%s</collab>\n", escapeXML(a.Name))
			}
		}
		b.WriteString("        </person-group>\n")
	}
	fmt.Fprintf(&b, "        <data-title>%s</data-title>\n        <year iso-8601-date=\"%s\">%s</year>\n        <pub-id pub-id-type=\"doi\">%s</pub-id>\n", escapeXML(p.Title), d.Date.Format("2006-01-02"), d.Date.Format("2006"), escapeXML(d.DOI))
	if d.Holds(deposit.Inputs) {
		fmt.Fprintf(&b, "        <pub-id pub-id-type=\"swhid\">%s</pub-id>\n", d.SWHID(deposit.Inputs))
	}
	b.WriteString("      </element-citation>\n    </ref>\n  </ref-list>\n</sec>\n")
	return []byte(b.String())
}

func escapeXML(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}
