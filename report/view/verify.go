package view

import (
	"fmt"
	"io"
	"strings"

	"repro/report"
)

// Verify writes who vouches for what in an image: the verdict, the rules of
// the policy if there is one, the signatures, numbered, and for each object
// the numbers of those that cover it.
func Verify(w io.Writer, r *report.Verify, s Style) error {
	p := &printer{w: w, style: s}
	t := bad
	if r.Verdict == report.ImageSigned {
		t = good
	}
	head := Clean(report.Headline(r.Verdict, r.Reason))
	verdict, reason, _ := strings.Cut(head, ": ")
	if reason != "" {
		reason = ": " + reason
	}
	p.line("%s: %s%s", Clean(r.Image), s.paint(t, verdict), reason)
	if r.ContentID != "" {
		p.line("  content id  %s", Clean(string(r.ContentID)))
	}
	p.policy(r.Policy)
	p.signatures(r.Signatures)
	p.times(r.Times)
	p.attestations(r.Attestations)
	p.objects(r)
	for _, problem := range r.Problems {
		if !told(r, problem) {
			p.line("  %s", s.paint(bad, "problem: "+Clean(problem)))
		}
	}
	return p.err
}

// told reports whether a problem was shown already: as the reason, or in the
// line of its object.
func told(r *report.Verify, problem string) bool {
	for _, o := range r.Objects {
		if o.Problem == problem {
			return true
		}
	}
	return strings.Contains(r.Reason, problem)
}

func (p *printer) policy(st *report.PolicyStatus) {
	if st == nil {
		return
	}
	name := Clean(st.Name)
	if st.Serial > 0 {
		name += fmt.Sprintf(", edition %d", st.Serial)
	}
	p.line("policy %s", name)
	c := columns{indent: "  "}
	for _, r := range st.Rules {
		met := cell{text: "met", tone: good}
		if !r.Met {
			met = cell{text: "not met", tone: bad}
		}
		c.add(met, cell{text: Clean(r.Rule)}, cell{text: Clean(r.Found)})
	}
	c.write(p)
}

func (p *printer) signatures(signatures []report.SignatureStatus) {
	if len(signatures) == 0 {
		return
	}
	p.line("signatures")
	c := columns{indent: "  "}
	for i, s := range signatures {
		t := signatureTone(s)
		who := s.Signer
		if len(s.Roles) > 0 {
			who += " (" + strings.Join(s.Roles, ", ") + ")"
		}
		dated := ""
		if s.Time != "" {
			dated = "dated " + s.Time
		}
		if s.AnchoredAt != "" {
			dated = "there at " + s.AnchoredAt + " by " + strings.Join(s.AnchoredBy, " and ")
		}
		c.add(cell{text: number(i)}, cell{text: Clean(s.Status), tone: t}, cell{text: Clean(who)},
			cell{text: Clean(strings.TrimSpace(s.Kind + " " + s.Fingerprint))}, cell{text: Clean(dated)}, cell{text: Clean(s.Problem), tone: t})
	}
	c.write(p)
}

// times writes what authorities said about when.
func (p *printer) times(times []report.TimeStatus) {
	if len(times) == 0 {
		return
	}
	p.line("times")
	c := columns{indent: "  "}
	for _, st := range times {
		t := warn
		switch st.Status {
		case report.TimeCounts:
			t = good
		case report.TimeUnknown:
		default:
			t = bad
		}
		c.add(cell{text: Clean(st.Status), tone: t}, cell{text: st.Time}, cell{text: Clean(st.Authority)}, cell{text: Clean(st.Problem), tone: warn})
	}
	c.write(p)
}

func signatureTone(s report.SignatureStatus) tone {
	switch s.Status {
	case report.SignatureValid:
		return good
	case report.SignatureUnanchored, report.SignatureUnknown:
		return warn
	}
	return bad
}

// number is how the text refers to the i-th signature, from 0.
func number(i int) string { return fmt.Sprintf("[%d]", i+1) }

func (p *printer) objects(r *report.Verify) {
	if len(r.Objects) == 0 {
		return
	}
	p.line("objects")
	c := columns{indent: "  "}
	for _, o := range r.Objects {
		state := cell{text: "intact", tone: good}
		problem := Clean(strings.TrimPrefix(o.Problem, fmt.Sprintf("object %q: ", o.Name)))
		switch {
		case !o.Intact && !r.Canonical && strings.HasPrefix(problem, "not checked"):
			state, problem = cell{text: "not checked", tone: warn}, ""
		case o.Unbound:
			state, problem = cell{text: "unsigned", tone: warn}, ""
		case !o.Intact:
			state = cell{text: "altered", tone: bad}
		}
		c.add(cell{text: fmt.Sprint(o.ID), right: true}, cell{text: Clean(o.Name)}, cell{text: bytesOf(o.Size), right: true},
			state, cell{text: seen(o)}, cell{text: coveredBy(o, r.Signatures)}, cell{text: problem, tone: bad})
	}
	c.write(p)
}

func seen(o report.ObjectStatus) string {
	if o.Mounted == "" {
		return ""
	}
	return "at " + Clean(o.Mounted)
}

// coveredBy gives the numbers of the signatures that cover an object.
func coveredBy(o report.ObjectStatus, signatures []report.SignatureStatus) string {
	var numbers []string
	for i, s := range signatures {
		counts := s.Status == report.SignatureValid || s.Status == report.SignatureUnanchored
		for _, fingerprint := range o.Signers {
			if counts && s.Fingerprint == fingerprint {
				numbers = append(numbers, number(i))
			}
		}
	}
	return strings.Join(numbers, "")
}

// vouched names those whose signature covers an object.
func vouched(o report.ObjectStatus, signatures []report.SignatureStatus) string {
	var names []string
	for _, fingerprint := range o.Signers {
		name := fingerprint
		for _, s := range signatures {
			if s.Fingerprint == fingerprint && s.Signer != "" {
				name = s.Signer
			}
		}
		names = append(names, Clean(name))
	}
	if names == nil {
		return ""
	}
	return "signed by " + strings.Join(names, ", ")
}
