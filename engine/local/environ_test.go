package local

import (
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
