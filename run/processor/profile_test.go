package processor

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"repro/format/manifest"
)

func TestNotes(t *testing.T) {
	steps := []manifest.Step{{Name: "a", CPU: manifest.CPUPortableV2}, {Name: "b", CPU: manifest.CPUPortableV2}, {Name: "c"}}
	notes := strings.Join(Notes(steps, "", []string{"Prescott", "", "SkylakeX"}, nil), "\n")
	if runtime.GOARCH == "amd64" && !strings.Contains(notes, `step "a" asks for the processor portable-v2, but OpenBLAS chose the code for Prescott`) {
		t.Errorf("notes: %s", notes)
	}
	if strings.Contains(notes, `"c"`) {
		t.Errorf("notes of a step without a profile: %s", notes)
	}
	if got := missingFeatures([]string{"no_such_feature"}); runtime.GOARCH == "amd64" && len(got) != 1 {
		t.Errorf("missing %q", got)
	}
	steps[1].Env = map[string]string{"MKL_CBWR": "AVX2"}
	if notes := strings.Join(Notes(steps[1:2], "", []string{""}, nil), "\n"); runtime.GOARCH == "amd64" && !strings.Contains(notes, `step "b" asks for the processor portable-v2, but sets MKL_CBWR itself`) {
		t.Errorf("notes of a step that overrides its profile: %s", notes)
	}
}

func TestCoreInLog(t *testing.T) {
	log := filepath.Join(t.TempDir(), "a.log")
	for content, want := range map[string]string{"Core: Prescott\n1.5\n": "Prescott", "1.5\nCore: Haswell \n": "Haswell", "no Core: Zen\n": "", "": "",
		"Core: A\x1b[2J\n": "", strings.Repeat("x\n", 40_000) + "Core: Late\n": ""} {
		if err := os.WriteFile(log, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := CoreInLog(log); got != want {
			t.Errorf("%.20q: %q, want %q", content, got, want)
		}
	}
	if got := CoreInLog(log + "x"); got != "" {
		t.Errorf("without a log: %q", got)
	}
}

func TestProcessorsAreThisMachines(t *testing.T) {
	for _, p := range Kinds() {
		if p.Env["OPENBLAS_CORETYPE"] != p.Name {
			t.Errorf("%s: %v", p.Name, p.Env)
		}
		if p.Name == "SkylakeX" && len(missingFeatures([]string{"avx512f"})) > 0 {
			t.Error("a processor with AVX-512 is tried where there is none: its code would be killed")
		}
	}
}
