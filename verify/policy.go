package verify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"repro/attest/statement"
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
	v.trust.Identities = append(slices.Clone(v.trust.Identities), p.Identities()...)
	if p.Root != nil {
		v.trust.Root = p.Root
	}
	if len(p.Time.Authorities) > 0 {
		v.trust.Times.Authorities = p.Time.Authorities
	}
	if p.Time.Least > 0 {
		v.trust.Times.Least = p.Time.Least
	}
}

// personOf returns the person and roles that the policy gives for a signer.
func (v *verification) personOf(s policy.Signer) (id string, roles []string) {
	if v.trust.Policy == nil {
		return "", nil
	}
	if person := v.trust.Policy.Owner(s); person != nil {
		return person.ID, person.Roles
	}
	return "", nil
}

// rolesAt returns the roles in which the signer of m spoke, by the caller's policy.
func (v *verification) rolesAt(m *made) []string {
	if v.trust.Policy == nil {
		return nil
	}
	return v.trust.Policy.RolesOf(m.signer(), m.at, m.proven(v.now))
}

// windows returns the times for which the caller trusts the signer of m; none:
// always.
func (v *verification) windows(m *made) []key.Window {
	if m.identity == (key.Identity{}) {
		return v.trust.Windows[m.by.Fingerprint()]
	}
	if p := v.trust.Policy; p != nil {
		return p.Windows(m.signer())
	}
	return v.trust.IdentityWindows[m.identity]
}

// refused says what the caller has against a good signature: cryptography that
// his policy does not allow, or a time for which he does not trust the key.
func (v *verification) refused(m *made) (status, problem string) {
	if p := v.trust.Policy; p != nil {
		if why := p.Weak(m.with); why != "" {
			return report.SignatureWeak, why
		}
	}
	windows := v.windows(m)
	if len(windows) == 0 {
		return v.untimed(m)
	}
	var trusted []string
	for _, w := range windows {
		if w.Contains(m.at) {
			if m.noLongerValid == "" && !w.Until.IsZero() && !m.proven(v.now).Before(w.Until) {
				m.noLongerValid = "it was trusted before " + stamp(w.Until)
			}
			return v.untimed(m)
		}
		trusted = append(trusted, w.String())
	}
	return report.SignatureExpired, fmt.Sprintf("dated %s, but the key is trusted %s", stamp(m.at), strings.Join(trusted, "; "))
}

// untimed refuses what nobody but the signer dates, where the policy asks for
// more. SPEC.md, POL-15.
func (v *verification) untimed(m *made) (status, problem string) {
	if p := v.trust.Policy; p != nil && p.Time.Required && m.anchored.IsZero() {
		return report.SignatureUnanchored, "without trusted time, which the policy asks for: no authority that counts says when this was made"
	}
	return "", ""
}

// checkPolicy puts the policy's rules into the report. It says in one line which
// rules are not met; "" if there is no policy, or all are.
func (v *verification) checkPolicy() string {
	p := v.trust.Policy
	if p == nil {
		return ""
	}
	st := &report.PolicyStatus{Name: p.Name, Serial: p.Serial, Digest: p.Digest, Rules: p.Decide(v.evidence(), v.work(), v.now)}
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

// evidence lists what persons have done: who signed everything, and who
// attested what. Of several reproductions of one person only the latest counts,
// and among those of one time the worst.
func (v *verification) evidence() (all []policy.Evidence) {
	for i, f := range v.findings {
		if f.covers != nil && v.uncovered(f.signer) == "" {
			st := v.report.Signatures[i]
			all = append(all, policy.Evidence{Person: st.Person, Roles: st.Roles, What: policy.Signed})
		}
	}
	latest := map[string]*statement.Reproduction{}
	for i, a := range v.attested {
		person := v.report.Attestations[i].Person
		if r := a.reproduction(); r != nil {
			if old := latest[person]; old == nil || old.Made < r.Made || old.Made == r.Made && worse(r, old) {
				latest[person] = r
			}
		}
	}
	for i, a := range v.attested {
		if !a.counts {
			continue
		}
		st := v.report.Attestations[i]
		e := policy.Evidence{Person: st.Person, Roles: st.Roles, Type: a.Statement.PredicateType}
		if said := a.Statement.Said(); said != nil {
			e.At, e.By, e.ByRole = v.earliest(a, said.When()), said.By, said.Role
		}
		switch r := a.reproduction(); {
		case a.Statement.Test != nil && a.Statement.Test.Result != "PASSED":
			continue
		case a.Statement.Opinion != nil && a.Statement.Opinion.Of != "":
			continue // it speaks of another statement, not of the image
		case r == nil:
			e.What = opinions[a.Statement.Kind]
		case latest[e.Person] == r && r.BySight() == statement.Reproduced:
			e.What, e.BySight = policy.Reproduced, r.Outcome != statement.Reproduced
		case latest[e.Person] != r:
			continue
		}
		all = append(all, e)
	}
	return all
}

// worse reports whether a says less of a work than b.
func worse(a, b *statement.Reproduction) bool {
	rank := func(r *statement.Reproduction) int {
		switch {
		case r.Outcome == statement.Reproduced:
			return 2
		case r.BySight() == statement.Reproduced:
			return 1
		}
		return 0
	}
	return rank(a) < rank(b)
}

// earliest returns when a statement was made that says that it was made at when:
// not after authorities saw its signature, nor after the time that states.
func (v *verification) earliest(a attested, when time.Time) time.Time {
	if a.By.Kind() == key.OpenPGP && a.At.Before(when) {
		when = a.At
	}
	if !a.seen.Time.IsZero() && a.seen.Time.Before(when) {
		when = a.seen.Time
	}
	if seen, _ := v.anchored(a.Value, a.stamps...); !seen.IsZero() && seen.Before(when) {
		when = seen
	}
	return when
}

// reproduction returns what a says of a run, if it counts.
func (a attested) reproduction() *statement.Reproduction {
	if !a.counts {
		return nil
	}
	return a.Statement.Reproduction
}

var opinions = map[statement.Kind]policy.What{statement.KindReview: policy.Reviewed, statement.KindEndorsement: policy.Endorsed}

// work is what the policy has to know of the image.
func (v *verification) work() (w policy.Work) {
	if m, err := v.im.Manifest(); err == nil && v.native {
		w.Authors = m.Paper.Authors
	}
	w.Withdrawn = v.takenBack()
	return w
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
