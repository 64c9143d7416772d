package capture

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestVariablesAtEdges(t *testing.T) {
	env := []string{
		"PYTHONPATH=/x", "OMP_NUM_THREADS=4", "DRAWS=3", "UNKNOWN=1", "PATH=/bin", "HOME=/home/a", "TOKEN=x", "EMPTY=", "NOTHING", "9LIVES=1", "A-B=1",
		"LC_ALL=C\x01", "CFLAGS=-O2\t-g", "R_LIBS=/r", "TERMINFOX=1",
	}
	taken, left := variables(env, map[string]bool{"DRAWS": true, "TOKEN": true, "EMPTY": true, "HOME": true, "9LIVES": true, "A-B": true, "TERM": true})
	if want := map[string]string{"PYTHONPATH": "/x", "OMP_NUM_THREADS": "4", "DRAWS": "3", "CFLAGS": "-O2\t-g", "R_LIBS": "/r"}; !maps.Equal(taken, want) {
		t.Errorf("taken %q, want %q", taken, want)
	}
	if len(left) != 1 || left[0].Name != "TOKEN" || left[0].Kind != "variable" || !strings.Contains(left[0].Include, "TOKEN: …") {
		t.Errorf("left %+v", left)
	}
}

func TestSteers(t *testing.T) {
	for _, s := range steering {
		name := strings.ReplaceAll(s, "*", "X")
		if !steers(name) {
			t.Errorf("%s does not steer", name)
		}
		if exact := !strings.HasSuffix(s, "*"); exact && steers(s+"9") {
			t.Errorf("%s9 steers", s)
		}
	}
	for _, name := range ofSession {
		if steers(name) {
			t.Errorf("%s steers", name)
		}
	}
}

func TestVariableName(t *testing.T) {
	for name, want := range map[string]bool{"A": true, "_": true, "a_9": true, "9": false, "": false, "A B": false, "Ä": false, "A=": false} {
		if variableName(name) != want {
			t.Errorf("%q: %t", name, !want)
		}
	}
}

func TestSearchPathAtEdges(t *testing.T) {
	used := func(dirs ...string) func(string) bool {
		return func(dir string) bool { return slices.Contains(dirs, dir) }
	}
	for _, c := range []struct {
		value string
		used  []string
		want  string
	}{
		{"/usr/local/bin:/usr/bin:/bin", nil, ""},
		{"/usr/bin:/opt/unused:/bin", nil, ""},
		{"/opt/x/bin:/usr/bin:/bin", []string{"/opt/x/bin"}, "/opt/x/bin:/usr/bin:/bin"},
		{"/bin:/usr/bin", nil, "/bin:/usr/bin"}, // another order than usual
		{"/usr/bin:/usr/bin/:/bin", nil, ""},
		{"bin:/usr/bin", []string{"/home/a/bin"}, "/home/a/bin:/usr/bin"},
		{":/usr/bin", []string{"/home/a"}, "/home/a:/usr/bin"},
		{"/usr/bin:/opt/x/../y", []string{"/opt/y"}, "/usr/bin:/opt/y"},
	} {
		if got := searchPath(c.value, "/home/a", used(c.used...)); got != c.want {
			t.Errorf("%s: %q, want %q", c.value, got, c.want)
		}
	}
}
