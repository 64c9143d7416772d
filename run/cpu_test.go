package run

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"repro/format/manifest"
)

func TestProfileIsBelowTheStepsOwnVariables(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skipf("profiles are of amd64")
	}
	env := environ(manifest.Step{CPU: manifest.CPUPortableV2, Env: map[string]string{"MKL_CBWR": "AVX2"}}, "", "")
	for _, want := range []string{"OPENBLAS_CORETYPE=Nehalem", "MKL_CBWR=AVX2"} {
		if !slices.Contains(env, want) {
			t.Errorf("%s is not in %q", want, env)
		}
	}
	for _, v := range environ(manifest.Step{CPU: "native"}, "", "") {
		if strings.HasPrefix(v, "OPENBLAS_CORETYPE=") {
			t.Errorf("a native step has %s", v)
		}
	}
}

func TestNotesOfKnobsThatDidNotHold(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, logsDir), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, logsDir, "a.log"), []byte("Core: Prescott\n1.5\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	r := &runner{options: Options{Dir: dir}, plan: &plan{steps: []manifest.Step{
		{Name: "a", CPU: manifest.CPUPortableV2}, {Name: "b", CPU: manifest.CPUPortableV2}, {Name: "c"},
	}}}
	notes := strings.Join(r.cpuNotes(), "\n")
	if runtime.GOARCH == "amd64" && !strings.Contains(notes, `step "a" asks for the processor portable-v2, but OpenBLAS chose the code for Prescott`) {
		t.Errorf("notes: %s", notes)
	}
	if strings.Contains(notes, `"c"`) {
		t.Errorf("notes of a step without a profile: %s", notes)
	}
	if got := lackingFeatures([]string{"no_such_feature"}); runtime.GOARCH == "amd64" && len(got) != 1 {
		t.Errorf("lacking %q", got)
	}
}
