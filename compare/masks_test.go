package compare

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"repro/format/manifest"
	"repro/report"
)

// maskTable is how SPEC.md CMP-46 lists the masks: indented, after the parts
// that several patterns have.
func maskTable() string {
	var b strings.Builder
	shared := []string{monthName, "<month>", clockTime, "<clock>", timeZone, "<zone>", weekday, "<weekday>"}
	for i := 0; i < len(shared); i += 2 {
		fmt.Fprintf(&b, "  %-10s %s\n", shared[i+1], shared[i])
	}
	b.WriteByte('\n')
	short := strings.NewReplacer(shared...)
	for _, m := range masks {
		for _, re := range m.patterns() {
			fmt.Fprintf(&b, "  %-10s %s\n", m.name, short.Replace(re.String()))
		}
	}
	return b.String()
}

// TestMasksLeaveResults holds that what could be a result is not hidden.
func TestMasksLeaveResults(t *testing.T) {
	for _, c := range [][2]string{
		{"R 0.95", "R 0.96"}, {"Python 3", "Python 4"}, {"numpy mean 1.25", "numpy mean 1.35"}, {"version 2.5", "version 2.6"},
		{"nodes: 12", "nodes: 13"}, {"node 12", "node 13"}, {"machine precision", "machine learning"}, {"host cell", "hosts cell"},
	} {
		f := finding(t, "a.log", c[0]+"\n", c[1]+"\n", manifest.Rule{Masks: []string{"hosts", "versions"}})
		if f.Verdict == report.SameContent {
			t.Errorf("%q, %q: %s", c[0], c[1], f.Reason)
		}
	}
}

func TestMasksAreThoseOfTheSpecification(t *testing.T) {
	spec, err := os.ReadFile("../SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(spec), "  ```\n"+maskTable()+"  ```\n") {
		t.Errorf("SPEC.md, CMP-46, does not list:\n%s", maskTable())
	}
}

func TestMasks(t *testing.T) {
	for _, c := range []struct{ mask, pub, new string }{
		{"dates", "ran 2024-01-05", "ran 2026-11-30"},
		{"dates", "2024-01-05T10:30:00Z start", "2024-01-06T01:02:03Z start"},
		{"dates", "[2024-01-05 10:30:00,123] INFO x=1.5", "[2026-12-31 23:59:59,001] INFO x=1.5"},
		{"dates", "Thu Nov 26 18:23:44 UTC 2026", "Fri Jan  2 08:00:01 UTC 2026"},
		{"dates", "Date: Thu, 26 Nov 2026 18:23:44 +0000", "Date: Fri, 2 Jan 2026 08:00:01 +0100"},
		{"dates", "printed on November 26, 2026", "printed on May 1, 2027"},
		{"dates", "at 18:23:44", "at 9:05:01"},
		{"dates", "on 26/11/2026", "on 1/2/2027"},
		{"timings", "fitted in 3.25 s", "fitted in 12 s"},
		{"timings", "fitted in 980 ms", "fitted in 1.02 s"},
		{"timings", "a 1 s 2 s b", "a 3 s 4 s b"},
		{"timings", "real 0m1.234s", "real 1m0.001s"},
		{"timings", "CPU time: 12.5", "CPU time: 0.31"},
		{"timings", "Elapsed = 12.5", "Elapsed = 3"},
		{"processes", "sshd[123]: hello", "sshd[45678]: hello"},
		{"processes", "pid=123 x", "pid=99 x"},
		{"processes", "==123== LEAK", "==4567== LEAK"},
		{"hosts", "Host: node07.cluster.org", "Host: login-2"},
		{"hosts", "running on bigiron", "running on node3"},
		{"versions", "Python 3.11.2 (main)", "Python 3.12.1 (main)"},
		{"versions", "numpy==1.24.2", "numpy==2.1.0rc1"},
		{"versions", "R version 4.2.2 (x)", "R version 4.5.1 (x)"},
		{"versions", "Stan version: 2.32.1", "Stan version: 2.33.0"},
		{"addresses", "<Model object at 0x7f1200ab>", "<Model object at 0x55aa00cd12>"},
		{"addresses", "worker 10.0.0.1:4000 up", "worker 10.0.0.7:51234 up"},
		{"paths", "wrote /tmp/tmpab12/x.csv (5 rows)", "wrote /tmp/tmpzz/x.csv (5 rows)"},
		{"ids", "run 0b5e1e6c-6a41-4a3c-9c2e-0a4b6f0a7d11", "run 5f6f9a0e-3d0c-4f5b-8b1e-9d5b0f2f6a77"},
	} {
		rule := manifest.Rule{Masks: []string{c.mask}}
		if f := finding(t, "a.log", c.pub+"\nx\n", c.new+"\nx\n", rule); f.Verdict != report.SameContent {
			t.Errorf("%s: %q, %q: %s (%s)", c.mask, c.pub, c.new, f.Verdict, f.Reason)
		}
		f := finding(t, "a.log", c.pub+"\nx\n", c.new+"\nx\n", manifest.Rule{})
		if f.Verdict != report.Differs || !strings.Contains(f.Reason, "only "+c.mask+" differ") {
			t.Errorf("%q, %q: %s (%s); want a hint of %s", c.pub, c.new, f.Verdict, f.Reason, c.mask)
		}
	}
}

