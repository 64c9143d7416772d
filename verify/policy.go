package verify

import (
	"fmt"
	"slices"
	"strings"

	"repro/key"
	"repro/report"
	"repro/verify/policy"
)

// trustPolicy replaces the trusted keys' names and windows by those of p, and
// adds its keys.
func (v *verification) trustPolicy(p *policy.Policy) {
	if p == nil {
		return
	}
	v.trust.Keys = slices.Clone(v.trust.Keys)
	v.trust.Names, v.trust.Windows = nil, nil // only what the policy says counts
	for _, person := range p.People {
		for _, k := range person.Keys {
			if k.Public == nil {
				continue
			}
			name := person.ID
			if person.Name != "" {
				name = person.Name + " <" + person.ID + ">"
			}
			v.trust.Add(k.Public, name, k.Window)
		}
	}
}

// namePerson adds the person and roles that the policy gives for key p.
func (v *verification) namePerson(st *report.SignatureStatus, p *key.Public) {
	if v.trust.Policy == nil {
		return
	}
	if person := v.trust.Policy.Owner(p.Fingerprint()); person != nil {
		st.Person, st.Roles = person.ID, person.Roles
	}
}

// refused says what the caller has against a good signature: cryptography that
// his policy does not allow, or a time for which he does not trust the key.
func (v *verification) refused(m *made) (status, problem string) {
	if p := v.trust.Policy; p != nil {
		if why := p.Weak(m.with); why != "" {
			return report.SignatureWeak, why
		}
	}
	windows := v.trust.Windows[m.by.Fingerprint()]
	if len(windows) == 0 {
		return "", ""
	}
	var trusted []string
	for _, w := range windows {
		if w.Contains(m.at) {
			if m.noLongerValid == "" && !w.Until.IsZero() && !m.proven(v.now).Before(w.Until) {
				m.noLongerValid = "it was trusted before " + stamp(w.Until)
			}
			return "", ""
		}
		trusted = append(trusted, w.String())
	}
	return report.SignatureExpired, fmt.Sprintf("dated %s, but the key is trusted %s", stamp(m.at), strings.Join(trusted, "; "))
}

// checkPolicy puts the policy's rules into the report. It says in one line which
// rules are not met; "" if there is no policy, or all are.
func (v *verification) checkPolicy() string {
	p := v.trust.Policy
	if p == nil {
		return ""
	}
	var signed []string
	for i, f := range v.findings {
		if f.covers != nil && v.uncovered(f.signer) == "" {
			signed = append(signed, v.report.Signatures[i].Person)
		}
	}
	st := &report.PolicyStatus{Name: p.Name, Serial: p.Serial, Digest: p.Digest, Rules: p.Decide(signed, v.now)}
	v.report.Policy = st
	var unmet []string
	for _, r := range st.Rules {
		if !r.Met {
			unmet = append(unmet, r.Rule+" (found: "+r.Found+")")
		}
	}
	if len(unmet) == 0 {
		return ""
	}
	return fmt.Sprintf("the policy %q asks: %s", p.Name, strings.Join(unmet, "; "))
}

// unprovenTime says that no signature that counts was made by a key that is
// still valid, so that only the signers say when they signed; or "".
func (v *verification) unprovenTime() string {
	for i, f := range v.findings {
		if f.covers != nil && v.report.Signatures[i].Status == report.SignatureValid {
			return ""
		}
	}
	return "; the key is no longer valid, and only the signer says that this was made before"
}
