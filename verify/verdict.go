package verify

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"repro/format"
	"repro/key"
	"repro/report"
)

// decide gives the verdict and the reason for it.
func (v *verification) decide() error {
	r := v.report
	switch {
	case v.native && !r.Canonical:
		return v.refuse(report.ImageMalformed, format.ErrMalformed, "layout: "+r.Problems[0]+more(len(r.Problems)-1)+v.otherProgram())
	case v.native && !r.Intact:
		return v.refuse(report.ImageAltered, v.altered, r.Problems[0]+more(len(r.Problems)-1))
	}
	v.withdraw()
	by, unmet := v.signers(), v.checkPolicy()
	if len(by) > 0 && unmet == "" {
		return v.accept(by)
	}
	for i, f := range v.findings {
		if st := r.Signatures[i]; f.elsewhere && f.signer != nil {
			return v.refuse(report.ImageAltered, format.ErrAltered,
				fmt.Sprintf("%s signed something else: %s", describe(st), st.Problem))
		}
	}
	if why := v.damagedSignature(); why != "" {
		return v.refuse(report.ImageMalformed, format.ErrMalformed, why)
	}
	if unmet != "" {
		return v.refuse(report.ImageNotSigned, ErrNotSigned, unmet)
	}
	return v.refuse(report.ImageNotSigned, ErrNotSigned, v.explainUnsigned())
}

// damagedSignature says which signature in an image is none any more, or "". It
// matters only where no other will do (VER-5a): anyone can add such an object,
// but nobody who signs makes one.
func (v *verification) damagedSignature() string {
	for i, st := range v.report.Signatures {
		if v.native && v.findings[i].damaged {
			return fmt.Sprintf("object %d is a damaged signature: %s", st.ObjectID, st.Problem)
		}
	}
	return ""
}

// accept gives the verdict on what the given persons signed in full.
func (v *verification) accept(by []string) error {
	who := strings.Join(by, " and ")
	switch {
	case v.native:
		v.report.Reason = who + vouch(len(by)) + " for every byte" + v.onRead() + v.unprovenTime() + v.withdrawnNote()
	case v.options.Foreign || v.trust.Policy != nil && v.trust.Policy.Foreign:
		v.report.Reason = who + vouch(len(by)) + " for all objects; another program's SIF file: what lies between them is not covered" + v.unprovenTime()
	default:
		return v.refuse(report.ImageMalformed, format.ErrMalformed,
			"another program's SIF file, not an image; for its objects "+who+vouch(len(by)))
	}
	v.report.Verdict = report.ImageSigned
	return nil
}

// withdrawnNote says that a signer took the image back; or "".
func (v *verification) withdrawnNote() string {
	if by := v.takenBack(); by != "" {
		return "; WITHDRAWN by " + by
	}
	return ""
}

// onRead says what is still to be checked.
func (v *verification) onRead() string {
	for _, o := range v.report.Objects {
		if o.OnRead {
			return ", and each block of a layer is checked when it is read"
		}
	}
	return ""
}

func vouch(n int) string {
	if n == 1 {
		return " vouches"
	}
	return " vouch"
}

func (v *verification) refuse(verdict string, is error, reason string) error {
	v.report.Verdict, v.report.Reason = verdict, reason
	unmet := v.report.Policy != nil && slices.ContainsFunc(v.report.Policy.Rules, func(r report.RuleStatus) bool { return !r.Met })
	return &Error{Image: v.im.Name(), Verdict: verdict, Reason: reason, Foreign: !v.native, Unmet: unmet, err: is}
}

// Error is why an image does not pass.
type Error struct {
	Image   string
	Verdict string // as in the report
	Reason  string
	Foreign bool // another program made the file
	Unmet   bool // a rule of the policy is not met
	err     error
}

func (e *Error) Error() string {
	return e.Image + ": " + report.Headline(e.Verdict, e.Reason)
}

// Unwrap returns [format.ErrMalformed], [ErrNotSigned], or an error that wraps
// [format.ErrAltered] and perhaps [*format.AlteredError].
func (e *Error) Unwrap() error { return e.err }

