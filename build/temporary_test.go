package build

import (
	"strings"
	"testing"

	"repro/capture"
	"repro/recipe"
)

// TestInTemporary: of /tmp an image keeps nothing, and says so before it runs.
func TestInTemporary(t *testing.T) {
	for name, c := range map[string]struct {
		program, file   string
		refused, warned bool
	}{
		"elsewhere":              {"/opt/v/bin/python", "/opt/v/x.py", false, false},
		"the experiment's own":   {"/tmp/exp/run", "/tmp/exp/x", false, false},
		"a program":              {"/tmp/v/bin/python", "/opt/x", true, false},
		"a file":                 {"/usr/bin/python3", "/tmp/fonts/x.ttf", false, true},
		"a folder named alike":   {"/usr/bin/python3", "/tmp/experiments/x", false, true},
		"beside the folder /tmp": {"/tmpfiles/x", "/tmpfiles/y", false, false},
	} {
		warned := ""
		b := &builder{Options: Options{Recipe: &recipe.Recipe{}, Warn: func(p recipe.Problem) { warned += p.Text }}}
		b.inTemporary(&capture.Record{Folder: "/tmp/exp", Steps: []capture.Step{{
			Name: "s", Programs: []capture.Program{{Path: c.program}}, Files: []capture.File{{Path: c.file, Read: true}},
		}}})
		if refused := len(b.problems) > 0; refused != c.refused || (warned != "") != c.warned {
			t.Errorf("%s: refused %v, warned %q", name, b.problems, warned)
		}
		if c.refused && !strings.Contains(b.problems[0].Text, c.program) || c.warned && !strings.Contains(warned, c.file) {
			t.Errorf("%s: %v, %q", name, b.problems, warned)
		}
	}
}
