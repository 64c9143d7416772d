package draft

import (
	"slices"
	"strings"
	"testing"
	"time"

	"repro/recipe"
)

var captured = Captured{
	Record: "repro.capture.json",
	Code:   []string{"clean.sh", "yes", "a: b.py", "4.R"},
	Data:   []string{"raw.csv"},
	Steps: []CapturedStep{
		{Name: "clean", Command: []string{"sh", "-c", "sort raw.csv > tidy.csv\n"}, Inputs: []string{"raw.csv"}, Outputs: []string{"tidy.csv"}},
		{Name: "fit", Command: []string{"4.R", "true", "12", "", "é\t"}, Env: map[string]string{"DRAWS": "100", "FLAG": "no", "TEXT": `a "b" \`}, Inputs: []string{"tidy.csv"}, Outputs: []string{"fig/one.png"}},
	},
	Results: []string{"fig/one.png"},
	Day:     time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC),
}

// holds checks that r is a recipe of captured.
func holds(t *testing.T, r *recipe.Recipe) {
	t.Helper()
	if r.Environment.Kind != recipe.Capture || r.Environment.Source.Value != "repro.capture.json" {
		t.Errorf("environment %+v", r.Environment)
	}
	for i, want := range captured.Steps {
		j := slices.IndexFunc(r.Steps, func(s recipe.Step) bool { return s.Name == want.Name })
		if j < 0 {
			t.Fatalf("no step %q", want.Name)
		}
		got := r.Steps[j]
		if !slices.Equal(got.Command, want.Command) {
			t.Errorf("step %d: command %q, want %q", i, got.Command, want.Command)
		}
		for name, value := range want.Env {
			if got.Env[name] != value {
				t.Errorf("step %d: %s is %q, want %q", i, name, got.Env[name], value)
			}
		}
		if got.Outputs[0].Value != want.Outputs[0] || got.Inputs[0].Value != want.Inputs[0] {
			t.Errorf("step %d: %+v", i, got)
		}
	}
	if j := slices.IndexFunc(r.Steps, func(s recipe.Step) bool { return s.Name == "fit" }); !slices.Equal(r.Steps[j].Needs, []string{"clean"}) {
		t.Errorf("the second step needs %q", r.Steps[j].Needs)
	}
	for _, want := range captured.Code {
		if !slices.ContainsFunc(r.Code, func(t recipe.Text) bool {
			return t.Value == want || recipe.IsGlob(t.Value) && recipe.Match(t.Value, want)
		}) {
			t.Errorf("code lacks %q: %+v", want, r.Code)
		}
	}
	if !slices.ContainsFunc(r.Results, func(r recipe.Result) bool {
		return r.Output.Value == "fig/one.png" && r.Published.Value == "fig/one.png"
	}) {
		t.Errorf("results %+v", r.Results)
	}
}

func TestCapturedDraft(t *testing.T) {
	text, err := captured.Draft(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := recipe.Parse("x", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	holds(t, r)
	if r.Environment.Whole || r.Paper.Date != "2026-11-01T00:00:00Z" || len(r.Data) != 1 {
		t.Errorf("%+v", r)
	}
	whole := captured
	whole.Whole = true
	if text, err = whole.Draft(t.TempDir(), Options{}); err != nil {
		t.Fatal(err)
	}
	if r, err = recipe.Parse("x", text); err != nil || !r.Environment.Whole {
		t.Errorf("packages are not whole: %v", err)
	}
}

const before = `# mine
repro: 1
title: My paper # keep this
authors: [Ada]
environment: {capture: {record: old.json, files: [/opt/x]}, cpu: portable-v2}
code:
  - "*.sh" # scripts
data:
  - {path: other.csv, licence: CC0-1.0}
steps:
  - name: fit
    command: [old]
    memory: 2 GiB # measured
    env: {GONE: "1"}
    inputs: [other.csv]
    outputs: [gone.txt]
  - name: mine
    command: [sh, mine.sh]
    outputs: [mine.csv]
results:
  - {name: one, output: mine.csv}
`

func TestCapturedExtend(t *testing.T) {
	text, err := captured.Extend("x", []byte(before))
	if err != nil {
		t.Fatal(err)
	}
	r, err := recipe.Parse("x", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	holds(t, r)
	fit := r.Steps[0]
	if fit.Name != "fit" || fit.Memory != 2<<30 || fit.Env["GONE"] != "" || len(fit.Inputs) != 1 {
		t.Errorf("fit: %+v", fit)
	}
	if len(r.Environment.Files) != 1 || r.Environment.CPU != "portable-v2" || len(r.Data) != 2 || r.Data[0].Licence != "CC0-1.0" {
		t.Errorf("environment %+v, data %+v", r.Environment, r.Data)
	}
	if len(r.Results) != 2 || r.Results[1].Name != "one-2" {
		t.Errorf("results %+v", r.Results)
	}
	if len(r.Code) != 4 { // *.sh takes clean.sh
		t.Errorf("code %+v", r.Code)
	}
	for _, comment := range []string{"# mine", "# keep this", "# scripts", "# measured"} {
		if !strings.Contains(string(text), comment) {
			t.Errorf("comment %q is gone:\n%s", comment, text)
		}
	}
	again, err := captured.Extend("x", text)
	if err != nil || string(again) != string(text) {
		t.Errorf("extended twice: %v\n%s", err, again)
	}
	if _, err := captured.Extend("x", []byte("repro: 2\n")); err == nil {
		t.Error("a recipe that is wrong was extended")
	}
}

func TestCheckName(t *testing.T) {
	if err := recipe.CheckName("clean-2"); err != nil {
		t.Error(err)
	}
	if err := recipe.CheckName("a b"); err == nil {
		t.Error("a name with a space passes")
	}
}

// TestExtendWithResultThatIsRead refuses to make an input of a result: a run that
// adds to its own output reads it the second time.
func TestExtendWithResultThatIsRead(t *testing.T) {
	first := Captured{Record: "r.json", Code: []string{"run.sh"}, Steps: []CapturedStep{{Name: "all", Command: []string{"sh", "run.sh"}, Outputs: []string{"log.txt"}}}, Results: []string{"log.txt"}, Day: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
	old, err := first.Draft(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	again := first
	again.Data, again.Results = []string{"log.txt"}, nil
	again.Steps = []CapturedStep{{Name: "all", Command: []string{"sh", "run.sh"}, Inputs: []string{"log.txt"}}}
	if _, err := again.Extend("repro.yaml", old); err == nil || !strings.Contains(err.Error(), "log.txt: is a result in the recipe, and the captured run read it before it changed it: remove the file") {
		t.Errorf("%v", err)
	}
	if _, err := first.Extend("repro.yaml", old); err != nil {
		t.Errorf("as before: %v", err)
	}
}

// TestCapturedMade: a run that found its outputs up to date has them among the
// data; once one makes them anew, they are no data any more.
func TestCapturedMade(t *testing.T) {
	const upToDate = `repro: 1
title: My paper
authors: [Ada]
environment: {capture: repro.capture.json}
code: [prog]
data: [raw.csv, {path: fig/one.png, licence: CC0-1.0}, ./tidy.csv, "fig/*.svg"]
steps:
  - {name: fit, command: [make]}
`
	c := captured
	c.Made = []string{"fig/one.png", "prog", "tidy.csv"}
	text, err := c.Extend("x", []byte(upToDate))
	if err != nil {
		t.Fatal(err)
	}
	r, err := recipe.Parse("x", text)
	if err != nil {
		t.Fatal(err)
	}
	var data []string
	for _, d := range r.Data {
		data = append(data, d.Path.Value)
	}
	if !slices.Equal(data, []string{"raw.csv", "fig/*.svg"}) {
		t.Errorf("data %q", data)
	}
	if slices.ContainsFunc(r.Code, func(t recipe.Text) bool { return t.Value == "prog" }) {
		t.Error("what the steps make is code")
	}
}