// uncovered names an object that p's valid signatures leave out, or "".
func (v *verification) uncovered(p *key.Public) string {
	covered := set{}
	for _, f := range v.findings {
		if p != nil && f.signer != nil && f.signer.Fingerprint() == p.Fingerprint() {
			maps.Copy(covered, f.covers)
		}
	}
	for _, ob := range v.report.Objects {
		if !covered[ob.ID] {
			return fmt.Sprintf("object %d (%q)", ob.ID, ob.Name)
		}
	}
	return ""
}

// signers names those whose valid signatures cover everything.
func (v *verification) signers() (by []string) {
	for i, f := range v.findings {
		if f.covers == nil || v.uncovered(f.signer) != "" {
			continue
		}
		if name := describe(v.report.Signatures[i]); !slices.Contains(by, name) {
			by = append(by, name)
		}
	}
	return by
}

// explainUnsigned says in one line what signatures there are and why none will do.
func (v *verification) explainUnsigned() string {
	r := v.report
	if len(r.Signatures) == 0 && !v.native {
		return "unsigned, and not made by repro"
	}
	if len(r.Signatures) == 0 {
		return "it carries no signature"
	}
	for i, f := range v.findings {
		if f.covers != nil {
			return fmt.Sprintf("%s signed a part of it only: %s is left out", describe(r.Signatures[i]), v.uncovered(f.signer))
		}
	}
	var unnamed, others []string
	for _, st := range r.Signatures {
		name := describe(st)
		switch {
		case st.Status == report.SignatureUnknown && st.Fingerprint != "" && !slices.Contains(unnamed, name):
			unnamed = append(unnamed, name)
		case st.Status == report.SignatureMalformed && st.ObjectID == 0:
			others = append(others, "none in the file that was given as one: "+st.Problem)
		case st.Status != report.SignatureUnknown || st.Fingerprint == "":
			others = append(others, name+" ("+st.Status+")")
		}
	}
	slices.Sort(others)
	others = slices.Compact(others)
	var parts []string
	if len(unnamed) > 0 {
		parts = append(parts, "signed by "+list(unnamed)+", whom you have not named")
	}
	if len(others) > 0 {
		parts = append(parts, "it carries signatures of "+list(others))
	}
	return strings.Join(parts, "; ")
}

// list joins names, and counts those behind the first four.
func list(names []string) string {
	const most = 4
	if n := len(names) - most; n > 0 {
		names = append(slices.Clone(names[:most]), fmt.Sprintf("%d others", n))
	}
	return strings.Join(names, ", ")
}

// describe names the signer of a signature.
func describe(st report.SignatureStatus) string {
	switch {
	case st.Signer != "":
		return st.Signer + " " + st.Fingerprint
	case st.Fingerprint != "":
		return st.Fingerprint
	}
	if st.ObjectID == 0 {
		return "nobody known in a detached signature"
	}
	return fmt.Sprintf("nobody known in object %d", st.ObjectID)
}

// otherProgram says that another program for SIF files may have broken the
// layout, if the header has a modification time: programs set it when they add
// something, such as a signature.
func (v *verification) otherProgram() string {
	if h := v.im.Header(); h.Modified == h.Created {
		return ""
	}
	return "; it looks as if another program for SIF files had written to it"
}

func more(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" (and %d more)", n)
}

// fingerprintOf returns a key id from an envelope as far as it is a
// fingerprint: anyone can write anything there.
func fingerprintOf(keyID string) string {
	if f, err := key.ParseFingerprint(keyID); err == nil {
		return string(f)
	}
	return fmt.Sprintf("%.80q", keyID)
}

// name returns what to call the owner of p.
func (t Trust) name(p *key.Public) string {
	if name := t.Names[p.Fingerprint()]; name != "" {
		return name
	}
	return p.UserID()
}

func (v *verification) failure(is error, what string) error {
	return fmt.Errorf("%s: %s: %w", v.im.Name(), what, is)
}

func workers(n int) int {
	if n > 0 {
		return n
	}
	return runtime.GOMAXPROCS(0)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
