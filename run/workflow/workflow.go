// Package workflow writes the steps of an image in the form that other workflow
// engines take: a workflow of the Common Workflow Language, version 1.2
// (commonwl.org/v1.2), or a Snakefile (snakemake.readthedocs.io). Each step is a job
// that calls repro as a worker (SPEC.md, RUN-33), so that nodes need this one
// program and no container engine, and a last one collects and compares.
package workflow

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"repro/format/manifest"
	"repro/run/folder"
	"repro/run/shared"
)

// Steps are the steps of an image, and what stands behind each of their names.
type Steps struct {
	Title string
	Image string // the file's name, as jobs find it
	Steps []manifest.Step
	Needs [][]int  // for each step, the indices of all that it needs, direct or not
	Paths []string // for each step, the path of its folder in that of a run
}

type object = map[string]any

// ids returns a name for each step that CWL and Python take: letters, digits and _.
func (s Steps) ids() []string {
	ids := make([]string, len(s.Steps))
	for i, step := range s.Steps {
		ids[i] = fmt.Sprintf("s%d_", i+1) + strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
				return r
			}
			return '_'
		}, step.Name)
	}
	return ids
}

// runFolder is the folder of the run in each job's own.
const runFolder = "run"

// CWL returns the steps as a packed workflow, in JSON, which is YAML too. A tool
// gets the folders of the steps that it needs, and leaves its own.
func (s Steps) CWL() ([]byte, error) {
	ids := s.ids()
	steps, tools := object{}, []object{}
	var all []int
	for i := range s.Steps {
		all = append(all, i)
		tools = append(tools, s.tool(ids, i))
		steps[ids[i]] = object{"run": "#" + ids[i] + "_tool", "in": sources(ids, s.Needs[i]), "out": []string{"left", "document"}}
	}
	if len(all) == 0 {
		return nil, errors.New("workflow: the image has no steps")
	}
	tools = append(tools, s.collector(ids, all))
	in := sources(ids, all)
	in["document"] = ids[0] + "/document" // all make the same
	steps["collect"] = object{"run": "#collect_tool", "in": in, "out": []string{"run", "report"}}
	main := object{
		"id": "main", "class": "Workflow", "label": s.Title,
		"inputs": object{
			"image": object{"type": "File", "default": object{"class": "File", "location": s.Image}},
			"keys":  object{"type": "File[]", "default": []string{}, "doc": "public keys of whoever must have signed the image"},
			"repro": object{"type": "string", "default": "repro", "doc": "the program, as nodes find it"},
		},
		"outputs": object{
			"run":    object{"type": "Directory", "outputSource": "collect/run"},
			"report": object{"type": "File", "outputSource": "collect/report"},
		},
		"steps": steps,
	}
	b, err := json.MarshalIndent(object{"cwlVersion": "v1.2", "$graph": append([]object{main}, tools...)}, "", "  ")
	return append(b, '\n'), err
}

func sources(ids []string, needs []int) object {
	in := object{"image": "image", "keys": "keys", "repro": "repro"}
	for _, n := range needs {
		in["from_"+ids[n]] = ids[n] + "/left"
	}
	return in
}

// tool runs one step.
func (s Steps) tool(ids []string, i int) object {
	step := s.Steps[i]
	t := s.base(ids, s.Needs[i])
	t["id"], t["label"] = ids[i]+"_tool", step.Name
	t["arguments"] = []any{"run", "--only=" + step.Name, "--from=" + runFolder}
	t["outputs"] = object{
		"left":     object{"type": "Directory", "outputBinding": object{"glob": runFolder + "/" + s.Paths[i]}},
		"document": object{"type": "File", "outputBinding": object{"glob": runFolder + "/" + shared.DocumentName}},
	}
	resources := object{"coresMin": max(1, step.CPUs)}
	if step.Memory > 0 {
		resources["ramMin"] = (step.Memory + workerMemory) >> 20
	}
	requirements := t["requirements"].(object)
	requirements["ResourceRequirement"] = resources
	if step.Time > 0 {
		requirements["ToolTimeLimit"] = object{"timelimit": step.Time + 300}
	}
	return t
}

// workerMemory is what a worker takes beside its step, in bytes.
const workerMemory = 256 << 20

