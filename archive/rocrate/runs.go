package rocrate

import (
	"fmt"
	"path"
	"strings"
	"time"

	"repro/archive/deposit"
	"repro/format/manifest"
	"repro/internal/pattern"
	"repro/report"
)

// Statuses of actions: the shapes want them as text.
const (
	actionDone   = "http://schema.org/CompletedActionStatus"
	actionFailed = "http://schema.org/FailedActionStatus"
)

// describeRuns adds the runs: the whole of each, its steps, and the engine
// that ran them.
func (g *graph) describeRuns() {
	var mentions []string
	for i, r := range g.Runs {
		mentions = append(mentions, g.describeRun(i+1, r)...)
	}
	if len(mentions) > 0 {
		g.root["mentions"] = refs(mentions)
	}
}

func (g *graph) describeRun(nr int, r *deposit.Run) []string {
	engine := g.add("#repro", "SoftwareApplication", entity{"name": "repro", "softwareVersion": r.Machine.Repro})
	whole := fmt.Sprintf("#run-%d", nr)
	where := g.add(whole+"-machine", "PropertyValue", entity{"name": "machine", "value": fmt.Sprintf("%s, %d cores, %s", r.Machine.CPU, r.Machine.CPUs, r.Machine.Kernel)})
	status, problem := actionDone, ""
	var controls, actions []string
	for j, s := range r.Steps {
		if s.Status == "skipped" || j >= len(r.Steps) || g.step(s.Name) == nil {
			continue
		}
		if s.Status != "done" {
			status, problem = actionFailed, fmt.Sprintf("step %s: %s %s", s.Name, s.Status, s.Problem)
		}
		action := g.stepAction(whole, where, r, s)
		actions = append(actions, action)
		controls = append(controls, g.add(action+"-control", "ControlAction", entity{
			"name": "run of step " + s.Name, "instrument": ref("#step-" + s.Name), "object": ref(action),
		}))
	}
	e := entity{
		"name": fmt.Sprintf("run %d", nr), "description": fmt.Sprintf("Reproduced %d of %d published results.", r.Counts.Reproduced, r.Counts.Results),
		"instrument": ref("repro.yaml"), "startTime": stamp(r.Started), "endTime": stamp(r.Finished), "actionStatus": status, "error": problem,
		"containerImage": ref(g.imageID()), "environment": ref(where),
	}
	if who := g.agent(r); who != "" {
		e["agent"] = ref(who)
	}
	objects, results := g.workflowFiles(r)
	e["object"], e["result"] = refs(objects), refs(results)
	g.add(whole, "CreateAction", e)
	organize := g.add(whole+"-engine", "OrganizeAction", entity{
		"name": "run of repro", "instrument": ref(engine), "object": refs(controls), "result": ref(whole),
		"startTime": stamp(r.Started), "endTime": stamp(r.Finished),
	})
	return append([]string{whole, organize}, actions...)
}

// agent describes who ran it, where the record says so.
func (g *graph) agent(r *deposit.Run) string {
	if r.By == nil {
		return ""
	}
	id := "#" + path.Base(r.Dir) + "-agent"
	if orcidForm.MatchString(r.By.ORCID) {
		id = deposit.ORCID(r.By.ORCID)
	}
	if g.nodes[id] != nil { // one of the authors
		return id
	}
	return g.add(id, "Person", entity{"name": r.By.Name})
}

var orcidForm = pattern.New(`^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$`)

func (g *graph) step(name string) *manifest.Step {
	for i := range g.Manifest.Steps {
		if g.Manifest.Steps[i].Name == name {
			return &g.Manifest.Steps[i]
		}
	}
	return nil
}

// stepAction describes one execution of a step.
func (g *graph) stepAction(whole, where string, r *deposit.Run, s report.StepStatus) string {
	step, id := g.step(s.Name), whole+"-"+s.Name
	e := entity{
		"name": "step " + s.Name, "description": strings.Join(step.Command, " "), "instrument": ref("#tool-" + s.Name),
		"startTime": stamp(r.Started), "endTime": stamp(r.Finished), "actionStatus": actionDone,
		"containerImage": ref(g.imageID()), "environment": ref(where),
		"resourceUsage": refs([]string{
			g.usage(id, "wall", "wall time", fmt.Sprint(s.WallMS), "C26"), // UN/CEFACT: millisecond
			g.usage(id, "cpu", "processor time", fmt.Sprint(s.CPUMS), "C26"),
			g.usage(id, "memory", "peak memory", fmt.Sprint(s.MaxRSS), "AD"), // byte
		}),
	}
	if who := g.agent(r); who != "" {
		e["agent"] = ref(who)
	}
	if t, err := time.Parse(time.RFC3339, s.Started); err == nil {
		e["startTime"] = stamp(s.Started)
		e["endTime"] = stamp(t.Add(time.Duration(s.WallMS) * time.Millisecond).Format(time.RFC3339))
	}
	if s.Status != "done" {
		e["actionStatus"], e["error"] = actionFailed, strings.TrimSpace(s.Status+" "+s.Problem)
	}
	var objects, results []string
	for _, p := range step.Inputs {
		objects = append(objects, g.filesAt(p)...)
	}
	for _, p := range step.Outputs {
		results = append(results, g.left(r, p)...)
	}
	e["object"], e["result"] = refs(objects), refs(results)
	return g.add(id, "CreateAction", e)
}

func (g *graph) usage(action, local, name, value, unit string) string {
	return g.add(action+"-"+local, "PropertyValue", entity{
		"name": name, "value": value, "unitCode": unit, "propertyID": "urn:repro:usage:" + local,
	})
}

// left returns what a run left at a path.
func (g *graph) left(r *deposit.Run, p string) []string {
	if name, ok := r.Output[p]; ok {
		return []string{deposit.IRI(name)}
	}
	if dir := path.Join(r.Dir, "outputs", p); g.Holds(dir) {
		return []string{deposit.IRI(dir) + "/"}
	}
	return nil
}

// workflowFiles returns what the run as a whole read and made.
func (g *graph) workflowFiles(r *deposit.Run) (objects, results []string) {
	seen := map[string]bool{}
	for _, s := range g.Manifest.Steps {
		for _, p := range s.Inputs {
			if step, _ := g.Maker(p); step != "" {
				continue
			}
			for _, f := range g.filesAt(p) {
				if !seen[f] {
					seen[f] = true
					objects = append(objects, f)
				}
			}
		}
	}
	for _, f := range g.Manifest.Results {
		results = append(results, g.left(r, f.Output)...)
	}
	if g.Holds(deposit.Inputs) && len(objects) == 0 {
		objects = []string{deposit.IRI(deposit.Inputs) + "/"}
	}
	return objects, results
}

// stamp is a time as the shapes of Workflow Run Crate want it.
func stamp(rfc3339 string) string {
	t, err := time.Parse(time.RFC3339, rfc3339)
	if err != nil {
		return rfc3339
	}
	return strings.Replace(t.UTC().Format("2006-01-02T15:04:05Z"), "Z", "+00:00", 1)
}
