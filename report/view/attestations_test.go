package view

import (
	"bytes"
	"strings"
	"testing"

	"repro/format/manifest"
	"repro/report"
)

func attestedReport(a ...report.Attestation) *report.Verify {
	return &report.Verify{Image: "paper.sif", Verdict: report.ImageSigned, Reason: "r", Attestations: a,
		Policy: &report.PolicyStatus{Name: "J", Rules: []report.RuleStatus{{Rule: "reproduced by 1", Met: true, Found: "bob"}, {Rule: "reviewed by 1", Found: "nobody"}}}}
}

// TestAttestationsTell holds what a person reads of each kind, in text and HTML.
func TestAttestationsTell(t *testing.T) {
	for name, c := range map[string]struct {
		a    report.Attestation
		want []string
	}{
		"reproduced": {report.Attestation{Status: report.SignatureValid, Kind: "reproduction", Outcome: "reproduced", Results: 3, Reproduced: 3, Signer: "Bob", Role: "reviewer", Trusted: true, Made: "2026-03-01T12:00:00Z", Conflicts: "none", Words: "Ran\nat once.", Digest: "sha256:ab"},
			[]string{"reproduced: 3 of 3 results came out", "Bob (says: reviewer)", "dated 2026-03-01T12:00:00Z by its signer", "conflicts of interest: none", "statement sha256:ab"}},
		"failed": {report.Attestation{Status: report.SignatureValid, Kind: "reproduction", Outcome: "failed", Results: 3, Reproduced: 1, Differing: []string{"a: differs", "b: missing"}, NotRun: []string{"c"}, Conditions: []string{"net"}, Roles: []string{"reviewer", "editor"}, Signer: "Bob"},
			[]string{"failed: 1 of 3 results came out", "not reproduced: a: differs; b: missing", "says nothing of: c", "otherwise than the image says: net", "Bob (reviewer, editor)"}},
		"review":   {report.Attestation{Status: report.SignatureUnanchored, Kind: "review", By: &manifest.Author{Name: "Eve"}, AnchoredAt: "2026-04-01T00:00:00Z", AnchoredBy: []string{"DFN"}}, []string{"review", "Eve (by their own word)", "there by 2026-04-01T00:00:00Z, says DFN"}},
		"test":     {report.Attestation{Status: report.SignatureValid, Kind: "test-result", Outcome: "passed"}, []string{"test-result: passed"}},
		"unknown":  {report.Attestation{Status: report.SignatureUnknown, Type: "https://example.org/x"}, []string{"unknown kind https://example.org/x"}},
		"former":   {report.Attestation{Status: report.AttestationElsewhere, Kind: "review", ContentID: "sha256:cd", Problem: "p"}, []string{"about sha256:cd, perhaps a former edition"}},
		"withdraw": {report.Attestation{Status: report.SignatureValid, Kind: "withdrawal", Of: "sha256:ef"}, []string{"about statement sha256:ef"}},
	} {
		var text, html bytes.Buffer
		if err := Verify(&text, attestedReport(c.a), Style{}); err != nil {
			t.Fatal(err)
		}
		if err := VerifyHTML(&html, attestedReport(c.a)); err != nil {
			t.Fatal(err)
		}
		for _, want := range append(c.want, c.a.Status) {
			if !strings.Contains(text.String(), want) {
				t.Errorf("%s: no %q in\n%s", name, want, &text)
			}
			if !strings.Contains(html.String(), want) {
				t.Errorf("%s: no %q in the page", name, want)
			}
		}
	}
}

func TestVerifyPage(t *testing.T) {
	r := attestedReport()
	r.Signatures = []report.SignatureStatus{{Signer: "Alice", Status: report.SignatureInvalid, Problem: "why", Fingerprint: "AB"}}
	r.Objects = []report.ObjectStatus{{ID: 7, Name: "code", Problem: "flipped"}}
	r.Problems = []string{"a problem"}
	var out bytes.Buffer
	if err := VerifyHTML(&out, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<h1>Signed</h1>", "Alice", "invalid: why", "altered: flipped", "a problem", `<td class="good-text">yes</td><td>bob</td>`, `<td class="bad-text">no</td><td>nobody</td>`, "script-src", "default-src &#39;none&#39;"} {
		if want == "script-src" {
			if strings.Contains(out.String(), want) || strings.Contains(out.String(), "<script") {
				t.Error("the page runs something")
			}
			continue
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "What others say") {
		t.Error("others are said to say something")
	}
}

// TestAttestationsHoldHostileText: every text may come from anybody.
func TestAttestationsHoldHostileText(t *testing.T) {
	a := report.Attestation{Status: hostileText, Kind: hostileText, Type: hostileText, Outcome: hostileText, Fingerprint: hostileText, Signer: hostileText,
		Roles: []string{hostileText}, Made: hostileText, Role: hostileText, NotRun: []string{hostileText}, Differing: []string{hostileText}, Conditions: []string{hostileText},
		Conflicts: hostileText, Words: hostileText + strings.Repeat("w ", 400), Of: manifest.Digest(hostileText), Problem: hostileText, Digest: manifest.Digest(hostileText), Trusted: true,
		AnchoredAt: hostileText, AnchoredBy: []string{hostileText}}
	var text, html bytes.Buffer
	if err := Verify(&text, attestedReport(a), Style{}); err != nil {
		t.Fatal(err)
	}
	if err := VerifyHTML(&html, attestedReport(a)); err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{text.String(), html.String()} {
		for _, bad := range []string{"\x1b", "\u202e"} {
			if strings.Contains(out, bad) {
				t.Errorf("%q comes through", bad)
			}
		}
	}
	if strings.Contains(html.String(), "<img src=x") {
		t.Error("markup comes through")
	}
	if strings.Count(text.String(), "w ") > maxWords {
		t.Error("long words are not cut")
	}
}