// collector compares what all steps left.
func (s Steps) collector(ids []string, all []int) object {
	t := s.base(ids, all)
	t["id"], t["label"] = "collect_tool", "compare with the published results"
	t["arguments"] = []any{"run", "--collect=" + runFolder}
	t["inputs"].(object)["document"] = "File"
	work := t["requirements"].(object)["InitialWorkDirRequirement"].(object)
	work["listing"] = append(work["listing"].([]any), object{"entryname": runFolder + "/" + shared.DocumentName, "entry": "$(inputs.document)"})
	t["outputs"] = object{
		"run":    object{"type": "Directory", "outputBinding": object{"glob": runFolder}},
		"report": object{"type": "File", "outputBinding": object{"glob": runFolder + "/report.html"}},
	}
	return t
}

// base is what both kinds of tools have.
func (s Steps) base(ids []string, needs []int) object {
	inputs := object{
		"image": object{"type": "File", "inputBinding": object{"position": 2}},
		"keys":  object{"type": object{"type": "array", "items": "File", "inputBinding": object{"prefix": "--key", "position": 1}}},
		"repro": object{"type": "string", "inputBinding": object{"position": -1}},
	}
	listing := []any{object{"entryname": runFolder + "/" + folder.Marker, "entry": ""}}
	for _, n := range needs {
		inputs["from_"+ids[n]] = "Directory"
		listing = append(listing, object{"entryname": runFolder + "/" + s.Paths[n], "entry": "$(inputs.from_" + ids[n] + ")"})
	}
	return object{
		"class": "CommandLineTool", "inputs": inputs,
		// Exit statuses of SPEC.md, CLI-3: 7 says that another machine may do.
		"successCodes": []int{0}, "permanentFailCodes": []int{1, 2, 3, 4, 5, 6}, "temporaryFailCodes": []int{7},
		"requirements": object{"InitialWorkDirRequirement": object{"listing": listing}},
	}
}

// Snakemake returns the steps as a Snakefile, whose jobs share a folder.
func (s Steps) Snakemake() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `# %s
# snakemake --snakefile FILE --cores all, or with any executor whose machines share the folder.
# repro and image can be set: --config repro=/opt/repro image=/data/paper.sif key=author.pub
import os
import shlex

REPRO = config.get("repro", "repro")
IMAGE = config.get("image", %s)
RUN = config.get("run", %s)
KEYS = [word for k in str(config.get("key", "")).split() for word in ("--key", k)]

os.makedirs(RUN, exist_ok=True)
open(os.path.join(RUN, %s), "a").close()  # a run's, though its folders are made before


localrules: all


rule all:
    input: RUN + "/report.json"


rule collect:
    input:%s
    output: RUN + "/report.json"
    params: command=lambda wildcards: shlex.join([REPRO, "run", *KEYS, "--collect", RUN, IMAGE])
    shell: "{params.command}"
`, comment(s.Title), strconv.QuoteToASCII(s.Image), strconv.QuoteToASCII(strings.TrimSuffix(s.Image, ".sif")+".run"), strconv.QuoteToASCII(folder.Marker), s.states(every(len(s.Steps))))
	for i, id := range s.ids() {
		step := s.Steps[i]
		inputs := ""
		if len(s.Needs[i]) > 0 {
			inputs = "\n    input:" + s.states(s.Needs[i])
		}
		resources := ""
		if step.Memory > 0 {
			resources += fmt.Sprintf("mem_mb=%d, ", (step.Memory+workerMemory)>>20)
		}
		if step.Time > 0 {
			resources += fmt.Sprintf("runtime=%d, ", (step.Time+59)/60+5) // minutes
		}
		if resources != "" {
			resources = "\n    resources: " + strings.TrimSuffix(resources, ", ")
		}
		fmt.Fprintf(&b, `

rule %s:%s
    output: %s
    threads: %d%s
    params: command=lambda wildcards: shlex.join([REPRO, "run", *KEYS, "--only", %s, "--from", RUN, IMAGE])
    shell: "{params.command}"
`, id, inputs, s.state(i), max(1, step.CPUs), resources, strconv.QuoteToASCII(step.Name))
	}
	return []byte(b.String())
}

func every(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// state is the file that says that a step is done.
func (s Steps) state(i int) string { return "RUN + " + python("/"+s.Paths[i]+"/done.json") }

func (s Steps) states(of []int) string {
	var b strings.Builder
	for _, i := range of {
		b.WriteString("\n        " + s.state(i) + ",")
	}
	return b.String()
}

// python is text as Python's source has it, in a string that is no pattern of
// Snakemake's: braces are doubled.
func python(text string) string {
	return strings.NewReplacer("{", "{{", "}", "}}").Replace(strconv.QuoteToASCII(text))
}

// comment is text on one line.
func comment(text string) string { return strings.Join(strings.Fields(text), " ") }
