package sbom

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Subject is what a bill of materials is about.
type Subject struct {
	Name    string // of the image's paper
	Licence string // SPDX expression; may be empty
	Date    string // RFC 3339, UTC: that of the image
}

const unknown = "NOASSERTION"

type spdxDocument struct {
	Version       string         `json:"spdxVersion"`
	DataLicense   string         `json:"dataLicense"`
	ID            string         `json:"SPDXID"`
	Name          string         `json:"name"`
	Namespace     string         `json:"documentNamespace"`
	Creation      spdxCreation   `json:"creationInfo"`
	Describes     []string       `json:"documentDescribes"`
	Packages      []spdxPackage  `json:"packages"`
	Relationships []spdxRelation `json:"relationships"`
	Extracted     []spdxLicence  `json:"hasExtractedLicensingInfos,omitempty"`
	Comment       string         `json:"comment,omitempty"`
}

type spdxCreation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type spdxPackage struct {
	ID        string    `json:"SPDXID"`
	Name      string    `json:"name"`
	Version   string    `json:"versionInfo,omitempty"`
	Location  string    `json:"downloadLocation"`
	Analyzed  bool      `json:"filesAnalyzed"`
	Concluded string    `json:"licenseConcluded"`
	Declared  string    `json:"licenseDeclared"`
	Copyright string    `json:"copyrightText"`
	Source    string    `json:"sourceInfo,omitempty"`
	Purpose   string    `json:"primaryPackagePurpose,omitempty"`
	Comment   string    `json:"comment,omitempty"`
	Refs      []spdxRef `json:"externalRefs,omitempty"`
}

type spdxRef struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type spdxRelation struct {
	Element string `json:"spdxElementId"`
	Related string `json:"relatedSpdxElement"`
	Type    string `json:"relationshipType"`
}

type spdxLicence struct {
	ID   string `json:"licenseId"`
	Text string `json:"extractedText"`
	Name string `json:"name"`
}

// SPDX returns the inventory as an SPDX 2.3 document in JSON. Its bytes are a
// function of inventory and subject. SPEC.md, SBM-1, SBM-4 and SBM-5.
func (inv *Inventory) SPDX(s Subject) []byte {
	const root = "SPDXRef-environment"
	refs := map[string]string{}
	doc := spdxDocument{
		Version: "SPDX-2.3", DataLicense: "CC0-1.0", ID: "SPDXRef-DOCUMENT", Name: clean(s.Name),
		Creation:  spdxCreation{Created: s.Date, Creators: []string{"Tool: repro"}},
		Describes: []string{root},
		Comment:   inv.remark(),
		Packages: []spdxPackage{{
			ID: root, Name: clean("environment of " + s.Name), Version: inv.Version, Location: "NONE",
			Concluded: unknown, Declared: unknown, Copyright: unknown, Purpose: "CONTAINER", Comment: inv.remark(),
		}},
		Relationships: []spdxRelation{{"SPDXRef-DOCUMENT", root, "DESCRIBES"}},
	}
	for i, p := range inv.Packages {
		declared := p.declared(refs)
		if declared == "" {
			declared = unknown
		}
		out := spdxPackage{
			ID: fmt.Sprintf("SPDXRef-%s-%d", p.Kind, i+1), Name: clean(p.Name), Version: clean(p.Version), Location: p.location(inv),
			Concluded: unknown, Declared: declared, Copyright: unknown, Source: clean("recorded in " + p.Where),
			Refs: []spdxRef{{"PACKAGE-MANAGER", "purl", p.URL(inv)}},
		}
		doc.Packages = append(doc.Packages, out)
		doc.Relationships = append(doc.Relationships, spdxRelation{root, out.ID, "CONTAINS"})
	}
	for _, id := range slices.Sorted(maps.Keys(refs)) {
		text := clean(refs[id])
		doc.Extracted = append(doc.Extracted, spdxLicence{id, "The package calls its licence: " + text, text})
	}
	sum := sha256.Sum256(document(doc))
	doc.Namespace = "urn:uuid:" + uuid(sum)
	return document(doc)
}

// remark says what the bill does not cover.
func (inv *Inventory) remark() string {
	name := inv.Name
	if name == "" {
		name = "a file tree that names no distribution"
	}
	text := fmt.Sprintf("%s: %d packages; %d of %d files belong to no package", clean(name), len(inv.Packages), inv.Unowned, inv.Files)
	for _, u := range inv.Unread {
		text += "; not understood: " + clean(u)
	}
	return text
}

// location is where the very version of a package can be had, as far as that
// is known.
func (p Package) location(inv *Inventory) string {
	if p.Kind == Deb && inv.ID == "debian" {
		return fmt.Sprintf("https://snapshot.debian.org/binary/%s/", escape(p.Name))
	}
	return unknown
}

// uuid is a version 8 UUID (RFC 9562 section 5.8).
func uuid(sum [sha256.Size]byte) string {
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// document encodes structs of text, which cannot fail: indented, with a
// newline at the end.
func document(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(v); err != nil {
		return nil
	}
	return b.Bytes()
}

// clean makes valid UTF-8 without control characters of what a database says.
func clean(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}
