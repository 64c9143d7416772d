package sign

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"

	"repro/format"
	"repro/format/bundle"
	"repro/format/manifest"
	"repro/format/signature"
	"repro/format/timerecord"
)

// ErrNothing says that there is nothing to stamp: no signature of this image.
var ErrNothing = errors.New("it carries no signature whose time could be stamped")

// Stamper is a time-stamping authority: it returns a response (RFC 3161) about
// message, with the given hash as imprint.
type Stamper interface {
	Stamp(ctx context.Context, message []byte, hash crypto.Hash) ([]byte, error)
}

// Stamped says what was stamped.
type Stamped struct {
	ContentID  manifest.Digest
	Signatures int // and attestations
	Earlier    int // records that were stamped anew
	Record     *timerecord.Record
}

// Timestamp adds a time record to the image called name: a stamp of every
// authority over its signatures, attestations and earlier time records. All
// must answer, or the image is left as it is.
//
// With renew, the record is made with SHA-512 and covers the contents of all
// objects: what was stamped before then stands, even when SHA-256 or an earlier
// authority no longer proves anything. SPEC.md, TSP-15.
func Timestamp(ctx context.Context, name string, authorities []Stamper, renew bool, o Options) (*Stamped, error) {
	result := &Stamped{}
	err := format.Update(ctx, name, func(im *format.Image) ([]format.NewObject, error) {
		s := &signing{}
		var err error
		if s.payload, err = checked(ctx, im, o); err != nil {
			return nil, err
		}
		if s.objects, err = im.Signatures(); err != nil {
			return nil, err
		}
		if err := s.record(im, renew, result); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if err := s.stampBundles(ctx, authorities); err != nil {
			return nil, err
		}
		r := result.Record
		for _, a := range authorities {
			token, err := a.Stamp(ctx, r.Message(), r.Hash)
			if err != nil {
				return nil, err
			}
			r.Tokens = append(r.Tokens, token)
		}
		b := r.Encode()
		if _, err := timerecord.Parse(b); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return append(s.objects, format.NewObject{Attestation: true, Hash: hashTypes[r.Hash], Data: b}), nil
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// record makes a record of all that there is to stamp.
func (s *signing) record(im *format.Image, renew bool, result *Stamped) error {
	r := &timerecord.Record{Hash: crypto.SHA256}
	if renew {
		r.Hash = crypto.SHA512
	}
	r.Content = r.Sum(s.payload)
	result.ContentID, result.Record = manifest.DigestOf(s.payload), r
	for _, o := range s.objects {
		for _, signature := range s.made(o) {
			r.Add(signature)
			result.Signatures++
		}
		if old, err := timerecord.Parse(o.Data); err == nil && bytes.Equal(old.Content, old.Sum(s.payload)) {
			r.Add(o.Data)
			result.Earlier++
		}
	}
	if result.Signatures == 0 {
		return ErrNothing
	}
	if !renew {
		return nil
	}
	var err error
	r.Objects, err = im.Sums(r.Hash)
	return err
}

// maxStamps bounds the stamps in a bundle.
const maxStamps = 16

// stampBundles puts stamps into bundles that have none, so that other programs
// know the time too when they have the bundle alone. Signatures by OpenPGP keys
// are left out: no other program checks these in a bundle. SPEC.md, TSP-16.
func (s *signing) stampBundles(ctx context.Context, authorities []Stamper) error {
	for i, o := range s.objects {
		b, err := bundle.ParseExact(o.Data)
		if err != nil || b.Envelope == nil || len(b.Timestamps) > 0 {
			continue
		}
		if _, err := signature.NewClearsigned(b.Envelope.Signed(), b.Envelope.Signature); err == nil {
			continue
		}
		for _, a := range authorities[:min(len(authorities), maxStamps)] {
			token, err := a.Stamp(ctx, b.Envelope.Signature, crypto.SHA256)
			if err != nil {
				return err
			}
			b.Timestamps = append(b.Timestamps, token)
		}
		s.objects[i].Data = b.Encode()
	}
	return nil
}

// made returns the signatures in o over the payload, or that of an attestation.
func (s *signing) made(o format.NewObject) (signatures [][]byte) {
	if b, err := bundle.ParseExact(o.Data); err == nil && b.Envelope != nil {
		return [][]byte{b.Envelope.Signature}
	}
	b := s.parse(o)
	switch {
	case b == nil:
	case b.Clearsigned != nil:
		signatures = append(signatures, b.Clearsigned.Packet())
	default:
		for _, made := range b.Envelope.Signatures {
			signatures = append(signatures, made.Sig)
		}
	}
	return signatures
}
