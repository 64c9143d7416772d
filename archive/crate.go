package archive

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

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

// crateGraph is the graph of a crate while it is made.
type crateGraph struct {
	*deposit
	vocabulary
	nodes map[string]entity
	root  entity
}

func ref(id string) map[string]string { return map[string]string{"@id": id} }

func refs(ids []string) []map[string]string {
	out := make([]map[string]string, len(ids))
	for i, id := range ids {
		out[i] = ref(id)
	}
	return out
}

// add puts an entity into the graph and returns its id.
func (g *crateGraph) add(id string, kind any, properties entity) string {
	e := entity{"@id": id, "@type": kind}
	for k, v := range properties {
		if s, ok := v.(string); !ok || s != "" {
			e[k] = v
		}
	}
	g.nodes[id] = e
	return id
}

// crate returns ro-crate-metadata.json: the descriptor, the root, then all
// other entities in byte order of their ids.
func (d *deposit) crate() []byte {
	v, ok := vocabularies[d.options.Profile]
	if !ok {
		v = vocabularies[RunCrate05]
	}
	g := &crateGraph{deposit: d, vocabulary: v, nodes: map[string]entity{}}
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
	graph := []entity{descriptor, g.root}
	for _, id := range slices.Sorted(maps.Keys(g.nodes)) {
		graph = append(graph, g.nodes[id])
	}
	return indented(map[string]any{
		"@context": []string{"https://w3id.org/ro/crate/" + v.crate + "/context", "https://w3id.org/ro/terms/workflow-run/context"},
		"@graph":   graph,
	})
}

