// Package signoff says whom a venue believes: what the keys that it trusts have
// signed of a submission, and what reviewers attest of it.
//
// A reviewer signs on a machine of their own, with repro attest, and attaches
// what comes out; no secret key of a person comes to the gateway, and one that is
// sent by mistake is refused and not kept. A venue may have a key of its own, by
// which it signs what a reviewer says, and names the reviewer. SPEC.md, GTW-10.
package signoff

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"repro/format"
	"repro/format/bundle"
	"repro/gateway/store"
	"repro/key"
	"repro/report"
	"repro/verify"
)

// MaxBundle is how long an attestation can be, in bytes.
const MaxBundle = bundle.MaxSize

// ErrRefused is in the error about what is not attached, or a key that is not
// taken: its words are for whoever sent it.
var ErrRefused = errors.New("not taken")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrRefused, fmt.Errorf(format, args...))
}

// Trust is whom a venue trusts.
func Trust(keys []store.TrustedKey) (verify.Trust, error) {
	var t verify.Trust
	for _, k := range keys {
		p, err := key.ParsePublic(k.Material)
		if err != nil {
			return t, fmt.Errorf("key %s: %w", k.Fingerprint, err)
		}
		t.Add(p, k.Name, key.Window{})
	}
	return t, nil
}

// Key reads a public key that a venue is to trust.
func Key(material []byte, name string) (store.TrustedKey, error) {
	p, err := key.ParsePublic(material)
	if errors.Is(err, key.ErrPrivate) {
		return store.TrustedKey{}, refuse("this is a private key, which nobody but you should have: it was not kept, send the public one")
	}
	if err != nil {
		return store.TrustedKey{}, refuse("%w", err)
	}
	return store.TrustedKey{Fingerprint: string(p.Fingerprint()), Name: name, Material: material}, nil
}

// Submitted is a submission with what a gateway knows of it.
type Submitted struct {
	Image    *format.Image
	Report   *report.Verify // of when it came in
	Attached []store.Attached
}

// Statement is what somebody attests of a submission.
type Statement struct {
	report.Attestation
	Attached *store.Attached // nil: it came in the image
	Believed bool            // by a key that the venue trusts
}

// Judge says of a submission what a venue that trusts those keys believes, and
// what is attested of it by anybody. What was found of its objects when it came
// in is taken as it was: the file has not changed since, by the word of whoever
// runs the gateway.
func Judge(ctx context.Context, s Submitted, keys []store.TrustedKey) (*report.Verify, []Statement, error) {
	rep, err := judge(ctx, s, keys)
	if err != nil {
		return nil, nil, err
	}
	all := rep
	if given := given(s.Attached); len(given) > 0 {
		if all, err = judge(ctx, s, append(given, keys...)); err != nil {
			return nil, nil, err
		}
	}
	if len(all.Attestations) != len(rep.Attestations) || len(all.Attestations) < len(s.Attached) {
		return nil, nil, fmt.Errorf("%s: %d attestations, or %d, of which %d are attached", s.Image.Name(), len(rep.Attestations), len(all.Attestations), len(s.Attached))
	}
	said := make([]Statement, len(all.Attestations))
	inside := len(said) - len(s.Attached) // those that are attached come last
	for i, a := range all.Attestations {
		a.Trusted = rep.Attestations[i].Trusted // not because its own key came with it
		said[i] = Statement{Attestation: a, Believed: a.Trusted}
		if i >= inside {
			said[i].Attached = &s.Attached[i-inside]
		}
	}
	return rep, said, nil
}

// given are the keys that came with attestations.
func given(attached []store.Attached) (keys []store.TrustedKey) {
	for _, a := range attached {
		if len(a.Material) > 0 {
			keys = append(keys, store.TrustedKey{Material: a.Material})
		}
	}
	return keys
}

// checked is what was found of the objects.
func (s Submitted) checked(context.Context) ([]report.ObjectStatus, error) {
	objects := slices.Clone(s.Report.Objects)
	for i := range objects {
		objects[i].Signers = nil // by whom was asked then
	}
	if !s.Report.Intact {
		return nil, fmt.Errorf("%s: was altered when it came in, and should not be here", s.Image.Name())
	}
	return objects, nil
}

func judge(ctx context.Context, s Submitted, keys []store.TrustedKey) (*report.Verify, error) {
	trust, err := Trust(keys)
	if err != nil {
		return nil, err
	}
	o := verify.Options{Check: s.checked}
	for _, a := range s.Attached {
		o.Detached = append(o.Detached, a.Bundle)
	}
	rep, err := verify.Image(ctx, s.Image, trust, o)
	if errors.Is(err, verify.ErrNotSigned) {
		err = nil
	}
	return rep, err
}

// Check reads an attestation that somebody wants to attach: by a key that the
// venue trusts, or by the one that comes with it. It must be good, and about this
// image. It returns what it says.
func Check(ctx context.Context, s Submitted, keys []store.TrustedKey, a store.Attached) (report.Attestation, error) {
	var none report.Attestation
	if len(a.Bundle) > MaxBundle {
		return none, refuse("%d bytes, an attestation has at most %d", len(a.Bundle), MaxBundle)
	}
	if _, err := key.ParsePrivate(a.Bundle, nil); err == nil || errors.Is(err, key.ErrPassphrase) {
		return none, refuse("this is a private key, which nobody but you should have: it was not kept")
	}
	b, err := bundle.Parse(a.Bundle)
	if err != nil {
		return none, refuse("%w", err)
	}
	if b.Envelope == nil {
		return none, refuse("it signs a file and attests nothing")
	}
	if len(a.Material) > 0 {
		k, err := Key(a.Material, "")
		if err != nil {
			return none, err
		}
		keys = append([]store.TrustedKey{k}, keys...)
	}
	s.Attached = []store.Attached{a}
	rep, err := judge(ctx, s, keys)
	if err != nil {
		return none, err
	}
	said := rep.Attestations[len(rep.Attestations)-1]
	switch said.Status {
	case report.SignatureValid, report.SignatureUnanchored, report.AttestationWithdrawn:
		return said, nil
	case report.AttestationElsewhere:
		return none, refuse("it is about another image: %s", said.Problem)
	case report.SignatureUnknown:
		return none, refuse("no key that this venue trusts made it: send its public key along")
	}
	return none, refuse("it is %s: %s", said.Status, said.Problem)
}
