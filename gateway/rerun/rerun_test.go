package rerun

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repro/format/manifest"
	"repro/gateway/store"
	"repro/report"
)

const content = manifest.Digest("sha256:00000000000000000000000000000000000000000000000000000000000000aa")

// left makes the folder of a run that left a report with these verdicts.
func left(t *testing.T, rep report.Run, verdicts ...report.Verdict) string {
	t.Helper()
	dir := t.TempDir()
	rep.Version = report.Version
	if rep.ContentID == "" {
		rep.ContentID = content
	}
	for i, v := range verdicts {
		rep.Findings = append(rep.Findings, report.Finding{Result: fmt.Sprint("r", i), Verdict: v})
	}
	rep.Counts = report.Counts{Results: 9, Reproduced: 9} // what it says of itself is not believed
	b, err := manifest.Marshal(rep)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, Record), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, Record, "report.json"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestJudge: nothing but a report of this image, in which everything came out
// again, and repro's own word make a run "reproduced" (GTW-20).
func TestJudge(t *testing.T) {
	good, bad, eyes := report.Identical, report.Differs, report.NeedsEyes
	twice := func(n int) report.Run { return report.Run{Repeat: &report.Repeat{Reproduced: n}} }
	for _, c := range []struct {
		name     string
		rep      report.Run
		verdicts []report.Verdict
		status   int
		want     string
	}{
		{"all", report.Run{}, []report.Verdict{good, report.WithinTolerance}, 0, "done reproduced 2/2"},
		{"one differs", report.Run{}, []report.Verdict{good, bad}, 5, "done differs 1/2"},
		{"repro says so, the report does not", report.Run{}, []report.Verdict{good, eyes}, 0, "done differs 1/2"},
		{"the report says so, repro does not", report.Run{}, []report.Verdict{good}, 5, "done differs 1/1"},
		{"nothing to compare", report.Run{}, nil, 0, "done differs 0/0"},
		{"a step failed", report.Run{}, []report.Verdict{report.Missing}, 6, "done step 0/1"},
		{"a step failed and all is there", report.Run{}, []report.Verdict{good}, 6, "done step 1/1"},
		{"twice", twice(1), []report.Verdict{good}, 0, "done reproduced 1/1"},
		{"not the second time", twice(0), []report.Verdict{good}, 0, "done differs 1/1"},
		{"altered", report.Run{}, []report.Verdict{good}, 4, "failed  0/0"},
		{"interrupted", report.Run{}, []report.Verdict{good}, 130, "failed  0/0"},
		{"killed", report.Run{}, []report.Verdict{good}, -1, "failed  0/0"},
	} {
		r := store.Run{Kind: store.RunAll, State: store.RunRunning}
		err := judge(&r, store.Submission{Upload: store.Upload{Content: content}}, left(t, c.rep, c.verdicts...), c.status, "why")
		if got := fmt.Sprintf("%s %s %d/%d", r.State, r.Outcome, r.Reproduced, r.Results); err != nil || got != c.want {
			t.Errorf("%s: %s, %v, want %s", c.name, got, err, c.want)
		}
		if r.State == store.RunFailed && r.Words != "why" {
			t.Errorf("%s: %q", c.name, r.Words)
		}
	}
	other := left(t, report.Run{ContentID: "sha256:bb"}, good)
	if err := judge(&store.Run{Kind: store.RunAll}, store.Submission{Upload: store.Upload{Content: content}}, other, 0, ""); err == nil {
		t.Error("a report of another image is taken")
	}
	r := store.Run{Kind: store.RunAll}
	if err := judge(&r, store.Submission{}, t.TempDir(), 0, ""); err != nil || r.State != store.RunFailed || r.Words == "" {
		t.Errorf("without a report: %+v, %v", r, err)
	}
}

