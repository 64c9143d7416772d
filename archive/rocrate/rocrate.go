// Package rocrate writes the metadata of a deposit as an RO-Crate: with the record
// of a run, a Workflow Run Crate (w3id.org/ro/wfrun) whose workflow is the recipe.
package rocrate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"repro/archive/deposit"
	"repro/format/manifest"
	"repro/report"
)

// Profile is the version of RO-Crate and of the profiles that go with it.
type Profile string

// The profiles. Workflow Run Crate 0.5 stands on RO-Crate 1.1, 0.6 on 1.3;
// none stands on 1.2.
const (
	RunCrate05 Profile = "1.1"
	RunCrate06 Profile = "1.3"
)

// vocabulary is what differs between profiles.
type vocabulary struct {
	crate, workflow, run string // versions
	bioschemas           string
	formatPage           string // type of a page that describes a format
}

var vocabularies = map[Profile]vocabulary{
	RunCrate05: {"1.1", "1.0", "0.5", "https://bioschemas.org/profiles/", "WebSite"},
	RunCrate06: {"1.3", "1.1", "0.6", "https://bioschemas.org/profiles/", "WebPage"},
}

// entity is one node of the graph of a crate. encoding/json writes its keys in
// byte order, which puts @id and @type first.
type entity = map[string]any

// graph is the graph of a crate while it is made. Files are many: their entities
// are made when they are written, but for those that the workflow adds to.
type graph struct {
	*deposit.Deposit
	vocabulary
	nodes map[string]entity
	files map[string]*deposit.Entry // by id
	root  entity
}

// link is a reference to an entity.
type link struct {
	ID string `json:"@id"`
}

func ref(id string) link { return link{id} }

func refs(ids []string) []link {
	out := make([]link, len(ids))
	for i, id := range ids {
		out[i] = ref(id)
	}
	return out
}

// add puts an entity into the graph and returns its id.
func (g *graph) add(id string, kind any, properties entity) string {
	e := entity{"@id": id, "@type": kind}
	for k, v := range properties {
		if s, ok := v.(string); !ok || s != "" {
			e[k] = v
		}
	}
	g.nodes[id] = e
	return id
}

// node returns the entity of that id, or nil.
func (g *graph) node(id string) entity {
	if e := g.files[id]; e != nil && g.nodes[id] == nil {
		g.add(id, "File", g.file(e))
	}
	return g.nodes[id]
}

// Metadata returns ro-crate-metadata.json: the descriptor, the root, then all
// other entities in byte order of their ids. It lists the entries that d has.
func Metadata(d *deposit.Deposit, p Profile) []byte {
	v, ok := vocabularies[p]
	if !ok {
		v = vocabularies[RunCrate05]
	}
	g := &graph{Deposit: d, vocabulary: v, nodes: map[string]entity{}, files: map[string]*deposit.Entry{}}
	g.describeRoot()
	g.describeFiles()
	g.describeWorkflow()
	g.describeRuns()
	descriptor := entity{
		"@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": ref("./"),
		"conformsTo": refs([]string{"https://w3id.org/ro/crate/" + v.crate, "https://w3id.org/workflowhub/workflow-ro-crate/" + v.workflow}),
	}
	if v.crate != "1.1" { // later versions: one, and the profiles at the root
		descriptor["conformsTo"] = ref("https://w3id.org/ro/crate/" + v.crate)
	}
	return g.encode(descriptor)
}

// encode writes the graph entity by entity: as a whole it would be in memory four
// times.
func (g *graph) encode(descriptor entity) []byte {
	var b bytes.Buffer
	b.Grow(len(g.files) * 768)
	contexts := []string{"https://w3id.org/ro/crate/" + g.crate + "/context", "https://w3id.org/ro/terms/workflow-run/context"}
	fmt.Fprintf(&b, "{\n  \"@context\": [\n    %q,\n    %q\n  ],\n  \"@graph\": [\n    ", contexts[0], contexts[1])
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("    ", "  ")
	write := func(e entity) {
		if enc.Encode(e) == nil { // text, numbers, lists and maps, which cannot fail
			b.Truncate(b.Len() - 1) // the newline
		}
	}
	write(descriptor)
	b.WriteString(",\n    ")
	write(g.root)
	ids := slices.Collect(maps.Keys(g.nodes))
	for id := range g.files {
		if g.nodes[id] == nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		b.WriteString(",\n    ")
		write(g.node(id))
		delete(g.nodes, id)
	}
	b.WriteString("\n  ]\n}\n")
	return b.Bytes()
}

func (g *graph) describeRoot() {
	p := g.Manifest.Paper
	g.root = entity{
		"@id": "./", "@type": "Dataset", "name": p.Title, "description": g.Description(),
		"datePublished": g.Date.Format("2006-01-02"), "mainEntity": ref("repro.yaml"),
		"conformsTo": refs(g.profiles()), "license": ref(g.licence()),
		"identifier": ref(g.add("#id", "PropertyValue", entity{"name": "content id of the image", "propertyID": "urn:repro:content-id", "value": string(g.ContentID)})),
	}
	if len(p.Keywords) > 0 {
		g.root["keywords"] = strings.Join(p.Keywords, ", ")
	}
	if doi := g.DOI; doi != "" {
		g.root["identifier"] = refs([]string{"#id", g.add(deposit.DOI(doi), "PropertyValue", entity{"name": "DOI", "propertyID": "https://registry.identifiers.org/registry/doi", "value": "doi:" + doi, "url": deposit.DOI(doi)})})
		g.root["cite-as"] = deposit.DOI(doi)
	}
	if p.DOI != "" {
		g.root["citation"] = ref(g.add(deposit.DOI(p.DOI), "ScholarlyArticle", entity{"name": p.Title, "identifier": deposit.DOI(p.DOI)}))
	}
	if pub := g.Publisher; pub != "" {
		g.root["publisher"] = ref(g.add("#publisher", "Organization", entity{"name": pub}))
	}
	var authors []string
	for i, a := range p.Authors {
		authors = append(authors, g.person(i, a))
	}
	if len(authors) > 0 {
		g.root["author"] = refs(authors)
	}
}

