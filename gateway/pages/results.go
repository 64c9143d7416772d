package pages

import (
	"bytes"
	"fmt"
	"html/template"
	"net/url"
	"path"
	"strings"
	"time"

	"repro/format/manifest"
	"repro/gateway/store"
	"repro/report"
)

// verdict is what a page says first.
type verdict struct {
	Tone, Words, More string
	Run               *store.Run // that says so; nil: none has
	Failing           []string   // results that did not come out again
}

// verdictOf says what a run says of a submission.
func verdictOf(r *store.Run) verdict {
	if r == nil {
		return verdict{Tone: "warn", Words: "Not run again here yet"}
	}
	v := verdict{Tone: "bad", Words: sentence(r.Words), Run: r}
	switch r.Outcome {
	case store.OutcomeReproduced:
		v.Tone = "good"
	case store.OutcomeStep:
		v.More = "A step of the experiment failed."
	}
	switch {
	case r.Step != "":
		v.Tone, v.More = soften(v.Tone), join(v.More, fmt.Sprintf("Only the step %s was run, and those that it needs.", r.Step))
	case r.Kind == store.RunQuick:
		v.Tone, v.More = soften(v.Tone), join(v.More, "Only the smaller experiment was run that the authors provide for whoever has minutes.")
	}
	return v
}

// maxFailing is how many results a verdict names.
const maxFailing = 12

// failing names the results that did not come out again, the first of them.
func failing(rows []resultRow) (names []string) {
	for _, r := range rows {
		if len(names) == maxFailing {
			return append(names, "and more")
		}
		if r.Verdict != "" && !r.Verdict.Reproduced() {
			names = append(names, fmt.Sprintf("%s (%s)", r.Result, r.Verdict))
		}
	}
	return names
}

// soften is the tone of what holds for a part of the experiment only.
func soften(tone string) string {
	if tone == "good" {
		return "warn"
	}
	return tone
}

func join(a, b string) string { return strings.TrimSpace(a + " " + b) }

func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// outcome is what pages say of the results and steps of a submission by one of its
// runs. Neither changes any more, so it is rendered once.
type outcome struct {
	Results template.HTML // empty: there are none
	Steps   template.HTML
	Failing []string
}

// outcomeOf renders what the run says of a submission; run and report may be nil.
func (p *Pages) outcomeOf(sub store.Submission, m *manifest.Manifest, r *store.Run, rep *report.Run) (*outcome, error) {
	key := sub.ID
	if r != nil {
		key += " " + r.ID
	}
	return p.outcomes.get(key, func() (*outcome, error) {
		path := pathOf(sub)
		rows := resultRows(path, m, r, rep)
		o := &outcome{Failing: failing(rows)}
		var results, steps bytes.Buffer
		if len(rows) > 0 {
			if err := templates.ExecuteTemplate(&results, "results", rows); err != nil {
				return nil, err
			}
		}
		if err := templates.ExecuteTemplate(&steps, "steps", stepRows(path, m, r, rep)); err != nil {
			return nil, err
		}
		o.Results, o.Steps = template.HTML(results.String()), template.HTML(steps.String()) // of our own templates
		return o, nil
	})
}

// resultRow is one published result, and what became of it.
type resultRow struct {
	report.Finding        // Verdict is empty if no run speaks of it
	Tone           string // of the verdict
	PublishedPath  string // address of the published file
	NewPath        string // of the new one; empty: there is none
	Pictures       []picture
	Discuss        string // address of the discussion about it
}

// picture is a picture of a result.
type picture struct{ Caption, Alt, Address string }

// pictureNames are the ends of names of pictures that browsers show.
const pictureNames = " .png .jpg .jpeg .gif .svg "

// resultRows says of each published result what the run found; run and report
// may be nil.
func resultRows(sub string, m *manifest.Manifest, r *store.Run, rep *report.Run) []resultRow {
	found := map[string]report.Finding{}
	if rep != nil {
		for _, f := range rep.Findings {
			found[f.Result] = f
		}
	}
	rows := make([]resultRow, 0, len(m.Results))
	seen := map[string]bool{}
	for _, res := range m.Results {
		f, ok := found[res.Name]
		if !ok {
			f = report.Finding{Result: res.Name, Claim: res.Claim, Published: res.Published, Output: res.Output}
		}
		seen[res.Name] = true
		rows = append(rows, rowOf(sub, f, r))
	}
	if rep == nil {
		return rows
	}
	for _, f := range rep.Findings { // numbers in the paper's text
		if !seen[f.Result] {
			rows = append(rows, rowOf(sub, f, r))
		}
	}
	return rows
}

func rowOf(sub string, f report.Finding, r *store.Run) resultRow {
	row := resultRow{Finding: f, Tone: toneOf(f.Verdict), Discuss: discussAddress(sub, store.AboutResult, f.Result)}
	if f.Published != "" {
		row.PublishedPath = fileAddress(sub, f.Published, "published")
	}
	if r != nil && f.Verdict != "" && f.Verdict != report.Missing && f.Output != "" {
		row.NewPath = recordAddress(sub, r.ID, path.Join("outputs", f.Output))
	}
	if !strings.Contains(pictureNames, " "+strings.ToLower(path.Ext(f.Published))+" ") {
		return row
	}
	row.Pictures = append(row.Pictures, picture{"Published", "The published picture of " + f.Result, row.PublishedPath + "&picture"})
	if row.NewPath != "" {
		row.Pictures = append(row.Pictures, picture{"New", "The new picture of " + f.Result, row.NewPath + "?picture"})
	}
	return row
}

func toneOf(v report.Verdict) string {
	switch {
	case v == "":
		return ""
	case v.Reproduced():
		return "good"
	case v == report.NeedsEyes:
		return "warn"
	}
	return "bad"
}

// recordAddress is that of a file that a run left.
func recordAddress(sub, run, at string) string {
	u := url.URL{Path: sub + "/runs/" + run + "/record" + path.Join("/", at)}
	return u.String()
}

// stepRow is a step, and what became of it.
type stepRow struct {
	manifest.Step
	Status  *report.StepStatus // nil: it was not run
	Tone    string
	LogPath string
	Discuss string // address of the discussion about it
}

func stepRows(sub string, m *manifest.Manifest, r *store.Run, rep *report.Run) []stepRow {
	rows := make([]stepRow, len(m.Steps))
	for i, s := range m.Steps {
		rows[i] = stepRow{Step: s, Discuss: discussAddress(sub, store.AboutStep, s.Name)}
		if rep == nil {
			continue
		}
		for j := range rep.Steps {
			st := &rep.Steps[j]
			if st.Name != s.Name {
				continue
			}
			rows[i].Status, rows[i].Tone = st, "bad"
			if st.Status == report.StepDone {
				rows[i].Tone = "good"
			}
			if st.Log != "" {
				rows[i].LogPath = recordAddress(sub, r.ID, st.Log)
			}
		}
	}
	return rows
}

// CommandLine is the command of a step in one line.
func (s stepRow) CommandLine() string { return strings.Join(s.Command, " ") }

// sizeWords is a number of bytes for people.
func sizeWords(n int64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	x, i := float64(n), 0
	for x >= 1024 && i < len(units)-1 {
		x, i = x/1024, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.3g %s", x, units[i])
}

// took is how long a run took.
func took(r store.Run) string {
	if r.Started.IsZero() || r.Ended.IsZero() {
		return ""
	}
	return r.Ended.Sub(r.Started).Round(100 * time.Millisecond).String()
}
