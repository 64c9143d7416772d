package submission

import (
	"fmt"
	"strings"

	"repro/archive/deposit"
)

// Citation returns CITATION.cff (Citation File Format 1.2.0). Every value is
// quoted: 1.10 must not become a number.
func Citation(d *deposit.Deposit) []byte {
	p := d.Manifest.Paper
	var b strings.Builder
	line := func(indent, key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s%s: %s\n", indent, key, quoted(value))
		}
	}
	line("", "cff-version", "1.2.0")
	line("", "message", "If you use this work, please cite it as below.")
	line("", "type", "software")
	line("", "title", p.Title)
	b.WriteString("authors:\n")
	if len(p.Authors) == 0 {
		b.WriteString("  - name: \"Anonymous\"\n")
	}
	for _, a := range p.Authors {
		given, family := deposit.SplitName(a)
		if family == "" {
			line("  - ", "name", a.Name)
		} else {
			line("  - ", "family-names", family)
			line("    ", "given-names", given)
			line("    ", "affiliation", a.Affiliation)
		}
		line("    ", "email", a.Email)
		if a.ORCID != "" {
			line("    ", "orcid", deposit.ORCID(a.ORCID))
		}
	}
	line("", "abstract", p.Abstract)
	line("", "date-released", d.Date.Format("2006-01-02"))
	if deposit.SingleLicence(p.Licence) {
		line("", "license", p.Licence)
	}
	line("", "doi", d.DOI)
	if len(p.Keywords) > 0 {
		b.WriteString("keywords:\n")
		for _, k := range p.Keywords {
			fmt.Fprintf(&b, "  - %s\n", quoted(k))
		}
	}
	b.WriteString("identifiers:\n")
	b.WriteString("  - type: \"other\"\n")
	line("    ", "value", string(d.ContentID))
	line("    ", "description", "content id of the image")
	if d.Holds(deposit.Inputs) {
		b.WriteString("  - type: \"swh\"\n")
		line("    ", "value", d.SWHID(deposit.Inputs))
		line("    ", "description", "code and data of the experiment")
	}
	if p.DOI != "" {
		b.WriteString("references:\n  - type: \"article\"\n")
		line("    ", "title", p.Title)
		line("    ", "doi", p.DOI)
		b.WriteString("    authors:\n")
		if len(p.Authors) == 0 {
			b.WriteString("      - name: \"Anonymous\"\n")
		}
		for _, a := range p.Authors {
			if given, family := deposit.SplitName(a); family != "" {
				line("      - ", "family-names", family)
				line("        ", "given-names", given)
			} else {
				line("      - ", "name", a.Name)
			}
		}
	}
	return []byte(b.String())
}

// quoted is a double-quoted YAML scalar; JSON's are a subset of these.
func quoted(s string) string {
	return strings.TrimSuffix(string(deposit.JSON(s)), "\n")
}

// CodeMeta returns codemeta.json (CodeMeta 3.0).
func CodeMeta(d *deposit.Deposit) []byte {
	p := d.Manifest.Paper
	var authors []any
	for i, a := range p.Authors {
		e := map[string]any{"@type": "Person", "@id": fmt.Sprintf("_:author-%d", i+1), "name": a.Name}
		if a.ORCID != "" {
			e["@id"] = deposit.ORCID(a.ORCID)
		}
		given, family := deposit.SplitName(a)
		for key, value := range map[string]string{"givenName": given, "familyName": family, "email": a.Email} {
			if value != "" {
				e[key] = value
			}
		}
		if a.Affiliation != "" {
			e["affiliation"] = map[string]string{"@type": "Organization", "name": a.Affiliation}
		}
		authors = append(authors, e)
	}
	m := map[string]any{
		"@context": "https://w3id.org/codemeta/3.0", "@type": "SoftwareSourceCode",
		"name": p.Title, "description": d.Description(), "datePublished": d.Date.Format("2006-01-02"),
		"version": d.Date.Format("2006-01-02"), "softwareVersion": d.Date.Format("2006-01-02"),
		"identifier": string(d.ContentID), "runtimePlatform": "SIF image for " + d.Manifest.Arch,
		"processorRequirements": d.Manifest.Arch, "operatingSystem": "Linux",
	}
	if len(authors) > 0 {
		m["author"] = authors
	}
	if deposit.SingleLicence(p.Licence) {
		m["license"] = "https://spdx.org/licenses/" + p.Licence
	} else if p.Licence != "" {
		m["license"] = p.Licence
	}
	if len(p.Keywords) > 0 {
		m["keywords"] = p.Keywords
	}
	if p.DOI != "" {
		m["referencePublication"] = map[string]string{"@type": "ScholarlyArticle", "@id": deposit.DOI(p.DOI)}
	}
	if d.DOI != "" {
		m["@id"] = deposit.DOI(d.DOI)
	}
	if name := d.Software.Name; name != "" {
		m["softwareRequirements"] = name
	}
	if most := d.MostMemory(); most != "" {
		m["memoryRequirements"] = most
	}
	return deposit.JSON(m)
}
