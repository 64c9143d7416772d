package archive

import (
	"fmt"
	"strings"
)

// citation returns CITATION.cff (Citation File Format 1.2.0). Every value is
// quoted: 1.10 must not become a number.
func (d *deposit) citation() []byte {
	p := d.manifest.Paper
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
		given, family := splitName(a)
		if family == "" {
			line("  - ", "name", a.Name)
		} else {
			line("  - ", "family-names", family)
			line("    ", "given-names", given)
			line("    ", "affiliation", a.Affiliation)
		}
		line("    ", "email", a.Email)
		if a.ORCID != "" {
			line("    ", "orcid", orcidURL(a.ORCID))
		}
	}
	line("", "abstract", p.Abstract)
	line("", "date-released", d.date.Format("2006-01-02"))
	if singleLicence(p.Licence) {
		line("", "license", p.Licence)
	}
	line("", "doi", d.options.DOI)
	if len(p.Keywords) > 0 {
		b.WriteString("keywords:\n")
		for _, k := range p.Keywords {
			fmt.Fprintf(&b, "  - %s\n", quoted(k))
		}
	}
	b.WriteString("identifiers:\n")
	b.WriteString("  - type: \"other\"\n")
	line("    ", "value", string(d.content))
	line("    ", "description", "content id of the image")
	if d.holds(inputsDir) {
		b.WriteString("  - type: \"swh\"\n")
		line("    ", "value", d.swhidOf(inputsDir))
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
			if given, family := splitName(a); family != "" {
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
	return strings.TrimSuffix(string(indented(s)), "\n")
}

// codemeta returns codemeta.json (CodeMeta 3.0).
func (d *deposit) codemeta() []byte {
	p := d.manifest.Paper
	var authors []any
	for i, a := range p.Authors {
		e := map[string]any{"@type": "Person", "@id": fmt.Sprintf("_:author-%d", i+1), "name": a.Name}
		if a.ORCID != "" {
			e["@id"] = orcidURL(a.ORCID)
		}
		given, family := splitName(a)
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
		"name": p.Title, "description": d.description(), "datePublished": d.date.Format("2006-01-02"),
		"version": d.date.Format("2006-01-02"), "softwareVersion": d.date.Format("2006-01-02"),
		"identifier": string(d.content), "runtimePlatform": "SIF image for " + d.manifest.Arch,
		"processorRequirements": d.manifest.Arch, "operatingSystem": "Linux",
	}
	if len(authors) > 0 {
		m["author"] = authors
	}
	if singleLicence(p.Licence) {
		m["license"] = "https://spdx.org/licenses/" + p.Licence
	} else if p.Licence != "" {
		m["license"] = p.Licence
	}
	if len(p.Keywords) > 0 {
		m["keywords"] = p.Keywords
	}
	if p.DOI != "" {
		m["referencePublication"] = map[string]string{"@type": "ScholarlyArticle", "@id": doiURL(p.DOI)}
	}
	if d.options.DOI != "" {
		m["@id"] = doiURL(d.options.DOI)
	}
	if name := d.software.Name; name != "" {
		m["softwareRequirements"] = name
	}
	if most := d.mostMemory(); most != "" {
		m["memoryRequirements"] = most
	}
	return indented(m)
}

// mostMemory is the most that a step of a recorded run used, or was allowed.
func (d *deposit) mostMemory() string {
	var most int64
	for _, r := range d.runs {
		for _, s := range r.Steps {
			most = max(most, s.MaxRSS)
		}
	}
	if most == 0 {
		for _, s := range d.manifest.Steps {
			most = max(most, s.Memory)
		}
	}
	if most == 0 {
		return ""
	}
	return sizeOf(most)
}

// sizeOf is a number of bytes for people.
func sizeOf(n int64) string {
	const units = "KMGT"
	if n < 1024 {
		return fmt.Sprintf("%d bytes", n)
	}
	f, i := float64(n)/1024, 0
	for ; f >= 1024 && i < len(units)-1; i++ {
		f /= 1024
	}
	return fmt.Sprintf("%.3g %ciB", f, units[i])
}
