package view

import (
	"fmt"
	"strings"

	"repro/report"
)

// maxWords bounds what is shown on a terminal of somebody's words, in
// characters.
const maxWords = 300

// attestations writes what others say of an image.
func (p *printer) attestations(all []report.Attestation) {
	if len(all) == 0 {
		return
	}
	p.line("attestations")
	c := columns{indent: "  "}
	var more [][]string
	for _, a := range all {
		t := attestationTone(a)
		c.add(cell{text: Clean(a.Status), tone: t}, cell{text: attested(a), tone: outcomeTone(a)}, cell{text: attester(a)},
			cell{text: Clean(a.Fingerprint)}, cell{text: when(a)}, cell{text: Clean(a.Problem), tone: t})
		more = append(more, attestationNotes(a))
	}
	for i := range c.rows {
		c.writeRow(p, i)
		for _, note := range more[i] {
			p.line("      %s", note)
		}
	}
}

func attestationTone(a report.Attestation) tone {
	switch a.Status {
	case report.SignatureValid:
		return good
	case report.SignatureUnanchored, report.SignatureUnknown, report.AttestationElsewhere, report.AttestationWithdrawn:
		return warn
	}
	return bad
}

// outcomeTone is that of what is said, if anybody is to rely on it.
func outcomeTone(a report.Attestation) tone {
	switch {
	case !a.Trusted:
		return warn
	case a.Outcome == "failed" || a.Kind == "correction" || a.Kind == "withdrawal":
		return bad
	case a.Outcome == "partial" || a.Outcome == "warned":
		return warn
	}
	return good
}

// attested says in some words what an attestation says.
func attested(a report.Attestation) string {
	switch {
	case a.Kind == "":
		return Clean(strings.TrimSpace("unknown kind " + a.Type))
	case a.Outcome == "":
		return Clean(a.Kind)
	case a.Kind != "reproduction":
		return Clean(a.Kind + ": " + a.Outcome)
	}
	return fmt.Sprintf("%s: %d of %d results came out", Clean(a.Outcome), a.Reproduced, a.Results)
}

// attester names who says it; his role is his own word unless a policy gives it.
func attester(a report.Attestation) string {
	who := a.Signer
	if who == "" && a.By != nil {
		who = a.By.Name + " (by their own word)"
	}
	switch {
	case len(a.Roles) > 0:
		who += " (" + strings.Join(a.Roles, ", ") + ")"
	case a.Role != "":
		who += " (says: " + a.Role + ")"
	}
	return Clean(strings.TrimSpace(who))
}

func when(a report.Attestation) string {
	if a.AnchoredAt != "" {
		return Clean("there by " + a.AnchoredAt + ", says " + strings.Join(a.AnchoredBy, ", "))
	}
	if a.Made == "" {
		return ""
	}
	return "dated " + Clean(a.Made) + " by its signer"
}

// attestationNotes are the lines below an attestation.
func attestationNotes(a report.Attestation) (notes []string) {
	add := func(format, text string) {
		if text != "" {
			notes = append(notes, fmt.Sprintf(format, Clean(text)))
		}
	}
	if a.Status == report.AttestationElsewhere {
		add("about %s, perhaps a former edition", string(a.ContentID))
	}
	add("not reproduced: %s", strings.Join(a.Differing, "; "))
	add("needs eyes; the signer looked, and it is the same: %s", strings.Join(a.Looked, ", "))
	add("says nothing of: %s", strings.Join(a.NotRun, ", "))
	add("otherwise than the image says: %s", strings.Join(a.Conditions, "; "))
	add("conflicts of interest: %s", a.Conflicts)
	add("about statement %s", string(a.Of))
	if words := []rune(strings.Join(strings.Fields(a.Words), " ")); len(words) > maxWords {
		add("“%s…”", string(words[:maxWords]))
	} else {
		add("“%s”", string(words))
	}
	if a.Trusted {
		add("statement %s", string(a.Digest))
	}
	return notes
}

// attestation is what the HTML shows of one.
type attestation struct {
	Tone, Status, What, Who, When, Key, Problem string

	Notes []string
	Words string
}

func attestationRows(v *report.Verify) (rows []attestation) {
	if v == nil {
		return nil
	}
	for _, a := range v.Attestations {
		words := a.Words
		a.Words = ""
		rows = append(rows, attestation{
			Tone: className(attestationTone(a)), Status: Clean(a.Status), What: attested(a), Who: orUnknown(attester(a)), When: when(a),
			Key: Clean(a.Fingerprint), Problem: Clean(a.Problem), Notes: attestationNotes(a), Words: cleanLines(words),
		})
	}
	return rows
}
