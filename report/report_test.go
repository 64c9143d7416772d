package report

import "testing"

func TestCount(t *testing.T) {
	c := Count([]Finding{{Verdict: Identical}, {Verdict: WithinTolerance}, {Verdict: Differs}, {Verdict: Missing}, {Verdict: NeedsEyes}})
	if c.Results != 5 || c.Reproduced != 2 || c.Verdicts[Differs] != 1 {
		t.Errorf("got %+v", c)
	}
}