func TestJudgeOthers(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		kind   store.RunKind
		status int
		want   store.RunState
	}{{store.RunCalibrate, 0, store.RunDone}, {store.RunCalibrate, 6, store.RunFailed}, {store.RunDiff, 5, store.RunFailed}} {
		r := store.Run{Kind: c.kind}
		if err := judge(&r, store.Submission{}, dir, c.status, "why"); err != nil || r.State != c.want || r.Outcome == store.OutcomeReproduced {
			t.Errorf("%s %d: %+v, %v", c.kind, c.status, r, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, diffName), []byte(`{"version":1,"verdict":"differs","reason":"these differ: layer code"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for status, want := range map[int]store.RunState{0: store.RunDone, 5: store.RunDone, 4: store.RunFailed} {
		r := store.Run{Kind: store.RunDiff}
		if err := judge(&r, store.Submission{}, dir, status, "why"); err != nil || r.State != want || want == store.RunDone && r.Words != "these differ: layer code" {
			t.Errorf("%d: %+v, %v", status, r, err)
		}
	}
}

func TestArguments(t *testing.T) {
	for _, c := range []struct {
		o    Options
		r    store.Run
		want string
	}{
		{Options{}, store.Run{Kind: store.RunAll}, "--quiet run --live --output record --resume --progress progress.json paper.sif"},
		{Options{CPUs: 2, Memory: "4GiB"}, store.Run{Kind: store.RunTwice, Step: "s"}, "--quiet run --live --output record --twice --resume --progress progress.json --cpus 2 --memory 4GiB paper.sif s"},
		{Options{}, store.Run{Kind: store.RunQuick}, "--quiet run --live --output record --quick --resume --progress progress.json paper.sif"},
		{Options{}, store.Run{Kind: store.RunCalibrate}, "--quiet calibrate --output spread.json --keep calibration --progress progress.json paper.sif"},
		{Options{}, store.Run{Kind: store.RunDiff}, "--quiet diff --json former.sif paper.sif"},
		{Options{Engine: "slurm:short", EngineOptions: []string{"--account=x"}}, store.Run{Kind: store.RunAll}, "--quiet run --live --output record --on slurm:short --engine-option --account=x --progress progress.json paper.sif"},
	} {
		if got := strings.Join(arguments(c.o, c.r), " "); got != c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
}

func TestLimits(t *testing.T) {
	for want, o := range map[string]Options{
		"all processors":               {},
		"1 processor, 2h0m0s at most":  {CPUs: 1, Time: 2 * time.Hour},
		"4 processors, 8GiB of memory": {CPUs: 4, Memory: "8GiB"},
		"all processors, on slurm":     {Engine: "slurm"},
	} {
		if got := o.Limits(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestLive: the log goes on in a second attempt, hides where the gateway keeps
// things, ends at its limit, and knows the error with which repro ended.
func TestLive(t *testing.T) {
	dir := t.TempDir()
	l, err := openLive(dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(l, "step: one\nhalf")
	if text, next, err := ReadLive(dir, 0); err != nil || string(text) != "step: one\n" || next != 10 {
		t.Errorf("%q, %d, %v", text, next, err)
	}
	fmt.Fprintf(l, "\nrepro: error: step \"s\": see %s/record/logs/s.log\nrepro: error: second\n", dir)
	if got := l.problem(); got != `step "s": see record/logs/s.log` {
		t.Errorf("%q", got)
	}
	fmt.Fprintln(l, "no error")
	if got := l.problem(); got != "" {
		t.Errorf("%q", got)
	}
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	if l, err = openLive(dir, 2); err != nil {
		t.Fatal(err)
	}
	defer l.close()
	_, next, _ := ReadLive(dir, 10)
	if text, _, _ := ReadLive(dir, 10); !strings.Contains(string(text), "half\n") || !strings.HasSuffix(string(text), "[begun again, attempt 2]\n") {
		t.Errorf("%q", text)
	}
	l.left = 4
	l.Write([]byte("12345678\n"))
	l.Write([]byte("more\n"))
	if text, _, _ := ReadLive(dir, next); string(text) != "1234\n[the rest is in the logs of the steps]\n" {
		t.Errorf("%q", text)
	}
	if text, next, err := ReadLive(t.TempDir(), 5); err != nil || text != nil || next != 5 {
		t.Errorf("without a log: %q, %d, %v", text, next, err)
	}
}

func TestReadProgress(t *testing.T) {
	dir := t.TempDir()
	if p, err := ReadProgress(dir); err != nil || p != (Progress{}) {
		t.Errorf("%+v, %v", p, err)
	}
	if err := os.WriteFile(filepath.Join(dir, progressName), []byte(`{"task":"run a","done":1,"total":3,"secondsLeft":9}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if p, err := ReadProgress(dir); err != nil || p != (Progress{Task: "run a", Done: 1, Total: 3, SecondsLeft: 9}) {
		t.Errorf("%+v, %v", p, err)
	}
	if err := os.WriteFile(filepath.Join(dir, progressName), []byte("{}"+strings.Repeat(" ", maxChunk)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadProgress(dir); err == nil {
		t.Error("a file without an end is read")
	}
}
