package view

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"repro/report"
)

//go:embed verify.tmpl
var verifyTemplate string

// verifyPage is what the template shows. All text in it is clean.
type verifyPage struct {
	Policy       string
	CSS          template.CSS
	Image        string
	Verdict      string
	Tone         string
	Reason       string
	ContentID    string
	Rules        []ruleRow
	Signatures   []signatureRow
	Attestations []attestation
	Objects      []object
	Problems     []string
	Footer       string
}

type ruleRow struct{ Name, Met, Tone, Found string }

type signatureRow struct{ Who, Status, Tone, Key, When, Problem string }

// VerifyHTML writes what [Verify] says as one file that needs nothing else.
func VerifyHTML(w io.Writer, r *report.Verify) error {
	t, err := template.Must(rep().Clone()).New("verify").Parse(verifyTemplate)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	p := verifyPage{
		Policy: policy, CSS: template.CSS(reportCSS), Image: Clean(r.Image), Verdict: sentence(Clean(r.Verdict)), Tone: "bad",
		Reason: Clean(r.Reason), ContentID: Clean(string(r.ContentID)), Attestations: attestationRows(r), Objects: objectRows(r),
		Footer: "Written by repro. This file is complete in itself: it loads nothing and runs no script.",
	}
	if r.Verdict == report.ImageSigned {
		p.Tone = "good"
	}
	if r.Policy != nil {
		for _, rule := range r.Policy.Rules {
			row := ruleRow{Clean(rule.Rule), "yes", "good", Clean(rule.Found)}
			if !rule.Met {
				row.Met, row.Tone = "no", "bad"
			}
			p.Rules = append(p.Rules, row)
		}
	}
	for _, s := range r.Signatures {
		p.Signatures = append(p.Signatures, signatureRow{
			Who: orUnknown(Clean(s.Signer)), Status: Clean(s.Status), Tone: className(signatureTone(s)),
			Key: Clean(s.Fingerprint), When: Clean(s.Time), Problem: Clean(s.Problem),
		})
	}
	for _, problem := range r.Problems {
		p.Problems = append(p.Problems, Clean(problem))
	}
	var out bytes.Buffer
	if err := t.Execute(&out, p); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err = w.Write(out.Bytes())
	return err
}

// objectRows lists the objects of an image with their state and signers.
func objectRows(v *report.Verify) (rows []object) {
	for _, o := range v.Objects {
		row := object{ID: o.ID, Name: Clean(o.Name), Size: bytesOf(o.Size), State: "intact", Tone: "good", Signers: strings.TrimPrefix(vouched(o, v.Signatures), "signed by ")}
		if !o.Intact {
			row.State, row.Tone = strings.TrimSuffix("altered: "+Clean(o.Problem), ": "), "bad"
		}
		rows = append(rows, row)
	}
	return rows
}
