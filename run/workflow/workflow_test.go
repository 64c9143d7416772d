package workflow

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"repro/format/manifest"
)

func example() Steps {
	return Steps{
		Title: "It's a {test}\nof two", Image: `pa"per {1}.sif`,
		Steps: []manifest.Step{
			{Name: "fit", CPUs: 4, Memory: 1 << 30, Time: 90},
			{Name: "plöt-it", Needs: []string{"fit"}},
		},
		Needs: [][]int{{}, {0}}, Paths: []string{"steps/fit", "steps/pl{}t"},
	}
}

func TestCWL(t *testing.T) {
	b, err := example().CWL()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Version string `json:"cwlVersion"`
		Graph   []struct {
			ID           string
			Class        string
			Arguments    []string
			Permanent    []int `json:"permanentFailCodes"`
			Temporary    []int `json:"temporaryFailCodes"`
			Inputs       map[string]any
			Requirements map[string]map[string]any
			Steps        map[string]struct {
				In map[string]string
			}
		} `json:"$graph"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Version != "v1.2" || len(doc.Graph) != 4 || doc.Graph[0].Class != "Workflow" {
		t.Fatalf("%s", b)
	}
	fit, plot, collect := doc.Graph[1], doc.Graph[2], doc.Graph[3]
	if got := strings.Join(fit.Arguments, " "); got != "run --only=fit --from=run" {
		t.Error(got)
	}
	if r := fit.Requirements["ResourceRequirement"]; r["coresMin"] != 4.0 || r["ramMin"] != 1280.0 {
		t.Errorf("resources %v", r)
	}
	if fit.Requirements["ToolTimeLimit"]["timelimit"] != 390.0 || plot.Requirements["ToolTimeLimit"] != nil {
		t.Error("limits of time")
	}
	if fit.Inputs["from_s1_fit"] != nil || plot.Inputs["from_s1_fit"] != "Directory" || collect.Inputs["from_s2_pl_t_it"] != "Directory" {
		t.Errorf("inputs %v, %v", fit.Inputs, plot.Inputs)
	}
	if in := doc.Graph[0].Steps["s2_pl_t_it"].In; in["from_s1_fit"] != "s1_fit/left" {
		t.Errorf("%v", in)
	}
	if len(fit.Permanent) != 6 || len(fit.Temporary) != 1 || fit.Temporary[0] != 7 {
		t.Errorf("statuses %v %v", fit.Permanent, fit.Temporary)
	}
	if _, err := (Steps{Title: "none"}).CWL(); err == nil {
		t.Error("a workflow without steps")
	}
}

func TestSnakemake(t *testing.T) {
	text := string(example().Snakemake())
	for _, want := range []string{
		"# It's a {test} of two\n", `IMAGE = config.get("image", "pa\"per {1}.sif")`, "rule s1_fit:", "rule s2_pl_t_it:", "threads: 4",
		"resources: mem_mb=1280, runtime=7\n", `"--only", "pl\u00f6t-it"`, `RUN + "/steps/pl{{}}t/done.json"`, `open(os.path.join(RUN, ".repro-run"), "a")`,
		"    input:\n        RUN + \"/steps/fit/done.json\",\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if strings.Count(text, "mem_mb") != 1 || strings.Count(text, "%!") != 0 {
		t.Error(text)
	}
}

// What is said to be Python's is: the parts of a Snakefile that are plain Python.
func TestPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("needs python3")
	}
	for _, text := range []string{"plain", `a"b\c'`, "line\nend\x07\x00", "ünï 🙂", "{x}"} {
		out, err := exec.Command(python, "-c", "import sys; sys.stdout.buffer.write(("+python3(text)+").encode())").Output()
		if err != nil || string(out) != strings.NewReplacer("{", "{{", "}", "}}").Replace(text) {
			t.Errorf("%q: %q, %v", text, out, err)
		}
	}
}

func python3(text string) string { return python(text) }
