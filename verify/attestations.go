package verify

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"repro/attest/statement"
	"repro/format"
	form "repro/format/bundle"
	"repro/format/manifest"
	"repro/format/signature"
	"repro/key"
	"repro/report"
	"repro/verify/attestation"
	"repro/verify/bundle"
	"repro/verify/timestamp"
)

// clockSkew is how far ahead of ours a signer's clock may be.
const clockSkew = 5 * time.Minute

// attested is one of report.Attestations, with what was found on the way.
type attested struct {
	attestation.Signed
	counts   bool         // made by a trusted key, about this image
	identity key.Identity // who made it without a key file; or zero
	seen     bundle.Time  // of one by an identity: when, by whose word
	stamps   []*timestamp.Stamp
}

// checkAttestation reports the bundle in object o (nil: outside the image).
func (v *verification) checkAttestation(o *format.Object, data []byte) {
	st := report.Attestation{}
	parse := form.Parse
	if o != nil {
		st.ObjectID, parse = o.ID, form.ParseExact
	}
	b, err := parse(data)
	if err == nil {
		err = v.checkPlace(o)
	}
	if err != nil {
		v.addAttested(st, attested{}, fmt.Errorf("%w: %w", signature.ErrMalformed, err))
		return
	}
	var a attested
	a.Signed, err = attestation.Judge(b, v.trust.Keys, v.now)
	if b.Certificate != nil && errors.Is(err, signature.ErrUnknown) && v.trust.Root != nil {
		err = v.identify(b, &a)
	}
	a.stamps = v.stampsIn(b, a.Value)
	st.Fingerprint, st.Digest = fingerprintOf(a.Named), a.Digest
	if a.Statement != nil {
		st.Kind, st.Type = string(a.Statement.Kind), a.Statement.PredicateType
	}
	if a.By != nil {
		st.Fingerprint, st.Signer = string(a.By.Fingerprint()), v.trust.name(a.By)
		if a.By.Kind() == key.OpenPGP {
			st.Time = stamp(a.At)
		}
		m := a.made()
		st.Person, st.Roles = v.personOf(m.signer())
	}
	v.addAttested(st, a, err)
}

// made is how the signature came about.
func (a attested) made() made { return made{by: a.By, identity: a.identity, with: a.With, at: a.At} }

// checkPlace checks what the descriptor says of an attestation. Programs for
// SIF files pass over it only if it is linked to nothing.
func (v *verification) checkPlace(o *format.Object) error {
	if o == nil {
		return nil
	}
	switch hash, entity, _ := o.Signature(); {
	case o.Link != 0 || o.LinkIsGroup:
		return errors.New("its object is linked")
	case hash != format.HashSHA256 || entity != [20]byte{}:
		return errors.New("its descriptor says more than that it is an attestation")
	}
	return nil
}

// addAttested reports an attestation by ATT-12; err is what is wrong with it so far.
func (v *verification) addAttested(st report.Attestation, a attested, err error) {
	if err == nil {
		err = v.aboutThis(&st, a)
	}
	switch {
	case errors.Is(err, statement.ErrAnother):
		st.Status, st.Problem = report.AttestationElsewhere, err.Error()
	case err != nil:
		st.Status, st.Problem = statusOf(err)
	default:
		st.Status, st.Problem = v.worth(&st, a)
		a.counts = st.Status == report.SignatureValid ||
			st.Status == report.SignatureUnanchored && (v.trust.Policy == nil || v.trust.Policy.AcceptExpired && !v.trust.Policy.Time.Required)
	}
	st.Trusted = a.counts
	v.report.Attestations = append(v.report.Attestations, st)
	v.attested = append(v.attested, a)
}

// aboutThis fills in what the statement of a good signature says. The error
// says why it is not about this image, or contradicts it.
func (v *verification) aboutThis(st *report.Attestation, a attested) error {
	tell(st, a.Statement)
	if said := a.Statement.Said(); said != nil && said.When().After(v.now.Add(clockSkew)) {
		return fmt.Errorf("%w: made on %s, in the future", signature.ErrInvalid, said.Made)
	}
	if v.subject == nil {
		return fmt.Errorf("%w: what it is about cannot be told: the file is not a whole image", signature.ErrInvalid)
	}
	err := a.Statement.About(*v.subject)
	switch {
	case errors.Is(err, statement.ErrAnother):
		st.ContentID = a.Statement.ContentID
	case errors.Is(err, statement.ErrMalformed):
		return fmt.Errorf("%w: %w", signature.ErrMalformed, err)
	}
	return err
}

