package build

import (
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"repro/format/tree"
)

func TestAssignments(t *testing.T) {
	for script, want := range map[string]map[string]string{
		`export PATH="/opt/conda/bin:/usr/bin"`:         {"PATH": "/opt/conda/bin:/usr/bin"},
		`export PATH=/opt/conda/bin:$PATH`:              {"PATH": "/opt/conda/bin:/usr/bin"},
		`PATH="/opt/bin:${PATH}"`:                       {"PATH": "/opt/bin:/usr/bin"},
		`export LANG="${LANG:-"C.UTF-8"}"`:              {"LANG": "C.UTF-8"},
		`export T="${T:-"\$(date)"}"`:                   {"T": "$(date)"},
		"export T=\"${T:-\"\\`date\\`\"}\"":             {"T": "`date`"},
		`export T="${T:-"a\\b"}"`:                       {"T": `a\b`},
		"export T=\"${T:-\"line1\nline2\"}\"":           {"T": "line1\nline2"},
		`export T="${T:-"it's \"q\""}"`:                 {"T": `it's "q"`},
		`export T="${T:-"\${HOME:-x}"}"`:                {"T": "${HOME:-x}"},
		"A=1; export B=\"$A-2\"":                        {"A": "1", "B": "1-2"},
		`export A='x $y "z"' # why`:                     {"A": `x $y "z"`},
		`export Q='it'\''s'`:                            {"Q": "it's"},
		`export Q=a\ b\\c\$d`:                           {"Q": `a b\c$d`},
		`export EMPTY=`:                                 {"EMPTY": ""},
		`export NAKED`:                                  {},
		`A=1 command`:                                   {},
		`if [ -z "$X" ]; then X=1; fi`:                  {},
		`f() { X=1; }`:                                  {},
		`export E="a\"b"`:                               {"E": `a"b`},
		`export LD_LIBRARY_PATH="/.singularity.d/libs"`: {"LD_LIBRARY_PATH": "/.singularity.d/libs"},
		`export B="${HOME:-/root}/x"`:                   {"B": "/root/x"},
		`export "half`:                                  {},
	} {
		env := map[string]string{"PATH": "/usr/bin"}
		if _, ok := want["PATH"]; !ok {
			want["PATH"] = "/usr/bin"
		}
		if unknown := assignments(env, script); !maps.Equal(env, want) || len(unknown) > 0 {
			t.Errorf("%s: got %q, unknown %q, want %q", script, env, unknown, want)
		}
	}
	for _, script := range []string{`export X="$HOME/x"`, "export X=`id`", `export X=$(id)`, `export X="${Y:-$(id)}"`, "X=old; export X=$((1+`id`))"} {
		env := map[string]string{}
		if unknown := assignments(env, script); !slices.Equal(unknown, []string{"X"}) || len(env) > 0 {
			t.Errorf("%s: got %q, unknown %q", script, env, unknown)
		}
	}
}

// TestExports holds what is written against a shell, and against the reader.
func TestExports(t *testing.T) {
	env := map[string]string{
		"PLAIN": "a b", "QUOTE": `it's`, "BOTH": "it's \"$HOME\" `id` \\ \\\\n", "LINES": "a\nb\n", "DOLLAR": "$(date) ${x}", "EMPTY": "", "TRAIL": `\`,
	}
	script := exports(env)
	if strings.Contains(script, `'\''`) {
		t.Errorf("has the form that Apptainer misreads:\n%s", script)
	}
	got := map[string]string{}
	if unknown := assignments(got, script); len(unknown) > 0 || !maps.Equal(got, env) {
		t.Errorf("read again: %q, unknown %q", got, unknown)
	}
	for name, want := range env {
		out, err := exec.Command("sh", "-c", script+`printf '%s.' "$`+name+`"`).Output()
		if err != nil || string(out) != want+"." {
			t.Errorf("%s: sh says %q, %v", name, out, err)
		}
	}
	if s := exports(map[string]string{"T 9": "odd", "9X": "y"}); s != "" {
		t.Errorf("names that no shell has: %q", s)
	}
}

func TestScriptVariables(t *testing.T) {
	root := tree.NewDir()
	for name, text := range map[string]string{
		"10-docker2singularity.sh": "export A=\"${A:-\"first\"}\"\nexport TZ=Mars\nexport C=$(id)\n", ourEnvironment: "export B=\"$A second\"\nexport D=`id`\n", "50-other.sh": "export OTHER=1\n",
	} {
		if err := root.Put(".singularity.d/env/"+name, tree.NewFile(0o755, []byte(text))); err != nil {
			t.Fatal(err)
		}
	}
	env, unknown := scriptVariables(root)
	if !maps.Equal(env, map[string]string{"A": "first", "B": "first second"}) || !slices.Equal(unknown, []string{"C", "D"}) {
		t.Errorf("got %q, unknown %q", env, unknown)
	}
}
