// Package attest makes signed statements about an image: what came out when
// its steps were run again, or what somebody has to say of it. A statement says
// *failed* as easily as *reproduced*.
//
//	im, _ := format.Open("paper.sif")
//	r, _ := attest.FromRun(ctx, im, run, said)   // refuses what is not whole, or of another image
//	b, _ := attest.Reproduction(ctx, im, r, attest.ByKey(k, now))
//	err := attest.Embed(ctx, "paper.sif", b, attest.Options{})
//
// Statements are in-toto's, in DSSE, as sigstore bundles; they stand in the
// image beside its signatures, or in files of their own. SPEC.md, part ATT.
package attest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"repro/attest/statement"
	"repro/format"
	"repro/format/bundle"
	"repro/format/signature"
	"repro/internal/progress"
	"repro/key"
	"repro/sign"
	"repro/verify/attestation"
	trusted "repro/verify/bundle"
)

// Signer makes the signature of an envelope.
type Signer struct {
	Public *key.Public
	Sign   func(ctx context.Context, text []byte) ([]byte, error)
}

// ByKey signs with k. The time stands in signatures by OpenPGP keys.
func ByKey(k *key.Private, at time.Time) Signer {
	return Signer{k.Public(), func(_ context.Context, text []byte) ([]byte, error) {
		if k.Kind() == key.PEM {
			return k.Sign(text)
		}
		c, err := signature.Clearsign(text, k, at.UTC().Truncate(time.Second))
		if err != nil {
			return nil, err
		}
		return c.Packet(), nil
	}}
}

// ByBlock signs with a program that makes OpenPGP blocks with the private key of
// p, such as [sign.GnuPG].
func ByBlock(p *key.Public, by sign.Signer) Signer {
	return Signer{p, func(ctx context.Context, text []byte) ([]byte, error) {
		b, err := by(ctx, text)
		if err != nil {
			return nil, err
		}
		parsed, err := signature.Parse(b)
		switch {
		case err != nil:
			return nil, err
		case parsed.Clearsigned == nil || !bytes.Equal(parsed.Payload(), text):
			return nil, fmt.Errorf("%w: it is over another text", signature.ErrInvalid)
		}
		return parsed.Clearsigned.Packet(), nil
	}}
}

// signed returns the bundle of a statement.
func signed(ctx context.Context, payload []byte, by Signer) ([]byte, error) {
	f := string(by.Public.Fingerprint())
	e := &bundle.Envelope{PayloadType: statement.PayloadType, Payload: payload, KeyID: f}
	var err error
	if e.Signature, err = by.Sign(ctx, e.Signed()); err != nil {
		return nil, err
	}
	b := &bundle.Bundle{KeyHint: f, Envelope: e}
	if _, err := attestation.Judge(b, []*key.Public{by.Public}, time.Now()); err != nil {
		return nil, err // nobody else would accept it either
	}
	out := b.Encode()
	if len(out) > bundle.MaxSize {
		return nil, fmt.Errorf("attestation of %d bytes, at most %d fit", len(out), bundle.MaxSize)
	}
	return out, nil
}

// Bundle is one attestation in the making.
type Bundle struct {
	Kind  statement.Kind
	Bytes []byte
}

// Reproduction signs what came out of a run, and says the same in the words of
// in-toto's test-result, and, if all came out, of its simple verification result.
func Reproduction(ctx context.Context, im *format.Image, r statement.Reproduction, by Signer) ([]Bundle, error) {
	about, err := subject(im)
	if err != nil {
		return nil, err
	}
	var all []Bundle
	for _, c := range []struct {
		kind statement.Kind
		make func(statement.Image, statement.Reproduction) ([]byte, error)
	}{
		{statement.KindReproduction, statement.Reproduce},
		{statement.KindTestResult, statement.Test},
		{statement.KindSVR, statement.Passed},
	} {
		payload, err := c.make(about, r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", im.Name(), err)
		}
		if payload == nil {
			continue
		}
		b, err := signed(ctx, payload, by)
		if err != nil {
			return nil, err
		}
		all = append(all, Bundle{c.kind, b})
	}
	return all, nil
}