func (g *crateGraph) describeRoot() {
	p := g.manifest.Paper
	g.root = entity{
		"@id": "./", "@type": "Dataset", "name": p.Title, "description": g.description(),
		"datePublished": g.date.Format("2006-01-02"), "mainEntity": ref("repro.yaml"),
		"conformsTo": refs(g.profiles()), "license": ref(g.licence()),
		"identifier": ref(g.add("#id", "PropertyValue", entity{"name": "content id of the image", "propertyID": "urn:repro:content-id", "value": string(g.content)})),
	}
	if len(p.Keywords) > 0 {
		g.root["keywords"] = strings.Join(p.Keywords, ", ")
	}
	if doi := g.options.DOI; doi != "" {
		g.root["identifier"] = refs([]string{"#id", g.add(doiURL(doi), "PropertyValue", entity{"name": "DOI", "propertyID": "https://registry.identifiers.org/registry/doi", "value": "doi:" + doi, "url": doiURL(doi)})})
		g.root["cite-as"] = doiURL(doi)
	}
	if p.DOI != "" {
		g.root["citation"] = ref(g.add(doiURL(p.DOI), "ScholarlyArticle", entity{"name": p.Title, "identifier": doiURL(p.DOI)}))
	}
	if pub := g.options.Publisher; pub != "" {
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
func (g *crateGraph) profiles() []string {
	all := []string{"https://w3id.org/workflowhub/workflow-ro-crate/" + g.workflow}
	if len(g.runs) > 0 {
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
func (g *crateGraph) allRan() bool {
	for _, s := range g.manifest.Steps {
		if !slices.ContainsFunc(g.runs, func(r *runRecord) bool {
			return slices.ContainsFunc(r.Steps, func(st report.StepStatus) bool { return st.Name == s.Name && st.Status != "skipped" })
		}) {
			return false
		}
	}
	return true
}

// licence describes the licence of code and data.
func (g *crateGraph) licence() string {
	l := g.manifest.Paper.Licence
	switch {
	case l == "":
		return g.add("#licence", "CreativeWork", entity{"name": "not stated", "description": "The licence is withheld for blind review."})
	case singleLicence(l):
		return g.add("https://spdx.org/licenses/"+l, "CreativeWork", entity{"name": l, "url": "https://spdx.org/licenses/" + l})
	}
	return g.add("#licence", "CreativeWork", entity{"name": l, "description": "SPDX licence expression: " + l})
}

// singleLicence reports whether an SPDX expression is one identifier of SPDX's.
func singleLicence(l string) bool {
	return l != "" && !strings.ContainsAny(l, " ()+:") && !strings.HasPrefix(l, "LicenseRef-")
}

func (g *crateGraph) person(i int, a manifest.Author) string {
	id := fmt.Sprintf("#author-%d", i+1)
	if a.ORCID != "" {
		id = orcidURL(a.ORCID)
	}
	given, family := splitName(a)
	e := entity{"name": a.Name, "givenName": given, "familyName": family, "email": a.Email}
	if a.Affiliation != "" {
		nr := slices.Index(affiliations(g.manifest.Paper.Authors), a.Affiliation) + 1
		e["affiliation"] = ref(g.add(fmt.Sprintf("#organization-%d", nr), "Organization", entity{"name": a.Affiliation}))
	}
	return g.add(id, "Person", e)
}

// splitName returns the parts of a person's name where they are known: of
// those who have an ORCID iD, for no group has one.
func splitName(a manifest.Author) (given, family string) {
	if family, given, ok := strings.Cut(a.Name, ", "); ok {
		return given, family
	}
	if a.ORCID == "" {
		return "", ""
	}
	i := strings.LastIndexByte(a.Name, ' ')
	if i < 0 {
		return "", a.Name
	}
	return a.Name[:i], a.Name[i+1:]
}

// describeFiles lists every file of the payload and the folders that the
// workflow speaks of.
func (g *crateGraph) describeFiles() {
	var parts []string
	for _, e := range g.sorted() {
		if e.kind == "crate" {
			continue
		}
		id := iri(e.path)
		parts = append(parts, id)
		p := entity{"name": path.Base(e.path), "contentSize": fmt.Sprint(e.size), "encodingFormat": formatOf(e.path), "sha256": fmt.Sprintf("%x", e.sha256), "description": e.note}
		switch e.kind {
		case "recipe":
			continue // see describeWorkflow
		case "image":
			p["additionalType"] = ref("https://w3id.org/ro/terms/workflow-run#SIFImage")
			p["name"], p["tag"] = e.path, g.date.Format("2006-01-02")
			p["registry"] = "local"
			p["encodingFormat"] = []any{"application/vnd.sylabs.sif.layer.v1.sif", ref(g.add("https://github.com/sylabs/sif", g.formatPage, entity{"name": "Singularity Image Format"}))}
			g.add(id, []string{"File", "ContainerImage"}, p)
			continue
		case "sbom", "signature", "provenance":
			p["about"] = ref(g.imageID())
		}
		g.add(id, "File", p)
	}
	g.root["hasPart"] = refs(parts)
	g.folders()
}

// imageID is the id of the image's entity.
func (g *crateGraph) imageID() string {
	if g.options.NoImage {
		return g.add("#image", "ContainerImage", entity{
			"name": g.imageName(), "registry": "not part of this deposit", "additionalType": ref("https://w3id.org/ro/terms/workflow-run#SIFImage"),
		})
	}
	return iri(g.imageName())
}

// folders describes the folders of inputs, outputs and runs.
func (g *crateGraph) folders() {
	held := map[string][]string{}
	for _, e := range g.entries {
		for dir := path.Dir(e.path); dir != "."; dir = path.Dir(dir) {
			held[dir] = append(held[dir], iri(e.path))
		}
	}
	var top []string
	for _, dir := range slices.Sorted(maps.Keys(held)) {
		slices.Sort(held[dir])
		id := iri(dir) + "/"
		g.add(id, "Dataset", entity{"name": dir, "description": folderNotes[dir], "hasPart": refs(held[dir])})
		top = append(top, id)
	}
	g.root["hasPart"] = append(g.root["hasPart"].([]map[string]string), refs(top)...)
}

var folderNotes = map[string]string{
	inputsDir:     "Code and data of the experiment, as they stand in the image.",
	outputsDir:    "Results as they were published: tables, figures, numbers.",
	runsDir:       "Records of runs: what was executed, on which machine, and what came out.",
	provenanceDir: "How the image was built and what its runs gave, as in-toto statements.",
	sbomDir:       "Every software package in the image, its version and licence, as SPDX and as CycloneDX.",
	signaturesDir: "Signatures over the image, and the public keys to check them with.",
	submissionDir: "The same facts in the forms that repositories and journals take.",
	licencesDir:   "The full texts of the licences of code and data.",
	runnerDir:     "How to take the image apart, check and run it without any program of ours, and the program itself if it was put in.",
}

// formats maps file extensions to media types, where one is registered or in
// common use. Nothing of the machine's own tables is asked.
var formats = map[string]string{
	".asc": "application/pgp-signature", ".c": "text/x-c", ".cff": "application/yaml", ".csv": "text/csv",
	".gif": "image/gif", ".gz": "application/gzip", ".h5": "application/x-hdf5", ".html": "text/html",
	".ipynb": "application/x-ipynb+json", ".jl": "text/x-julia", ".jpeg": "image/jpeg", ".jpg": "image/jpeg",
	".json": "application/json", ".jsonl": "application/jsonl", ".log": "text/plain", ".md": "text/markdown",
	".nc": "application/x-netcdf", ".pdf": "application/pdf", ".png": "image/png", ".pub": "text/plain",
	".py": "text/x-python", ".r": "text/x-r", ".sh": "application/x-sh", ".svg": "image/svg+xml",
	".tex": "application/x-tex", ".tsv": "text/tab-separated-values", ".txt": "text/plain",
	".xml": "application/xml", ".yaml": "application/yaml", ".yml": "application/yaml", ".zip": "application/zip",
}

func formatOf(name string) string {
	if f, ok := formats[strings.ToLower(path.Ext(name))]; ok {
		return f
	}
	return "application/octet-stream"
}
