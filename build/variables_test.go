package build

import (
	"maps"
	"testing"
)

func TestAssign(t *testing.T) {
	for line, want := range map[string]map[string]string{
		`export PATH="/opt/conda/bin:/usr/bin"`:         {"PATH": "/opt/conda/bin:/usr/bin"},
		`export PATH=/opt/conda/bin:$PATH`:              {"PATH": "/opt/conda/bin:/usr/bin"},
		`PATH="/opt/bin:${PATH}"`:                       {"PATH": "/opt/bin:/usr/bin"},
		`export LANG="${LANG:-"C.UTF-8"}"`:              {"PATH": "/usr/bin", "LANG": "C.UTF-8"},
		`export A='x $y "z"' # why`:                     {"PATH": "/usr/bin", "A": `x $y "z"`},
		`export EMPTY=`:                                 {"PATH": "/usr/bin", "EMPTY": ""},
		`export B="$HOME/x"`:                            {"PATH": "/usr/bin"},
		"export C=`id`":                                 {"PATH": "/usr/bin"},
		`	export INDENTED=1`:                            {"PATH": "/usr/bin"},
		`export D=$(id)`:                                {"PATH": "/usr/bin"},
		`if [ -z "$X" ]; then X=1; fi`:                  {"PATH": "/usr/bin"},
		`export E="a\"b"`:                               {"PATH": "/usr/bin"},
		`export LD_LIBRARY_PATH="/.singularity.d/libs"`: {"PATH": "/usr/bin", "LD_LIBRARY_PATH": "/.singularity.d/libs"},
	} {
		env := map[string]string{"PATH": "/usr/bin"}
		assign(env, line)
		if !maps.Equal(env, want) {
			t.Errorf("%s: got %q, want %q", line, env, want)
		}
	}
}