// profiles lists what the crate conforms to. Without the record of a run it is
// not a run crate, and without one of every step not one of provenance, which
// wants an execution of each.
func (g *graph) profiles() []string {
	all := []string{"https://w3id.org/workflowhub/workflow-ro-crate/" + g.workflow}
	if len(g.Runs) > 0 {
		for _, name := range []string{"process", "workflow", "provenance"} {
			if name == "provenance" && !g.allRan() {
				break
			}
			all = append(all, "https://w3id.org/ro/wfrun/"+name+"/"+g.run)
		}
	}
	for _, id := range all {
		g.add(id, "CreativeWork", entity{"name": path.Base(path.Dir(id)) + " crate", "version": path.Base(id)})
	}
	return all
}

// allRan reports whether every step was executed in one of the runs.
func (g *graph) allRan() bool {
	for _, s := range g.Manifest.Steps {
		if !slices.ContainsFunc(g.Runs, func(r *deposit.Run) bool {
			return slices.ContainsFunc(r.Steps, func(st report.StepStatus) bool { return st.Name == s.Name && st.Status != "skipped" })
		}) {
			return false
		}
	}
	return true
}

// licence describes the licence of code and data.
func (g *graph) licence() string {
	l := g.Manifest.Paper.Licence
	switch {
	case l == "":
		return g.add("#licence", "CreativeWork", entity{"name": "not stated", "description": "The licence is withheld for blind review."})
	case deposit.SingleLicence(l):
		return g.add("https://spdx.org/licenses/"+l, "CreativeWork", entity{"name": l, "url": "https://spdx.org/licenses/" + l})
	}
	return g.add("#licence", "CreativeWork", entity{"name": l, "description": "SPDX licence expression: " + l})
}

func (g *graph) person(i int, a manifest.Author) string {
	id := fmt.Sprintf("#author-%d", i+1)
	if a.ORCID != "" {
		id = deposit.ORCID(a.ORCID)
	}
	given, family := deposit.SplitName(a)
	e := entity{"name": a.Name, "givenName": given, "familyName": family, "email": a.Email}
	if a.Affiliation != "" {
		nr := slices.Index(deposit.Affiliations(g.Manifest.Paper.Authors), a.Affiliation) + 1
		e["affiliation"] = ref(g.add(fmt.Sprintf("#organization-%d", nr), "Organization", entity{"name": a.Affiliation}))
	}
	return g.add(id, "Person", e)
}

// describeFiles lists every file of the payload and the folders that the
// workflow speaks of.
func (g *graph) describeFiles() {
	var parts []string
	held := map[string][]string{} // by the folder of a file, and those above it
	for _, e := range g.Sorted() {
		if e.Kind == "crate" {
			continue
		}
		id := deposit.IRI(e.Path)
		parts = append(parts, id)
		for dir := path.Dir(e.Path); dir != "."; dir = path.Dir(dir) {
			held[dir] = append(held[dir], id)
		}
		switch e.Kind {
		case "recipe": // see describeWorkflow
		case "image":
			p := g.file(e)
			p["additionalType"] = ref("https://w3id.org/ro/terms/workflow-run#SIFImage")
			p["name"], p["tag"] = e.Path, g.Date.Format("2006-01-02")
			p["registry"] = "local"
			p["encodingFormat"] = []any{"application/vnd.sylabs.sif.layer.v1.sif", ref(g.add("https://github.com/sylabs/sif", g.formatPage, entity{"name": "Singularity Image Format"}))}
			g.add(id, []string{"File", "ContainerImage"}, p)
		case "sbom", "signature", "provenance":
			g.imageID()
			g.files[id] = e
		default:
			g.files[id] = e
		}
	}
	var top []string
	for _, dir := range slices.Sorted(maps.Keys(held)) {
		slices.Sort(held[dir])
		top = append(top, g.add(deposit.IRI(dir)+"/", "Dataset", entity{"name": dir, "description": deposit.Folders[dir], "hasPart": refs(held[dir])}))
	}
	g.root["hasPart"] = append(refs(parts), refs(top)...)
}

// file says what every entity of a file says.
func (g *graph) file(e *deposit.Entry) entity {
	p := entity{"name": path.Base(e.Path), "contentSize": fmt.Sprint(e.Size), "encodingFormat": deposit.MediaType(e.Path), "sha256": fmt.Sprintf("%x", e.SHA256)}
	switch e.Kind {
	case "sbom", "signature", "provenance":
		p["about"] = ref(g.imageID())
	}
	return p
}

// imageID is the id of the image's entity.
func (g *graph) imageID() string {
	if g.NoImage {
		return g.add("#image", "ContainerImage", entity{
			"name": g.ImageName, "registry": "not part of this deposit", "additionalType": ref("https://w3id.org/ro/terms/workflow-run#SIFImage"),
		})
	}
	return deposit.IRI(g.ImageName)
}
