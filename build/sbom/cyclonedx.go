package sbom

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

type cdxDocument struct {
	Schema     string         `json:"$schema"`
	Format     string         `json:"bomFormat"`
	Version    string         `json:"specVersion"`
	Serial     string         `json:"serialNumber,omitempty"`
	Revision   int            `json:"version"`
	Metadata   cdxMetadata    `json:"metadata"`
	Components []cdxComponent `json:"components"`
}

type cdxMetadata struct {
	Timestamp string       `json:"timestamp"`
	Component cdxComponent `json:"component"`
}

type cdxComponent struct {
	Type       string        `json:"type"`
	Ref        string        `json:"bom-ref"`
	Name       string        `json:"name"`
	Version    string        `json:"version,omitempty"`
	Licences   []cdxLicence  `json:"licenses,omitempty"`
	PURL       string        `json:"purl,omitempty"`
	Properties []cdxProperty `json:"properties,omitempty"`
}

// cdxLicence is either one expression or the name of a licence: a list must
// not mix them.
type cdxLicence struct {
	Expression string   `json:"expression,omitempty"`
	Licence    *cdxName `json:"license,omitempty"`
}

type cdxName struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

type cdxProperty struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// CycloneDX returns the inventory as a CycloneDX 1.6 document in JSON. Its
// bytes are a function of inventory and subject. SPEC.md, SBM-1.
func (inv *Inventory) CycloneDX(s Subject) []byte {
	doc := cdxDocument{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
		Format: "CycloneDX", Version: "1.6", Revision: 1,
		Metadata: cdxMetadata{Timestamp: s.Date, Component: cdxComponent{
			Type: "container", Ref: "environment", Name: clean("environment of " + s.Name), Version: inv.Version,
			Properties: []cdxProperty{
				{"repro:files", fmt.Sprint(inv.Files)}, {"repro:files:unowned", fmt.Sprint(inv.Unowned)},
			},
		}},
		Components: []cdxComponent{},
	}
	for i, p := range inv.Packages {
		doc.Components = append(doc.Components, cdxComponent{
			Type: "library", Ref: fmt.Sprintf("%s-%d", p.Kind, i+1), Name: clean(p.Name), Version: clean(p.Version),
			Licences: p.cycloneDX(), PURL: p.URL(inv),
			Properties: []cdxProperty{{"repro:record", clean(p.Where)}},
		})
	}
	sum := sha256.Sum256(document(doc))
	doc.Serial = "urn:uuid:" + uuid(sum)
	return document(doc)
}

// cycloneDX returns the licences as an expression if SPDX knows all of them,
// and by the package's own names otherwise.
func (p Package) cycloneDX() []cdxLicence {
	refs := map[string]string{}
	e := p.declared(refs)
	switch {
	case e == "":
		return nil
	case len(refs) == 0 && !strings.ContainsAny(e, " ()"):
		return []cdxLicence{{Licence: &cdxName{ID: e}}}
	case len(refs) == 0:
		return []cdxLicence{{Expression: e}}
	}
	var out []cdxLicence
	for _, name := range p.Licences {
		if name = clean(oneLine(name)); name != "" {
			out = append(out, cdxLicence{Licence: &cdxName{Name: name}})
		}
	}
	return out
}
