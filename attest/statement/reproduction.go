package statement

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"repro/format/manifest"
	"repro/report"
)

// Outcome sums up a run in one word.
type Outcome string

// The outcomes. SPEC.md, ATT-7.
const (
	Reproduced Outcome = "reproduced" // all of it ran as the image says, and every result came out
	Partial    Outcome = "partial"    // nothing came out otherwise, but something was left out, changed, or needs eyes
	Failed     Outcome = "failed"     // a step failed, or a result differs or is missing
)

// Reproduction says what came out when the steps of an image were run again.
// SPEC.md, ATT-6.
type Reproduction struct {
	Said
	Outcome   Outcome         `json:"outcome"`
	Counts    report.Counts   `json:"counts"`
	Results   []Result        `json:"results"`          // one for each result and claim that was compared
	NotRun    []string        `json:"notRun,omitempty"` // results and claims of which it says nothing
	Steps     []Step          `json:"steps"`
	Quick     bool            `json:"quick,omitempty"`   // only the recipe's smaller experiment was run
	Changed   []string        `json:"changed,omitempty"` // what was set otherwise than the image says
	Started   string          `json:"started"`
	Finished  string          `json:"finished"`
	Engine    string          `json:"engine"` // local, or what started the workers
	Machine   report.Machine  `json:"machine"`
	Isolation Isolation       `json:"isolation"`
	Report    manifest.Digest `json:"report"` // of the run's report.json, which says all of this at length
}

// Result is what came out of one published result or claim.
type Result struct {
	Name    string          `json:"name"`
	Output  string          `json:"output"`
	Digest  manifest.Digest `json:"digest,omitempty"` // of the new file; empty if there is none
	Verdict report.Verdict  `json:"verdict"`
	Reason  string          `json:"reason"`        // one line for a person
	Set     string          `json:"set,omitempty"` // the published set that was met
	Looked  Look            `json:"looked,omitempty"`
}

// Look is what the signer saw where a verdict needs eyes; empty: nobody looked.
// SPEC.md, ATT-6a.
type Look string

// What a signer can have seen.
const (
	LookedSame      Look = "same"      // published and new figure say the same
	LookedDifferent Look = "different" // they do not
)

// Step is what became of one step.
type Step struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Exit   int    `json:"exit"`
	Signal string `json:"signal,omitempty"`
	WallMS int64  `json:"wallMs"`
}

// Isolation says how the steps were kept apart from the machine, without the
// machine's own paths.
type Isolation struct {
	Level  string   `json:"level"`
	Layers string   `json:"layers"`
	Limits string   `json:"limits,omitempty"` // who held steps to their memory
	Net    bool     `json:"net"`              // the machine's network was reachable
	Binds  []string `json:"binds,omitempty"`  // where steps saw something of the machine
	GPU    string   `json:"gpu,omitempty"`    // version of its driver
}

// verdicts are those of the ladder.
var verdicts = []report.Verdict{
	report.Identical, report.SameContent, report.SameAsPrinted, report.WithinSpread, report.WithinTolerance,
	report.Differs, report.Missing, report.NeedsEyes,
}

// outcome derives the one word. Nothing but a whole run as the image has it is
// reproduced, and an experiment without results never is.
func (r *Reproduction) outcome() Outcome {
	return r.outcomeIf(func(Result) bool { return false })
}

// BySight is the outcome if what the signer looked at and found the same counts
// as come out. SPEC.md, ATT-7a.
func (r *Reproduction) BySight() Outcome {
	return r.outcomeIf(func(x Result) bool { return x.Looked == LookedSame })
}

// outcomeIf is the outcome if the results that need eyes count as come out which
// enough says.
func (r *Reproduction) outcomeIf(enough func(Result) bool) Outcome {
	eyes := false
	for _, x := range r.Results {
		switch {
		case x.Looked == LookedDifferent:
			return Failed
		case x.Verdict == report.NeedsEyes && enough(x):
		case x.Verdict == report.NeedsEyes:
			eyes = true
		case !x.Verdict.Reproduced():
			return Failed
		}
	}
	for _, s := range r.Steps {
		if s.Status != report.StepDone && (s.Status != report.StepSkipped || !r.Quick) {
			return Failed
		}
	}
	if eyes || r.Quick || len(r.NotRun)+len(r.Changed) > 0 || len(r.Results) == 0 {
		return Partial
	}
	return Reproduced
}

func (r *Reproduction) counts() report.Counts {
	findings := make([]report.Finding, len(r.Results))
	for i, x := range r.Results {
		findings[i].Verdict = x.Verdict
	}
	return report.Count(findings)
}

