package statement

import (
	"fmt"

	"repro/report"
)

// TestResult is in-toto's predicate of that name, version 0.1.
type TestResult struct {
	Result        string               `json:"result"` // PASSED, WARNED, FAILED
	Configuration []ResourceDescriptor `json:"configuration"`
	Passed        []string             `json:"passedTests,omitempty"`
	Warned        []string             `json:"warnedTests,omitempty"`
	Failed        []string             `json:"failedTests,omitempty"`
}

// ResourceDescriptor names a file by its digest, as in-toto does.
type ResourceDescriptor struct {
	Name   string            `json:"name,omitempty"`
	Digest map[string]string `json:"digest,omitempty"`
}

func (t *TestResult) check() error {
	switch t.Result {
	case "PASSED", "WARNED", "FAILED":
		return nil
	}
	return fmt.Errorf("result %.80q: want PASSED, WARNED or FAILED", t.Result)
}

// Test says r of the image in the words of in-toto's test-result: what needs
// eyes, and whatever keeps r from being reproduced without having failed, is a
// warning.
func Test(im Image, r Reproduction) ([]byte, error) {
	t := TestResult{Configuration: []ResourceDescriptor{{Name: "report.json", Digest: subject("", r.Report).Digest}}}
	for _, x := range r.Results {
		switch {
		case x.Verdict.Reproduced():
			t.Passed = append(t.Passed, x.Name)
		case x.Verdict == report.NeedsEyes && x.Looked != LookedDifferent:
			t.Warned = append(t.Warned, x.Name)
		default:
			t.Failed = append(t.Failed, x.Name)
		}
	}
	t.Warned = append(t.Warned, r.NotRun...)
	t.Result = map[Outcome]string{Reproduced: "PASSED", Partial: "WARNED", Failed: "FAILED"}[r.outcome()]
	return encode(im, KindTestResult, t)
}

// svr is in-toto's simple verification result, version 0.1, which can only
// tell what passed.
type svr struct {
	Verifier struct {
		ID string `json:"id"`
	} `json:"verifier"`
	TimeCreated string   `json:"timeCreated"`
	Properties  []string `json:"properties"`
}

// Properties of an image in a simple verification result.
const (
	propertyReproduced = "REPRO_REPRODUCED"         // every result
	propertyIdentical  = "REPRO_REPRODUCED_BITWISE" // and the same bytes
)

// Passed says r of the image as a simple verification result. It is nil unless
// the outcome is [Reproduced].
func Passed(im Image, r Reproduction) ([]byte, error) {
	if r.outcome() != Reproduced {
		return nil, nil
	}
	v := svr{TimeCreated: r.Made, Properties: []string{propertyReproduced}}
	v.Verifier.ID = ours + "verifier/v1"
	if c := r.counts(); c.Verdicts[report.Identical] == c.Results {
		v.Properties = append(v.Properties, propertyIdentical)
	}
	return encode(im, KindSVR, v)
}
