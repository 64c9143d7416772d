package statement

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"repro/format/manifest"
	"repro/report"
)

func digest(s string) manifest.Digest { return manifest.DigestOf([]byte(s)) }

func image() Image {
	return Image{
		ContentID: digest("content"), Manifest: digest("manifest"),
		Objects: []manifest.Object{{Name: "environment", Digest: digest("environment")}, {Name: "code", Digest: digest("code")}},
		Results: []string{"sum", "mean"}, Steps: []string{"all"},
	}
}

func said() Said { return Said{Role: "reviewer", Conflicts: "none", Made: "2026-03-01T12:00:00Z"} }

func whole() Reproduction {
	return Reproduction{
		Said: said(),
		Results: []Result{
			{Name: "sum", Output: "/o/sum", Digest: digest("1"), Verdict: report.Identical, Reason: "the same bytes"},
			{Name: "mean", Output: "/o/mean", Digest: digest("2"), Verdict: report.WithinTolerance, Reason: "by 1e-9"},
		},
		Steps:   []Step{{Name: "all", Status: report.StepDone}},
		Started: "2026-03-01T11:00:00Z", Finished: "2026-03-01T11:00:01Z", Engine: "local",
		Machine: report.Machine{Arch: "amd64", CPUs: 1}, Isolation: Isolation{Level: "namespaces", Layers: "fuse"}, Report: digest("report"),
	}
}

func TestReproduce(t *testing.T) {
	b, err := Reproduce(image(), whole())
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	want := whole()
	want.Outcome, want.Counts = Reproduced, report.Counts{Results: 2, Reproduced: 2, Verdicts: map[report.Verdict]int{report.Identical: 1, report.WithinTolerance: 1}}
	if s.Kind != KindReproduction || s.ContentID != image().ContentID || !reflect.DeepEqual(*s.Reproduction, want) || s.Said().Role != "reviewer" {
		t.Errorf("%+v", s)
	}
	if err := s.About(image()); err != nil {
		t.Error(err)
	}
	const head = `{"_type":"https://in-toto.io/Statement/v1","predicate":{`
	if !strings.HasPrefix(string(b), head) || strings.Contains(string(b), "\n") {
		t.Errorf("%s", b)
	}
}

// TestOutcome holds that nothing but a whole run as the image has it is called
// reproduced.
func TestOutcome(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Reproduction)
		want   Outcome
	}{
		"whole":            {func(*Reproduction) {}, Reproduced},
		"within spread":    {func(r *Reproduction) { r.Results[0].Verdict = report.WithinSpread }, Reproduced},
		"differs":          {func(r *Reproduction) { r.Results[1].Verdict = report.Differs }, Failed},
		"missing":          {func(r *Reproduction) { r.Results[1].Verdict, r.Results[1].Digest = report.Missing, "" }, Failed},
		"eyes":             {func(r *Reproduction) { r.Results[0].Verdict = report.NeedsEyes }, Partial},
		"eyes and differs": {func(r *Reproduction) { r.Results[0].Verdict, r.Results[1].Verdict = report.NeedsEyes, report.Differs }, Failed},
		"step failed":      {func(r *Reproduction) { r.Steps[0].Status = report.StepFailed }, Failed},
		"step skipped":     {func(r *Reproduction) { r.Steps[0].Status = report.StepSkipped }, Failed},
		"quick":            {func(r *Reproduction) { r.Quick = true }, Partial},
		"quick, skipped":   {func(r *Reproduction) { r.Quick = true; r.Steps[0].Status = report.StepSkipped }, Partial},
		"quick, killed":    {func(r *Reproduction) { r.Quick = true; r.Steps[0].Status = report.StepKilled }, Failed},
		"changed":          {func(r *Reproduction) { r.Changed = []string{"x"} }, Partial},
		"left out":         {func(r *Reproduction) { r.NotRun, r.Results = []string{"mean"}, r.Results[:1] }, Partial},
		"nothing":          {func(r *Reproduction) { r.NotRun, r.Results = []string{"sum", "mean"}, []Result{} }, Partial},
	} {
		r := whole()
		c.change(&r)
		b, err := Reproduce(image(), r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		s, err := Parse(b)
		if err != nil || s.Reproduction.Outcome != c.want {
			t.Errorf("%s: %v, %+v, want %s", name, err, s, c.want)
		}
		test, err := Test(image(), r)
		if err != nil {
			t.Fatal(err)
		}
		want := map[Outcome]string{Reproduced: "PASSED", Partial: "WARNED", Failed: "FAILED"}[c.want]
		if s, err := Parse(test); err != nil || s.Test.Result != want || s.About(image()) != nil {
			t.Errorf("%s: test-result %+v, %v", name, s, err)
		}
		passed, err := Passed(image(), r)
		if err != nil || (passed != nil) != (c.want == Reproduced) {
			t.Errorf("%s: simple verification result %s, %v", name, passed, err)
		}
	}
}