func (r *Reproduction) check() error {
	if err := r.Said.check(); err != nil {
		return err
	}
	if r.Conflicts == "" {
		return fmt.Errorf("conflicts: missing: \"none\", if there are none")
	}
	if max(len(r.Results), len(r.NotRun), len(r.Steps), len(r.Changed), len(r.Isolation.Binds)) > maxResults {
		return fmt.Errorf("a list of more than %d entries", maxResults)
	}
	names := map[string]bool{}
	for _, x := range r.Results {
		switch {
		case names[x.Name]:
			return fmt.Errorf("result %.80q stands there twice", x.Name)
		case !slices.Contains(verdicts, x.Verdict):
			return fmt.Errorf("result %.80q: verdict %.80q", x.Name, x.Verdict)
		case x.Looked != "" && x.Looked != LookedSame && x.Looked != LookedDifferent:
			return fmt.Errorf("result %.80q: looked %.80q: want same or different", x.Name, x.Looked)
		case x.Looked != "" && x.Verdict != report.NeedsEyes:
			return fmt.Errorf("result %.80q: looked: its verdict is %s, which no look changes", x.Name, x.Verdict)
		case x.Verdict != report.Missing && x.Digest == "" && x.Verdict.Reproduced():
			return fmt.Errorf("result %.80q: %s without the digest of a file", x.Name, x.Verdict)
		case x.Digest != "" && subject("", x.Digest).sha256() != x.Digest:
			return fmt.Errorf("result %.80q: digest: want sha256: and 64 digits", x.Name)
		}
		names[x.Name] = true
	}
	if subject("", r.Report).sha256() != r.Report || r.Report == "" {
		return fmt.Errorf("report: want sha256: and 64 digits")
	}
	for _, at := range []string{r.Started, r.Finished} {
		if _, err := time.Parse(time.RFC3339, at); err != nil {
			return fmt.Errorf("started, finished: want times")
		}
	}
	for _, line := range r.lines() {
		if len(line) > maxLine || !isLine(line) {
			return fmt.Errorf("%.80q: want a line of at most %d bytes without characters that hide or move others", line, maxLine)
		}
	}
	return r.agrees()
}

// agrees refuses a statement that contradicts itself.
func (r *Reproduction) agrees() error {
	want := r.counts()
	if r.Counts.Results != want.Results || r.Counts.Reproduced != want.Reproduced || !maps.Equal(r.Counts.Verdicts, want.Verdicts) {
		return fmt.Errorf("counts: they are not those of its results")
	}
	if o := r.outcome(); r.Outcome != o {
		return fmt.Errorf("outcome %.80q: by its results and steps it is %s", r.Outcome, o)
	}
	return nil
}

// lines returns all short texts.
func (r *Reproduction) lines() []string {
	all := slices.Concat(r.NotRun, r.Changed, r.Isolation.Binds)
	all = append(all, r.Engine, r.Machine.Arch, r.Machine.CPU, r.Machine.Kernel, r.Machine.Repro,
		r.Isolation.Level, r.Isolation.Layers, r.Isolation.Limits, r.Isolation.GPU)
	for _, x := range r.Results {
		all = append(all, x.Name, x.Output, x.Reason, x.Set)
	}
	for _, s := range r.Steps {
		all = append(all, s.Name, s.Status, s.Signal)
	}
	return all
}

// covers demands that every result and step of the image is spoken of: once, as
// compared or as left out.
func (r *Reproduction) covers(im Image) error {
	said := slices.Clone(r.NotRun)
	for _, x := range r.Results {
		said = append(said, x.Name)
	}
	if what := missing(im.Results, said); what != "" {
		return malformed("it says nothing of result %.80q, or names another", what)
	}
	var steps []string
	for _, s := range r.Steps {
		steps = append(steps, s.Name)
	}
	if what := missing(im.Steps, steps); what != "" {
		return malformed("it says nothing of step %.80q, or names another", what)
	}
	return nil
}

// missing names something that is not in both lists equally often; or "".
func missing(a, b []string) string {
	count := map[string]int{}
	for _, s := range a {
		count[s]++
	}
	for _, s := range b {
		count[s]--
	}
	for _, s := range slices.Sorted(maps.Keys(count)) {
		if count[s] != 0 {
			return s
		}
	}
	return ""
}

// Reproduce returns the statement that says r of the image. Outcome and counts
// follow from the rest. Errors are about r, or wrap [ErrMalformed] if it is not
// about the whole image.
func Reproduce(im Image, r Reproduction) ([]byte, error) {
	r.Counts, r.Outcome = r.counts(), r.outcome()
	if err := r.check(); err != nil {
		return nil, err
	}
	if err := r.covers(im); err != nil {
		return nil, err
	}
	return encode(im, KindReproduction, r)
}
