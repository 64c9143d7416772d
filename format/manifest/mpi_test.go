package manifest

import (
	"strings"
	"testing"
)

func TestRanks(t *testing.T) {
	s := Step{Command: []string{"solve", "-x"}, Ranks: 4, Env: map[string]string{"OMPI_MCA_btl": "self"}}
	if got := strings.Join(s.Arguments(), " "); got != "mpirun -n 4 solve -x" {
		t.Error(got)
	}
	env := s.Environ("2024-05-06T07:08:09Z", "amd64")
	for name := range mpiVariables {
		if env[name] == "" {
			t.Errorf("%s is not set", name)
		}
	}
	if env["OMPI_MCA_btl"] != "self" {
		t.Error("the recipe has not the last word")
	}
	s.Ranks = 0
	if got := strings.Join(s.Arguments(), " "); got != "solve -x" || len(s.Environ("", "amd64")) > 30 {
		t.Errorf("a step without ranks: %s", got)
	}
}
