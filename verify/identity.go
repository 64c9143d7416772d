package verify

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"maps"

	"repro/format"
	form "repro/format/bundle"
	"repro/format/signature"
	"repro/key"
	"repro/report"
	"repro/verify/bundle"
)

// messageBundle returns the bundle in data if it has a certificate and is a bare signature:
// one over the image's metadata (KLS-9). Those with an envelope are attestations.
func messageBundle(o *format.Object, data []byte) (*form.Bundle, bool) {
	if !bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		return nil, false
	}
	parse := form.Parse
	if o != nil {
		parse = form.ParseExact
	}
	b, err := parse(data)
	return b, err == nil && b.Message != nil && b.Certificate != nil
}

// checkIdentified reports the signature of somebody without a key file.
func (v *verification) checkIdentified(st report.SignatureStatus, o *format.Object, b *form.Bundle, f about) {
	st.Kind = "sigstore"
	if err := v.checkDescriptor(o, crypto.SHA256, [20]byte{}); err != nil {
		v.addBroken(st, err)
		return
	}
	if v.metadata == nil {
		v.addBroken(st, fmt.Errorf("%w: what it is about cannot be told", signature.ErrInvalid))
		return
	}
	r, err := bundle.Verify(b, v.metadata, bundle.Trust{Identities: v.trust.Identities, Root: v.trust.Root}, v.now)
	switch {
	case errors.Is(err, bundle.ErrUnknown), v.trust.Root == nil && err != nil:
		v.addBroken(st, fmt.Errorf("%w: %w", signature.ErrUnknown, err))
		return
	case err != nil:
		v.addBroken(st, fmt.Errorf("%w: %w", signature.ErrInvalid, err))
		return
	}
	v.remember(r)
	m := made{by: r.Key, identity: r.Identity, with: r.Key.Algorithm(), at: r.Times[0].Time, anchored: r.Times[0].Time, anchoredBy: []string{r.Times[0].By}}
	v.add(st, o, m, nil, v.metadata, f)
}

// remember calls the key of some minutes by the identity that it is certified for.
func (v *verification) remember(r *bundle.Result) {
	f := r.Key.Fingerprint()
	v.trust.Names = maps.Clone(v.trust.Names)
	if v.trust.Names == nil {
		v.trust.Names = map[key.Fingerprint]string{}
	}
	v.trust.Names[f] = r.Identity.String()
	if v.identities == nil {
		v.identities = map[string]string{}
	}
	v.identities[string(f)] = r.Identity.String()
}

// identify checks who signed an attestation with a certificate, and when. SPEC.md,
// ATT-12.
func (v *verification) identify(b *form.Bundle, a *attested) error {
	r, err := bundle.Verify(b, b.Envelope.Signed(), bundle.Trust{Identities: v.trust.Identities, Root: v.trust.Root}, v.now)
	switch {
	case errors.Is(err, bundle.ErrUnknown):
		return fmt.Errorf("%w: %w", signature.ErrUnknown, err)
	case err != nil:
		return fmt.Errorf("%w: %w", signature.ErrInvalid, err)
	}
	v.remember(r)
	a.By, a.With, a.At = r.Key, r.Key.Algorithm(), r.Times[0].Time
	a.identity, a.seen = r.Identity, r.Times[0]
	return nil
}
