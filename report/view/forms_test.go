package view

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"repro/format/manifest"
	"repro/report"
)

const hostileText = "a\x1b[2J|b\n# c <img src=x onerror=alert(1)> `d` *e* @f https://evil.example [g](h) \" ]]> \u202e"

func hostileRun() *report.Run {
	findings := []report.Finding{
		{Result: hostileText, Claim: hostileText, Output: hostileText, Kind: hostileText, Verdict: report.Differs, Reason: hostileText, Diff: hostileText},
		{Result: "b", Output: "/paper/b", Verdict: report.Identical, Reason: "the same bytes"},
	}
	return &report.Run{Version: 1, Image: hostileText, Findings: findings, Counts: report.Count(findings),
		Paper:   manifest.Paper{Title: hostileText, DOI: hostileText, Authors: []manifest.Author{{Name: hostileText, ORCID: hostileText}}},
		Machine: report.Machine{CPU: hostileText}, Steps: []report.StepStatus{{Name: hostileText, Status: hostileText}}}
}

func TestFormsHoldHostileText(t *testing.T) {
	hostile := Said{By: []manifest.Author{{Name: hostileText, ORCID: hostileText}}, Summary: hostileText, Conflicts: hostileText, Certificate: hostileText, Report: hostileText, Repository: hostileText}
	for name, write := range map[string]func(io.Writer, *report.Run) error{
		"markdown": Markdown, "aea": saying(AEA, hostile), "acm": saying(ACM, hostile), "codecheck": saying(Codecheck, hostile), "codecheck, open": saying(Codecheck, Said{}),
	} {
		var out bytes.Buffer
		if err := write(&out, hostileRun()); err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"\x1b", "\u202e", "\n# c <"} {
			if strings.Contains(out.String(), bad) {
				t.Errorf("%s holds %q", name, bad)
			}
		}
		if strings.HasPrefix(name, "codecheck") {
			continue // YAML, not Markdown
		}
		for _, bad := range []string{"<img", "|b", "@f", "https://evil", "[g](h)", " `d`", " *e*"} {
			if strings.Contains(strings.ReplaceAll(out.String(), `\|`, ""), bad) {
				t.Errorf("%s holds %q", name, bad)
			}
		}
	}
}

func saying(write func(io.Writer, *report.Run, Said) error, said Said) func(io.Writer, *report.Run) error {
	return func(w io.Writer, r *report.Run) error { return write(w, r, said) }
}

// TestFormsTellWhoChecked holds each field in the form that asks for it.
func TestFormsTellWhoChecked(t *testing.T) {
	said := Said{By: []manifest.Author{{Name: "Bob", ORCID: "0000-0001-5109-3700"}, {Name: "Eve"}}, Summary: "It came out.", Conflicts: "none",
		Certificate: "2026-001", Report: "https://doi.org/10.5281/zenodo.1", Repository: "https://example.org/r"}
	for name, c := range map[string]struct {
		write func(io.Writer, *report.Run, Said) error
		want  []string
	}{
		"codecheck": {Codecheck, []string{"codechecker:\n  - name: \"Bob\"\n    ORCID: \"0000-0001-5109-3700\"\n  - name: \"Eve\"\n    # ORCID:\n", "\nsummary: \"It came out.\"\n",
			"\ncertificate: \"2026-001\"\n", "\nreport: \"https://doi.org/10.5281/zenodo.1\"\n", "\nrepository: \"https://example.org/r\"\n"}},
		"aea": {AEA, []string{"## Replicator\n\n- Name: Bob, ORCID iD 0000-0001-5109-3700\n- Name: Eve\n- Conflicts of interest: none\n- Summary: It came out.\n"}},
		"acm": {ACM, []string{"## Evaluator\n\n- Name: Bob, ORCID iD 0000-0001-5109-3700\n- Name: Eve\n- Conflicts of interest: none\n- Summary: It came out.\n"}},
	} {
		var out bytes.Buffer
		if err := c.write(&out, &report.Run{}, said); err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: no %q in\n%s", name, want, &out)
			}
		}
		if strings.Contains(out.String(), "fill in") {
			t.Errorf("%s: something is left to fill in:\n%s", name, &out)
		}
	}
}

// TestCodecheckLeavesNoPlaceholder holds that what only the checker knows is
// absent, that each output is listed once, and a missing one not at all.
func TestCodecheckLeavesNoPlaceholder(t *testing.T) {
	findings := []report.Finding{
		{Result: "a", Claim: "Table 1", Output: "/out/a.csv", Verdict: report.Identical, Reason: "the same bytes"},
		{Result: "n", Output: "/out/a.csv", Verdict: report.Differs, Reason: "36 became 37"},
		{Result: "b", Output: "/out/b.csv", Verdict: report.Missing, Reason: "there is no new file"},
	}
	var out bytes.Buffer
	if err := Codecheck(&out, &report.Run{Findings: findings, Counts: report.Count(findings), Paper: manifest.Paper{Title: "T", Authors: []manifest.Author{{Name: "Ada"}}}}, Said{}); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := yaml.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"codechecker", "certificate", "report", "repository", "check_time"} {
		if v, ok := got[name]; ok {
			t.Errorf("%s is %q", name, v)
		}
	}
	want := []any{map[string]any{"file": "out/a.csv", "comment": "Table 1 (identical: the same bytes); differs: 36 became 37"}}
	if !reflect.DeepEqual(got["manifest"], want) {
		t.Errorf("manifest: %v", got["manifest"])
	}
}

func TestFormsStopAtAnError(t *testing.T) {
	broken := errors.New("disk full")
	for name, write := range map[string]func(io.Writer, *report.Run) error{
		"markdown": Markdown, "aea": saying(AEA, Said{}), "acm": saying(ACM, Said{}), "codecheck": saying(Codecheck, Said{}),
		"junit": func(w io.Writer, r *report.Run) error { return JUnit(w, r.Findings) },
	} {
		if err := write(noRoom{broken}, hostileRun()); !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type noRoom struct{ err error }

func (f noRoom) Write([]byte) (int, error) { return 0, f.err }

func TestJUnitIsXML(t *testing.T) {
	var out bytes.Buffer
	if err := JUnit(&out, hostileRun().Findings); err != nil {
		t.Fatal(err)
	}
	var suites junitSuites
	if err := xml.Unmarshal(out.Bytes(), &suites); err != nil {
		t.Fatal(err)
	}
	if suites.Failures != 1 || suites.Tests != 2 || len(suites.Suite.Cases) != 2 || suites.Suite.Cases[0].Failure == nil {
		t.Errorf("%+v", suites)
	}
}

func TestAEAClass(t *testing.T) {
	for _, c := range []struct {
		reproduced, results int
		want                string
	}{{4, 4, "full"}, {3, 4, "minor"}, {2, 4, "partial"}, {1, 4, "partial"}, {0, 4, "none"}, {0, 0, "none"}, {95, 97, "minor"}} {
		full, minor, partial, none := aeaClass(&report.Run{Counts: report.Counts{Reproduced: c.reproduced, Results: c.results}})
		got := map[bool]string{full: "full"}[true] + map[bool]string{minor: "minor"}[true] + map[bool]string{partial: "partial"}[true] + map[bool]string{none: "none"}[true]
		if got != c.want {
			t.Errorf("%d of %d: %s, want %s", c.reproduced, c.results, got, c.want)
		}
	}
}