// TestMasksHideNothingElse plants, beside what the masks hide, what they may
// not.
func TestMasksHideNothingElse(t *testing.T) {
	all := manifest.Rule{Masks: Masks()}
	for _, c := range [][2]string{
		{"2024-01-05 x=1.5", "2024-01-06 x=1.6"},
		{"2024-01-05", ""},
		{"Elapsed = 12.5", "Duration = 12.5"},
		{"took 3 s for 5 rows", "took 4 s for 6 rows"},
		{"/tmp/a: 5", "/home/a: 5"},
		{"0x12345 = 1", "0x12345 = 2"},
		{"mean 350", "mean 351"},
		{"1.5e-3", "1.5e-4"},
		{"p-value 0.05 (n = 12)", "p-value 0.05 (n = 13)"},
	} {
		if f := finding(t, "a.log", c[0]+"\n", c[1]+"\n", all); f.Verdict != report.Differs {
			t.Errorf("%q, %q: %s (%s)", c[0], c[1], f.Verdict, f.Reason)
		}
	}
}

func TestSelection(t *testing.T) {
	const pub = "start 1\n= Results\nmean 1.50\nn 7\n= Timing\n3.2\n"
	for _, c := range []struct {
		rule manifest.Rule
		new  string
		want report.Verdict
	}{
		{manifest.Rule{From: "^= Results", To: "^= "}, "start 9\n= Results\nmean 1.50\nn 7\n= Timing\n9\n", report.SameContent},
		{manifest.Rule{From: "^= Results", To: "^= Timing"}, "start 9\nx\n= Results\nmean 1.50\nn 7\n= Timing\n9\n", report.SameContent},
		{manifest.Rule{From: "^= Results", To: "^= Timing"}, "start 9\n= Results\nmean 1.6\nn 7\n= Timing\n9\n", report.Differs},
		{manifest.Rule{From: "^= Results", To: "^= Timing"}, "start 9\n= Timing\n9\n", report.Differs},
		{manifest.Rule{Only: []string{"^mean "}}, "mean 1.501\n", report.SameAsPrinted},
		{manifest.Rule{Only: []string{"^mean ", "^n "}}, "mean 1.50\nn 8\n", report.Differs},
		{manifest.Rule{Only: []string{"^median "}}, "mean 1.50\n", report.NeedsEyes},
		{manifest.Rule{From: "^= Nothing"}, "mean 1.5\n", report.NeedsEyes},
	} {
		if f := finding(t, "a.txt", pub, c.new, c.rule); f.Verdict != c.want {
			t.Errorf("%+v: %s (%s), want %s", c.rule, f.Verdict, f.Reason, c.want)
		}
	}
	if err := Check(manifest.Rule{To: "x"}); err == nil {
		t.Error("a section without a first line is accepted")
	}
}

// TestBlanksAreProposed holds that the line for the recipe is named where only
// how many blanks there are differs, and nowhere else.
func TestBlanksAreProposed(t *testing.T) {
	for _, c := range []struct {
		pub, new string
		want     bool
	}{
		{"a   1.5 x", "a  1.5  x", true},
		{"a 1.5\n\nb 2.5", "a 1.5\nb 2.5", true},
		{"a   1.5 x", "a  1.6  x", false},
		{"a 1 5", "a 15", false},
	} {
		f := finding(t, "a.log", c.pub+"\n", c.new+"\n", manifest.Rule{})
		if got := strings.Contains(f.Reason, "blanks: free would pass over it"); f.Verdict != report.Differs || got != c.want {
			t.Errorf("%q, %q: %s (%s)", c.pub, c.new, f.Verdict, f.Reason)
		}
		f = finding(t, "a.log", c.pub+"\n", c.new+"\n", manifest.Rule{Blanks: "free"})
		if f.Verdict.Reproduced() != c.want || strings.Contains(f.Reason, "blanks: free") {
			t.Errorf("%q, %q, with the line: %s (%s)", c.pub, c.new, f.Verdict, f.Reason)
		}
	}
}

// TestMaskable: where the first place that differs has nothing to hide, no hint
// is looked for.
func TestMaskable(t *testing.T) {
	for diff, want := range map[string]bool{
		"": true,
		"@@ -1 +1 @@\n-loss 0.5 at step 3\n+loss 0.6 at step 3\n":                                              false,
		"@@ -1 +1 @@\n-done on 2026-01-02\n+done on 2026-01-03\n":                                              true,
		"@@ -1 +1 @@\n-done\n+done on 2026-01-03\n":                                                            true,
		"@@ -1 +1 @@\n-  0.123   0.004   0.130\n+  0.123   0.004   0.131\n":                                    true,
		"@@ -1 +1 @@\n-a long line…\n+another\n":                                                               true,
		"@@ -1 +1 @@\n-loss 0.5\n+loss 0.6\n@@ -2 +2 @@\n-done on 2026-01-02\n+done on 2026-01-03\n":           false,
		"@@ -2 +2 @@\n-done on 2026-01-02\n+done on 2026-01-03\n@@ -3 +3 @@\n-loss 0.5 then\n+loss 0.6 then\n": true,
	} {
		if got := maskable(diff); got != want {
			t.Errorf("%q: %v", diff, got)
		}
	}
}
