package verify

import (
	"crypto"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"repro/format"
	"repro/format/signature"
	"repro/format/timerecord"
	"repro/key"
	"repro/report"
	"repro/verify/attestation"
	"repro/verify/policy"
)

// finding is what was found about one signature.
type finding struct {
	signer    *key.Public // nil: not made by a key that was given
	covers    set         // only of a valid signature
	elsewhere bool        // a trusted key made it, about something else
	notMade   bool        // it names a trusted key, which did not make it
	damaged   bool        // nobody who signs makes such an object: it was one, and was changed
}

// set holds IDs of objects.
type set map[uint32]bool

// about says which objects a payload that stands in signature object o (nil:
// outside the image) is about, or why none.
type about func(o *format.Object, payload []byte) (covers set, problem string)

// maxSignatures bounds the signature objects of a foreign file that are
// looked at; an image has no room for as many.
const maxSignatures = 256

// checkSignatures reports every signature in the image and outside.
func (v *verification) checkSignatures(f about) error {
	if err := v.collectTimes(); err != nil {
		return err
	}
	n := 0
	for _, o := range v.im.Objects() {
		if o.Type != format.DataSignature {
			continue
		}
		if n++; n > maxSignatures {
			v.report.Problems = append(v.report.Problems, fmt.Sprintf("more than %d signatures: the rest was not looked at", maxSignatures))
			break
		}
		st := report.SignatureStatus{ObjectID: o.ID, Beside: o.Link == 0 && !o.LinkIsGroup}
		if o.Size > signature.MaxSize {
			v.addBroken(st, fmt.Errorf("%w: %d bytes, at most %d are read", signature.ErrMalformed, o.Size, signature.MaxSize))
			continue
		}
		data := make([]byte, o.Size)
		if _, err := io.ReadFull(v.im.Section(o), data); err != nil {
			return v.failure(err, fmt.Sprintf("signature in object %d", o.ID))
		}
		v.checkBlock(st, &o, data, f)
	}
	for _, data := range v.options.Detached {
		v.checkBlock(report.SignatureStatus{}, nil, data, f)
	}
	return nil
}

// checkBlock reports the signatures in one block. st holds what is known.
func (v *verification) checkBlock(st report.SignatureStatus, o *format.Object, data []byte, f about) {
	if timerecord.Is(data) { // was read by collectTimes
		return
	}
	if b, ok := messageBundle(o, data); ok {
		v.checkIdentified(st, o, b, f)
		return
	}
	if attestation.Is(data) {
		v.checkAttestation(o, data)
		return
	}
	before := len(v.findings)
	v.parseBlock(st, o, data, f)
	if o == nil || st.Beside && !signature.IsBlock(data) {
		return
	}
	for i := before; i < len(v.findings); i++ {
		status := v.report.Signatures[i]
		v.findings[i].damaged = status.Status == report.SignatureMalformed || v.findings[i].notMade
	}
}

func (v *verification) parseBlock(st report.SignatureStatus, o *format.Object, data []byte, f about) {
	b, err := signature.Parse(data)
	switch {
	case err != nil:
		v.addBroken(st, err)
	case b.Clearsigned != nil:
		st.Kind = "openpgp"
		v.checkClearsigned(st, o, b.Clearsigned, f)
	default:
		st.Kind = "dsse"
		if err := v.checkDescriptor(o, crypto.SHA256, [20]byte{}); err != nil {
			v.addBroken(st, err)
			return
		}
		for _, s := range b.Envelope.Signatures {
			st.Fingerprint = fingerprintOf(s.KeyID)
			p, err := v.maker(func(p *key.Public) error { return b.Envelope.Verify(s, p) })
			m := inEnvelope(p, v.now)
			if m.anchored, m.anchoredBy = v.anchored(s.Sig); !m.anchored.IsZero() {
				m.at = m.anchored
			}
			v.add(st, o, m, err, b.Envelope.Payload, f)
		}
	}
}

func (v *verification) checkClearsigned(st report.SignatureStatus, o *format.Object, c *signature.Clearsigned, f about) {
	st.Time = stamp(c.Time())
	st.Fingerprint = c.Issuer()
	var entity [20]byte
	if o != nil {
		_, entity, _ = o.Signature()
		st.Fingerprint = fmt.Sprintf("%X", entity)
	}
	p, err := v.maker(func(p *key.Public) error { return c.Verify(p, v.now) })
	if err == nil && o != nil {
		err = v.checkDescriptor(o, c.Signature.Hash, [20]byte(p.Entity().PrimaryKey.Fingerprint))
	}
	m := made{by: p, with: c.Algorithm(p), at: c.Time()}
	m.anchored, m.anchoredBy = v.anchored(c.Packet())
	if p != nil {
		m.noLongerValid = c.NoLongerValid(p, m.proven(v.now))
	}
	v.add(st, o, m, err, c.Payload, f)
}

