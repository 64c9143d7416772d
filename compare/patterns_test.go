package compare

import (
	"errors"
	"strings"
	"testing"
	"time"

	"repro/format/manifest"
	"repro/report"
)

// TestPatternBombs holds that a pattern whose program is huge is refused, and
// that one which takes all the work that its size allows ends in needs eyes, in
// seconds.
func TestPatternBombs(t *testing.T) {
	var rule *RuleError
	bomb := `(((a?){100}){10})b`
	for _, r := range []manifest.Rule{{Ignore: []string{bomb}}, {Only: []string{bomb}}, {From: bomb}} {
		if err := Check(r); !errors.As(err, &rule) || !strings.Contains(err.Error(), "instructions") {
			t.Errorf("%+v: %v", r, err)
		}
	}
	line := strings.Repeat("a", 200_000)
	start := time.Now()
	for _, r := range []manifest.Rule{{Ignore: []string{`(((a?){100}){2})b`}}, {Only: []string{`(((a?){100}){2})b`, "a"}}, {From: `(((a?){100}){2})b|a`}} {
		f := finding(t, "a.txt", strings.Repeat(line+"\n", 4), strings.Repeat(line+"\n", 3)+"b\n", r)
		if f.Verdict != report.NeedsEyes || !strings.Contains(f.Reason, "work") {
			t.Errorf("%+v: %s: %s", r, f.Verdict, f.Reason)
		}
	}
	if took := time.Since(start); took > 3*time.Minute {
		t.Errorf("took %v", took)
	}
	plain := manifest.Rule{Ignore: []string{`\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}\b`, `seed=[0-9]+`}}
	f := finding(t, "a.txt", strings.Repeat(line+" seed=1\n", 40), strings.Repeat(line+" seed=2\n", 40), plain)
	if f.Verdict != report.SameContent {
		t.Errorf("ordinary patterns: %s: %s", f.Verdict, f.Reason)
	}
}

func TestWork(t *testing.T) {
	w := &work{}
	c := counted{size: 300, work: w}
	if !c.may(make([]byte, maxLargeSteps/300)) || c.may(make([]byte, 300)) || w.undecided() == nil {
		t.Errorf("large patterns: %+v", w)
	}
	w = &work{}
	c = counted{size: largeProgram, work: w}
	for range maxSteps / largeProgram >> 20 {
		if !c.may(make([]byte, 1<<20)) {
			t.Fatalf("small patterns: %+v", w)
		}
	}
	if c.may([]byte("x")) {
		t.Errorf("no bound for small patterns: %+v", w)
	}
}