// TestLooked: what the signer saw stands beside the verdict, makes nothing
// reproduced, and a difference that he saw makes it failed.
func TestLooked(t *testing.T) {
	for name, c := range map[string]struct {
		change        func(*Reproduction)
		want, bySight Outcome
		test          string
	}{
		"same":             {func(r *Reproduction) { r.Results[0].Looked = LookedSame }, Partial, Reproduced, "WARNED"},
		"different":        {func(r *Reproduction) { r.Results[0].Looked = LookedDifferent }, Failed, Failed, "FAILED"},
		"nobody looked":    {func(r *Reproduction) {}, Partial, Partial, "WARNED"},
		"one of two":       {func(r *Reproduction) { r.Results[0].Looked, r.Results[1].Verdict = LookedSame, report.NeedsEyes }, Partial, Partial, "WARNED"},
		"same and quick":   {func(r *Reproduction) { r.Results[0].Looked, r.Quick = LookedSame, true }, Partial, Partial, "WARNED"},
		"same and differs": {func(r *Reproduction) { r.Results[0].Looked, r.Results[1].Verdict = LookedSame, report.Differs }, Failed, Failed, "FAILED"},
	} {
		r := whole()
		r.Results[0].Verdict = report.NeedsEyes
		c.change(&r)
		b, err := Reproduce(image(), r)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Parse(b)
		if err != nil || s.Reproduction.Outcome != c.want || s.Reproduction.BySight() != c.bySight || s.Reproduction.Results[0].Looked != r.Results[0].Looked {
			t.Errorf("%s: %+v, %v", name, s.Reproduction, err)
		}
		b, _ = Test(image(), r)
		if s, err := Parse(b); err != nil || s.Test.Result != c.test {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	for want, change := range map[string]func(*Reproduction){
		"its verdict is identical, which no look changes": func(r *Reproduction) { r.Results[0].Verdict, r.Results[0].Looked = report.Identical, LookedSame },
		"its verdict is differs, which no look changes":   func(r *Reproduction) { r.Results[0].Verdict, r.Results[0].Looked = report.Differs, LookedSame },
		"want same or different":                          func(r *Reproduction) { r.Results[0].Verdict, r.Results[0].Looked = report.NeedsEyes, "yes" },
	} {
		r := whole()
		change(&r)
		if _, err := Reproduce(image(), r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestCompanions holds the words of in-toto's predicates.
func TestCompanions(t *testing.T) {
	r := whole()
	b, _ := Passed(image(), r)
	if s := string(b); !strings.Contains(s, `"properties":["REPRO_REPRODUCED"],"timeCreated":"2026-03-01T12:00:00Z","verifier":{"id":"https://repro.dev/attestation/verifier/v1"}`) {
		t.Errorf("%s", s)
	}
	r.Results[1].Verdict = report.Identical
	if b, _ := Passed(image(), r); !strings.Contains(string(b), `["REPRO_REPRODUCED","REPRO_REPRODUCED_BITWISE"]`) {
		t.Errorf("%s", b)
	}
	r.Results[0].Verdict, r.Results[1].Verdict = report.NeedsEyes, report.Differs
	b, _ = Test(image(), r)
	s, err := Parse(b)
	if err != nil || !reflect.DeepEqual(s.Test.Failed, []string{"mean"}) || !reflect.DeepEqual(s.Test.Warned, []string{"sum"}) || s.Test.Passed != nil {
		t.Errorf("%+v, %v", s.Test, err)
	}
}

func TestReproduceRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Reproduction)
		want   string
	}{
		"no conflicts":     {func(r *Reproduction) { r.Conflicts = "" }, `conflicts: missing: "none", if there are none`},
		"role":             {func(r *Reproduction) { r.Role = "" }, `role "": want one word`},
		"time":             {func(r *Reproduction) { r.Made = "2026-03-01T12:00:00+00:00" }, `made "2026-03-01T12:00:00+00:00": want a time in UTC such as 2026-03-01T12:00:00Z`},
		"long words":       {func(r *Reproduction) { r.Words = strings.Repeat("x", maxWords+1) }, "words: want at most 65536 bytes without characters that hide or move others"},
		"hidden conflicts": {func(r *Reproduction) { r.Conflicts = "a\u202e" }, "conflicts: want at most 65536 bytes without characters that hide or move others"},
		"by":               {func(r *Reproduction) { r.By = &manifest.Author{Name: "a\nb"} }, "by: want lines of text of at most 1024 bytes"},
		"twice":            {func(r *Reproduction) { r.Results[1].Name = "sum" }, `result "sum" stands there twice`},
		"verdict":          {func(r *Reproduction) { r.Results[1].Verdict = "ok" }, `result "mean": verdict "ok"`},
		"no digest":        {func(r *Reproduction) { r.Results[1].Digest = "" }, `result "mean": within tolerance without the digest of a file`},
		"digest":           {func(r *Reproduction) { r.Results[1].Digest = "sha256:00" }, `result "mean": digest: want sha256: and 64 digits`},
		"report":           {func(r *Reproduction) { r.Report = "" }, `report: want sha256: and 64 digits`},
		"started":          {func(r *Reproduction) { r.Started = "today" }, `started, finished: want times`},
		"line":             {func(r *Reproduction) { r.Engine = "a\x1bb" }, `"a\x1bb": want a line of at most 1024 bytes without characters that hide or move others`},
		"long line":        {func(r *Reproduction) { r.Results[0].Reason = strings.Repeat("x", 1025) }, `"` + strings.Repeat("x", 80) + `": want a line of at most 1024 bytes without characters that hide or move others`},
		"results":          {func(r *Reproduction) { r.Results = r.Results[:1] }, `malformed statement: it says nothing of result "mean", or names another`},
		"results and left": {func(r *Reproduction) { r.NotRun = []string{"sum"} }, `malformed statement: it says nothing of result "sum", or names another`},
		"steps":            {func(r *Reproduction) { r.Steps[0].Name = "other" }, `malformed statement: it says nothing of step "all", or names another`},
		"many":             {func(r *Reproduction) { r.NotRun = make([]string, maxResults+1) }, `a list of more than 100000 entries`},
	} {
		r := whole()
		c.change(&r)
		if _, err := Reproduce(image(), r); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	r := whole()
	r.Words, r.Results[0].Reason = strings.Repeat("x", maxWords), strings.Repeat("x", maxLine)
	if _, err := Reproduce(image(), r); err != nil {
		t.Errorf("at the limits: %v", err)
	}
}

func TestOpine(t *testing.T) {
	for _, k := range []Kind{KindReview, KindEndorsement, KindCorrection, KindWithdrawal} {
		o := Opinion{Said: said(), Of: digest("x")}
		o.Words = "Line one.\n\nLine two."
		b, err := Opine(image(), k, o)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Parse(b)
		if err != nil || s.Kind != k || !reflect.DeepEqual(*s.Opinion, o) || s.About(image()) != nil {
			t.Errorf("%s: %v, %+v", k, err, s)
		}
		o.Conflicts = ""
		_, err = Opine(image(), k, o)
		if needs := k == KindReview || k == KindEndorsement; (err != nil) != needs {
			t.Errorf("%s without conflicts: %v", k, err)
		}
		o.Conflicts, o.Words = "none", " \n"
		if _, err := Opine(image(), k, o); err == nil || err.Error() != "words: missing" {
			t.Errorf("%s without words: %v", k, err)
		}
		o.Words, o.Of = "x", "sha256:x"
		if _, err := Opine(image(), k, o); err == nil || err.Error() != "of: want sha256: and 64 digits" {
			t.Errorf("%s of nothing: %v", k, err)
		}
	}
	for _, k := range []Kind{KindReproduction, KindTestResult, KindSVR, "", "x"} {
		if _, err := Opine(image(), k, Opinion{Said: said()}); err == nil || !strings.Contains(err.Error(), "want review, endorsement, correction or withdrawal") {
			t.Errorf("%q: %v", k, err)
		}
	}
}

// TestParseLimits holds the bounds that no vector has.
func TestParseLimits(t *testing.T) {
	statement := func(subjects int, depth int) string {
		one := `{"name":"x","digest":{"sha256":"` + strings.Repeat("0", 64) + `"}}`
		return `{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://example.org/x","predicate":{"a":` +
			strings.Repeat("[", depth) + strings.Repeat("]", depth) + `},"subject":[` + strings.TrimSuffix(strings.Repeat(one+",", subjects), ",") + `]}`
	}
	for text, want := range map[string]string{
		statement(1, 1):                                "",
		statement(maxSubjects, 30):                     "",
		statement(maxSubjects+1, 1):                    "malformed statement: 1025 subjects, want 1 to 1024",
		statement(1, 31):                               "malformed statement: nested more than 32 deep",
		statement(1, 1) + strings.Repeat(" ", MaxSize): "malformed statement: 2097",
		statement(1, 1) + "{}":                         "malformed statement: text after the end of the document",
		"":                                             "malformed statement: EOF",
		"[]":                                           "malformed statement: json: cannot unmarshal array",
	} {
		_, err := Parse([]byte(text))
		if want == "" && err != nil || want != "" && (!errors.Is(err, ErrMalformed) || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%.60s: %v, want %s", text, err, want)
		}
	}
}

// TestSchema holds the schema against what is written, and that it refuses what
// a reader does.
func TestSchema(t *testing.T) {
	c := jsonschema.NewCompiler()
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(string(Schema())))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddResource("s", parsed); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("s")
	if err != nil {
		t.Fatal(err)
	}
	full := whole()
	full.By, full.Words, full.Quick, full.Changed = &manifest.Author{Name: "B", ORCID: "0000-0002-1825-0097"}, "w", true, []string{"c"}
	full.Results, full.NotRun = full.Results[:1], []string{"mean"}
	full.Isolation.Binds, full.Isolation.GPU, full.Isolation.Limits, full.Results[0].Set, full.Steps[0].Signal = []string{"/mnt"}, "550", "repro", "a", "KILL"
	for name, r := range map[string]Reproduction{"least": whole(), "full": full} {
		b, err := Reproduce(image(), r)
		if err != nil {
			t.Fatal(err)
		}
		var d struct{ Predicate map[string]any }
		if err := json.Unmarshal(b, &d); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(d.Predicate); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for k := range d.Predicate {
			without := map[string]any{}
			for k2, v := range d.Predicate {
				if k2 != k {
					without[k2] = v
				}
			}
			optional := k == "by" || k == "words" || k == "quick" || k == "changed" || k == "notRun"
			if err := schema.Validate(without); (err == nil) != optional {
				t.Errorf("%s without %s: %v", name, k, err)
			}
		}
		d.Predicate["more"] = 1
		if schema.Validate(d.Predicate) == nil {
			t.Errorf("%s: an unknown member passes", name)
		}
	}
}

// FuzzParse: what is read twice reads alike, and one of our own kinds that is
// about an image is the only way to write it.
func FuzzParse(f *testing.F) {
	for _, r := range []Reproduction{whole(), {}} {
		if b, err := Reproduce(image(), r); err == nil {
			f.Add(b)
		}
	}
	o := Opinion{Said: said()}
	o.Words = "x"
	b, _ := Opine(image(), KindReview, o)
	f.Add(b)
	b, _ = Test(image(), whole())
	f.Add(b)
	f.Add([]byte(`{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"a:b","subject":[{"name":"","digest":{"sha256":"` + strings.Repeat("0", 64) + `"}}],"predicate":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Parse(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if s.Reproduction == nil || s.About(image()) != nil {
			return
		}
		again, err := Reproduce(image(), *s.Reproduction)
		if err != nil || string(again) != string(b) {
			t.Fatalf("%v\n%s\n%s", err, b, again)
		}
	})
}