// checkDescriptor compares what the descriptor says of a signature. Nothing
// signs that, and SIF tools do not look at the hash: of other programs' files
// nothing is asked there.
func (v *verification) checkDescriptor(o *format.Object, h crypto.Hash, entity [20]byte) error {
	if o == nil {
		return nil
	}
	hash, named, _ := o.Signature()
	switch {
	case v.native && hash != hashTypes[h]:
		return fmt.Errorf("%w: the descriptor says hash %v, the signature was made with %v", signature.ErrMalformed, hash, h)
	case named != entity:
		return fmt.Errorf("%w: the descriptor names signer %X", signature.ErrMalformed, named)
	}
	return nil
}

var hashTypes = map[crypto.Hash]format.HashType{
	crypto.SHA256: format.HashSHA256,
	crypto.SHA384: format.HashSHA384,
	crypto.SHA512: format.HashSHA512,
}

// maker finds the trusted key that made a signature: the one that verify
// accepts, else one whose signature it is but which verify refuses.
func (v *verification) maker(verify func(*key.Public) error) (*key.Public, error) {
	var maker *key.Public
	best := signature.ErrUnknown
	for _, p := range v.trust.Keys {
		err := verify(p)
		if err == nil {
			return p, nil
		}
		if maker == nil && !errors.Is(err, signature.ErrUnknown) {
			maker, best = p, err
		}
	}
	return maker, best
}

// made is how a signature came about.
type made struct {
	by       *key.Public  // nil: nobody who is trusted
	identity key.Identity // of whom by is certified for some minutes; or zero
	with     key.Algorithm
	at       time.Time // by the signer's word; now, where he gave none

	anchored   time.Time // when it was there, by the word of anchoredBy; zero: nobody says
	anchoredBy []string

	// Why the key, or its subkey that signed, has become invalid since, or had
	// by the time at which the signature is known to have been there; or "".
	noLongerValid string
}

// signer is by what the caller's policy knows who signed.
func (m *made) signer() policy.Signer {
	if m.identity != (key.Identity{}) {
		return policy.Signer{Identity: m.identity}
	}
	return policy.Signer{Key: m.by.Fingerprint()}
}

// proven is the earliest time at which the signature is known to have been
// there.
func (m *made) proven(now time.Time) time.Time {
	if m.anchored.IsZero() || m.anchored.After(now) {
		return now
	}
	return m.anchored
}

// inEnvelope is how p made a signature in an envelope, which states no time.
func inEnvelope(p *key.Public, now time.Time) made {
	m := made{by: p, at: now}
	if p != nil {
		m.with = p.Algorithm()
	}
	return m
}

// add reports a signature; err is what is wrong with it so far.
func (v *verification) add(st report.SignatureStatus, o *format.Object, m made, err error, payload []byte, f about) {
	if m.by != nil {
		st.Fingerprint, st.Signer = string(m.by.Fingerprint()), v.trust.name(m.by)
		st.Person, st.Roles = v.personOf(m.signer())
	}
	if err != nil {
		v.addBroken(st, err)
		return
	}
	if !m.anchored.IsZero() {
		st.AnchoredAt, st.AnchoredBy = stamp(m.anchored), m.anchoredBy
	}
	if st.Status, st.Problem = v.refused(&m); st.Problem != "" {
		v.append(st, finding{})
		return
	}
	covers, problem := f(o, payload)
	if problem != "" {
		st.Status, st.Problem = report.SignatureInvalid, problem
		v.append(st, finding{signer: m.by, elsewhere: true})
		return
	}
	st.Status, st.Trusted, st.Roles = report.SignatureValid, true, v.rolesAt(&m)
	if m.noLongerValid != "" {
		st.Status = report.SignatureUnanchored
		st.Problem = "the key is no longer valid: " + m.noLongerValid + "; without trusted time: only the signer says that this was made before"
		if v.trust.Policy != nil && !v.trust.Policy.AcceptExpired {
			st.Trusted = false
			v.append(st, finding{})
			return
		}
	}
	v.append(st, finding{signer: m.by, covers: covers})
	for i := range v.report.Objects {
		ob := &v.report.Objects[i]
		if covers[ob.ID] && !slices.Contains(ob.Signers, st.Fingerprint) {
			ob.Signers = append(ob.Signers, st.Fingerprint)
		}
	}
}

func (v *verification) addBroken(st report.SignatureStatus, err error) {
	st.Status, st.Problem = statusOf(err)
	v.append(st, finding{notMade: errors.Is(err, signature.ErrNotMade)})
}

func (v *verification) append(st report.SignatureStatus, f finding) {
	v.report.Signatures = append(v.report.Signatures, st)
	v.findings = append(v.findings, f)
}

var statuses = []struct {
	err    error
	status string
}{
	{signature.ErrMalformed, report.SignatureMalformed},
	{signature.ErrWeak, report.SignatureWeak},
	{signature.ErrUnknown, report.SignatureUnknown},
	{signature.ErrExpired, report.SignatureExpired},
	{signature.ErrRevoked, report.SignatureRevoked},
	{signature.ErrInvalid, report.SignatureInvalid},
}

// statusOf returns the status that err stands for, and what it says beyond
// that.
func statusOf(err error) (status, problem string) {
	for _, s := range statuses {
		if errors.Is(err, s.err) {
			return s.status, strings.TrimPrefix(strings.TrimPrefix(err.Error(), s.err.Error()), ": ")
		}
	}
	return report.SignatureInvalid, err.Error()
}