// Opinion signs a review, an endorsement, a correction or a withdrawal.
func Opinion(ctx context.Context, im *format.Image, k statement.Kind, o statement.Opinion, by Signer) (Bundle, error) {
	about, err := subject(im)
	if err != nil {
		return Bundle{}, err
	}
	payload, err := statement.Opine(about, k, o)
	if err != nil {
		return Bundle{}, err
	}
	b, err := signed(ctx, payload, by)
	return Bundle{k, b}, err
}

// Import takes a bundle that another program made, such as cosign, over the
// metadata of the image. It must be by a key or an identity of whom. The bytes
// come out as an image holds them.
func Import(im *format.Image, b []byte, whom trusted.Trust) (Bundle, error) {
	about, err := subject(im)
	if err != nil {
		return Bundle{}, err
	}
	taken, err := importable(b, about, whom)
	for _, is := range []error{bundle.ErrMalformed, signature.ErrMalformed, statement.ErrMalformed} {
		if errors.Is(err, is) {
			err = fmt.Errorf("%w: %w", ErrMalformed, err)
			break
		}
	}
	return taken, err
}

// ErrMalformed says that a file is no attestation.
var ErrMalformed = errors.New("not an attestation")

func importable(b []byte, about statement.Image, whom trusted.Trust) (Bundle, error) {
	parsed, err := bundle.Parse(b)
	if err != nil {
		return Bundle{}, err
	}
	s, err := attestation.Judge(parsed, whom.Keys, time.Now())
	if parsed.Certificate != nil && errors.Is(err, signature.ErrUnknown) && whom.Root != nil {
		_, err = trusted.Verify(parsed, parsed.Envelope.Signed(), whom, time.Now())
	}
	if err != nil {
		return Bundle{}, err
	}
	if err := s.Statement.About(about); err != nil {
		return Bundle{}, err
	}
	return Bundle{s.Statement.Kind, parsed.Encode()}, nil
}

// Options says how to embed. The zero value uses all cores.
type Options struct {
	Workers  int           // goroutines that hash; 0: all cores
	Progress progress.Func // may be nil
}

// Embed puts attestations into the image called name, beside its signatures.
// What is there already is not added again. The whole image is read before: its
// attestations name the digest of every object. The file is replaced as a whole
// or not at all.
func Embed(ctx context.Context, name string, bundles []Bundle, o Options) (added int, err error) {
	err = format.Update(ctx, name, func(im *format.Image) ([]format.NewObject, error) {
		if err := Check(ctx, im, o); err != nil {
			return nil, err
		}
		objects, err := im.Signatures()
		if err != nil {
			return nil, err
		}
		added = 0
		for _, b := range bundles {
			if !holds(objects, b.Bytes) {
				objects = append(objects, format.NewObject{Attestation: true, Hash: format.HashSHA256, Data: b.Bytes})
				added++
			}
		}
		if added == 0 {
			return nil, errUnchanged
		}
		return objects, nil
	})
	if errors.Is(err, errUnchanged) {
		err = nil
	}
	return added, err
}

// errUnchanged stops an update that would change nothing.
var errUnchanged = errors.New("already there")

func holds(objects []format.NewObject, b []byte) bool {
	for _, o := range objects {
		if bytes.Equal(o.Data, b) {
			return true
		}
	}
	return false
}

// Check reads the whole image: nothing is attested of one that is altered, or
// a draft.
func Check(ctx context.Context, im *format.Image, o Options) error {
	m, err := im.Manifest()
	if err != nil {
		return err
	}
	if m.Draft {
		return fmt.Errorf("%s: %w", im.Name(), sign.ErrDraft)
	}
	_, err = im.Check(ctx, format.CheckOptions{Workers: o.Workers, Classic: true, Progress: o.Progress})
	return err
}

// subject returns what statements about im must say that they are about.
func subject(im *format.Image) (statement.Image, error) {
	m, err := im.Manifest()
	if err != nil {
		return statement.Image{}, err
	}
	id, err := im.ContentID()
	if err != nil {
		return statement.Image{}, err
	}
	d, err := im.ManifestDigest()
	if err != nil {
		return statement.Image{}, err
	}
	return statement.ImageOf(id, d, m), nil
}
