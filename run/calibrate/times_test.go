package calibrate

import (
	"os"
	"reflect"
	"testing"

	"repro/format/manifest"
	"repro/report"
)

func TestLongSteps(t *testing.T) {
	dir := t.TempDir()
	if _, err := LongSteps(dir, &manifest.Manifest{}); err == nil {
		t.Error("without a report")
	}
	if err := os.Mkdir(runDir(dir, 0), 0o755); err != nil {
		t.Fatal(err)
	}
	rep := &report.Run{Steps: []report.StepStatus{
		{Name: "short", WallMS: 8000}, {Name: "stated", WallMS: 90_000}, {Name: "long", WallMS: 61_001},
	}}
	if err := keep(runDir(dir, 0), state{}, rep); err != nil {
		t.Fatal(err)
	}
	m := &manifest.Manifest{Steps: []manifest.Step{{Name: "short"}, {Name: "stated", Takes: 60}, {Name: "long"}}}
	got, err := LongSteps(dir, m)
	if want := []StepTime{{"long", 62}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}