// worth says whether the caller trusts a key for what it signed well, at the
// time that authorities state, or else its signer.
func (v *verification) worth(st *report.Attestation, a attested) (status, problem string) {
	m := a.made()
	m.anchored, m.anchoredBy = v.anchored(a.Value, a.stamps...)
	if a.seen.By != "" && (m.anchored.IsZero() || a.seen.Time.Before(m.anchored)) {
		m.anchored, m.anchoredBy = a.seen.Time, []string{a.seen.By}
	}
	if !m.anchored.IsZero() {
		st.AnchoredAt, st.AnchoredBy = stamp(m.anchored), m.anchoredBy
		if a.By.Kind() == key.PEM && a.identity == (key.Identity{}) { // whose signatures state no time
			m.at = m.anchored
		}
	}
	m.noLongerValid = a.NoLongerValid(m.proven(v.now))
	if status, problem = v.refused(&m); problem != "" {
		return status, problem
	}
	st.Roles = v.rolesAt(&m)
	if m.noLongerValid != "" {
		return report.SignatureUnanchored, "the key is no longer valid: " + m.noLongerValid + "; without trusted time: only the signer says that this was made before"
	}
	return report.SignatureValid, ""
}

// tell puts into st what a statement says.
func tell(st *report.Attestation, s *statement.Statement) {
	if said := s.Said(); said != nil {
		st.Role, st.By, st.Made, st.Conflicts, st.Words = said.Role, said.By, said.Made, said.Conflicts, said.Words
	}
	switch {
	case s.Opinion != nil:
		st.Of = s.Opinion.Of
	case s.Test != nil:
		st.Outcome = strings.ToLower(s.Test.Result)
	case s.Reproduction != nil:
		r := s.Reproduction
		st.Outcome, st.NotRun = string(r.Outcome), r.NotRun
		st.Results, st.Reproduced = r.Counts.Results, r.Counts.Reproduced
		for _, x := range r.Results {
			switch {
			case x.Looked == statement.LookedSame:
				st.Looked = append(st.Looked, x.Name)
			case x.Looked != "":
				st.Differing = append(st.Differing, x.Name+": "+string(x.Verdict)+", and the signer saw a difference")
			case !x.Verdict.Reproduced():
				st.Differing = append(st.Differing, x.Name+": "+string(x.Verdict))
			}
		}
		st.Conditions = conditions(r)
	}
}

// conditions lists in what a run was not as the image has it.
func conditions(r *statement.Reproduction) []string {
	all := slices.Clone(r.Changed)
	if r.Quick {
		all = append(all, "only the smaller experiment was run")
	}
	if r.Isolation.Net {
		all = append(all, "the machine's network was reachable")
	}
	for _, b := range r.Isolation.Binds {
		all = append(all, "steps saw something of the machine at "+b)
	}
	return all
}

// withdraw marks the statements that their signers took back: a withdrawal
// names the statement, and is by the same person or key.
func (v *verification) withdraw() {
	for i, w := range v.attested {
		if !w.counts || w.Statement.Kind != statement.KindWithdrawal || w.Statement.Opinion.Of == "" {
			continue
		}
		for j, a := range v.attested {
			if i != j && a.counts && a.Statement.Kind != statement.KindWithdrawal && a.Digest == w.Statement.Opinion.Of && v.samePerson(i, j) {
				st := &v.report.Attestations[j]
				st.Status, st.Trusted, st.Problem = report.AttestationWithdrawn, false, "taken back by statement "+string(w.Digest)
				v.attested[j].counts = false
			}
		}
	}
}

func (v *verification) samePerson(i, j int) bool {
	a, b := v.report.Attestations[i], v.report.Attestations[j]
	return v.same(a.Fingerprint, a.Person, b.Fingerprint, b.Person)
}

// same reports whether two keys are somebody's: the same key, keys of a person
// of the policy, or keys that were certified for one identity.
func (v *verification) same(key, person, otherKey, other string) bool {
	identity := v.identities[key]
	return key == otherKey || person != "" && person == other || identity != "" && identity == v.identities[otherKey]
}

// takenBack says, by ATT-13, who of the signers of the image withdrew it; or "".
func (v *verification) takenBack() string {
	for i, a := range v.attested {
		if !a.counts || a.Statement.Kind != statement.KindWithdrawal || a.Statement.Opinion.Of != "" {
			continue
		}
		st := v.report.Attestations[i]
		for _, s := range v.report.Signatures {
			if s.Trusted && v.same(s.Fingerprint, s.Person, st.Fingerprint, st.Person) {
				return st.Signer + " " + st.Fingerprint
			}
		}
	}
	return ""
}

// subjectOf returns what statements about the image must agree with.
func subjectOf(im *format.Image, id manifest.Digest) (*statement.Image, error) {
	m, err := im.Manifest()
	if err != nil {
		return nil, err
	}
	d, err := im.ManifestDigest()
	if err != nil {
		return nil, err
	}
	s := statement.ImageOf(id, d, m)
	return &s, nil
}
