package rocrate

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"repro/archive/deposit"
	"repro/build"
	"repro/format/manifest"
	"repro/recipe"
)

// describeWorkflow makes the recipe the crate's workflow: its steps, their
// programs, what goes in and comes out, and what is handed on.
func (g *graph) describeWorkflow() {
	language := g.add("#language", "ComputerLanguage", entity{"name": "repro recipe", "alternateName": "repro.yaml", "version": "1", "url": "https://yaml.org/"})
	var steps, tools, outputs []string
	for i, s := range g.Manifest.Steps {
		in, out := g.parameters(s, "in", s.Inputs), g.parameters(s, "out", s.Outputs)
		tool := g.add("#tool-"+s.Name, "SoftwareApplication", entity{
			"name": s.Name, "description": strings.Join(s.Command, " "), "input": refs(in), "output": refs(out),
		})
		step := g.add("#step-"+s.Name, "HowToStep", entity{"name": s.Name, "position": fmt.Sprint(i + 1), "workExample": ref(tool)})
		steps, tools = append(steps, step), append(tools, tool)
	}
	inputs := g.firstInputs()
	for _, r := range g.Manifest.Results {
		if files := g.filesAt(r.Output); len(files) > 0 {
			outputs = append(outputs, g.parameter("#result-"+r.Name, r.Name, files, r.Claim))
		}
	}
	e := entity{
		"name": g.Manifest.Paper.Title, "description": "The steps of the experiment.", "programmingLanguage": ref(language),
		"conformsTo":     ref(g.bioschemas + "ComputationalWorkflow/1.0-RELEASE"),
		"encodingFormat": "application/yaml", "input": refs(inputs), "output": refs(outputs),
		"hasPart": refs(tools), "step": refs(steps), "license": g.root["license"],
		"sdDatePublished": g.Date.Format("2006-01-02"),
	}
	if a, ok := g.root["author"]; ok {
		e["creator"] = a
	}
	if c := g.connections(); len(c) > 0 {
		e["connection"] = refs(c)
	}
	if r := g.Find(recipe.FileName); r != nil {
		e["contentSize"], e["sha256"] = fmt.Sprint(r.Size), fmt.Sprintf("%x", r.SHA256)
	}
	g.add(recipe.FileName, []string{"File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"}, e)
}

// parameters describes the inputs or outputs of one step.
func (g *graph) parameters(s manifest.Step, way string, paths []string) []string {
	var ids []string
	for _, p := range paths {
		if files := g.filesAt(p); len(files) > 0 {
			ids = append(ids, g.parameter(g.parameterID(s.Name, way, p), path.Base(p), files, ""))
		}
	}
	return ids
}

func (g *graph) parameterID(step, way, p string) string {
	return "#" + step + "-" + way + "-" + deposit.IRI(strings.Trim(strings.TrimPrefix(p, build.Paper), "/"))
}

func (g *graph) parameter(id, name string, files []string, note string) string {
	kind := "File"
	if strings.HasSuffix(files[0], "/") {
		kind = "Dataset"
	}
	g.add(id, "FormalParameter", entity{
		"name": name, "additionalType": kind, "description": note, "workExample": refs(files),
		"conformsTo": ref(g.bioschemas + "FormalParameter/1.0-RELEASE"),
	})
	for _, f := range files {
		if e := g.node(f); e != nil {
			list, _ := e["exampleOfWork"].([]link)
			if !slices.ContainsFunc(list, func(r link) bool { return r.ID == id }) {
				e["exampleOfWork"] = append(list, ref(id))
			}
		}
	}
	return id
}

// filesAt returns the ids of what stands in the deposit for a path that steps
// see: an input, what the first run left there, or a published result.
func (g *graph) filesAt(p string) []string {
	rel := strings.Trim(strings.TrimPrefix(p, build.Paper), "/")
	var found []string
	for _, e := range g.Sorted() {
		name, ok := strings.CutPrefix(e.Path, deposit.Inputs+"/")
		switch {
		case !ok:
		case name == rel:
			return []string{deposit.IRI(e.Path)}
		case strings.HasPrefix(name, rel+"/"):
			return []string{deposit.IRI(path.Join(deposit.Inputs, rel)) + "/"}
		case recipe.IsGlob(rel) && recipe.Match(rel, name):
			found = append(found, deposit.IRI(e.Path))
		}
	}
	if len(found) > 0 {
		return found
	}
	for _, r := range g.Runs {
		if name, ok := r.Output[p]; ok {
			return []string{deposit.IRI(name)}
		}
		if dir := path.Join(r.Dir, "outputs", p); g.Holds(dir) {
			return []string{deposit.IRI(dir) + "/"}
		}
	}
	for _, r := range g.Manifest.Results {
		if name := path.Join(deposit.Outputs, r.Published); r.Output == p && g.Find(name) != nil {
			return []string{deposit.IRI(name)}
		}
	}
	return nil
}

// firstInputs describes what the workflow takes: inputs that no step makes.
func (g *graph) firstInputs() []string {
	var ids []string
	for _, s := range g.Manifest.Steps {
		for _, p := range s.Inputs {
			if step, _ := g.Maker(p); step != "" {
				continue
			}
			id := "#input-" + deposit.IRI(strings.Trim(strings.TrimPrefix(p, build.Paper), "/"))
			if files := g.filesAt(p); len(files) > 0 && !slices.Contains(ids, id) {
				ids = append(ids, g.parameter(id, path.Base(p), files, ""))
			}
		}
	}
	return ids
}

// connections says which output or input of the workflow each step reads, and
// which of its outputs the workflow gives.
func (g *graph) connections() []string {
	var ids []string
	connect := func(from, to string, owners ...string) {
		if g.nodes[from] == nil || g.nodes[to] == nil {
			return
		}
		id := g.add(fmt.Sprintf("#connection-%d", len(ids)+1), "ParameterConnection", entity{"sourceParameter": ref(from), "targetParameter": ref(to)})
		ids = append(ids, id)
		for _, o := range owners {
			list, _ := g.nodes[o]["connection"].([]link)
			g.nodes[o]["connection"] = append(list, ref(id))
		}
	}
	for _, s := range g.Manifest.Steps {
		for _, p := range s.Inputs {
			from := "#input-" + deposit.IRI(strings.Trim(strings.TrimPrefix(p, build.Paper), "/"))
			if step, output := g.Maker(p); step != "" {
				from = g.parameterID(step, "out", output)
			}
			connect(from, g.parameterID(s.Name, "in", p), "#step-"+s.Name)
		}
	}
	for _, r := range g.Manifest.Results {
		if step, output := g.Maker(r.Output); step != "" {
			connect(g.parameterID(step, "out", output), "#result-"+r.Name)
		}
	}
	return ids
}
