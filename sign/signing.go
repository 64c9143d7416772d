package sign

import (
	"bytes"
	"crypto"
	"fmt"
	"time"

	"repro/format"
	"repro/format/manifest"
	"repro/format/signature"
	"repro/key"
)

// signing is one signature in the making.
type signing struct {
	payload []byte             // what is signed
	objects []format.NewObject // the signatures of the image
	result  Result
}

// add signs with k.
func (s *signing) add(k *key.Private, at time.Time) error {
	if done := s.begin(k.Public()); done {
		return nil
	}
	if k.Kind() == key.OpenPGP {
		c, err := signature.Clearsign(s.payload, k, at)
		if err != nil {
			return err
		}
		if err := c.Verify(k.Public(), time.Now()); err != nil { // nobody else would accept it either
			return err
		}
		s.put(c, k.Public())
		return nil
	}
	return s.join(func(e *signature.Envelope) error { return e.Sign(k) })
}

// embed puts in the signature by p that block holds.
func (s *signing) embed(block []byte, p *key.Public) error {
	b, err := signature.Parse(block)
	if err != nil {
		return err
	}
	if !bytes.Equal(b.Payload(), s.payload) {
		return fmt.Errorf("%w: it is not about this image", signature.ErrInvalid)
	}
	if done := s.begin(p); done {
		return nil
	}
	if b.Clearsigned != nil {
		if err := b.Clearsigned.Verify(p, time.Now()); err != nil {
			return err
		}
		s.put(b.Clearsigned, p)
		return nil
	}
	err = signature.ErrUnknown
	for _, made := range b.Envelope.Signatures {
		if err = b.Envelope.Verify(made, p); err == nil {
			return s.join(func(e *signature.Envelope) error { return e.Add(made) })
		}
	}
	return err
}

// begin fills the result. It reports whether p has signed already.
func (s *signing) begin(p *key.Public) (done bool) {
	s.result = Result{ContentID: manifest.DigestOf(s.payload), Fingerprint: p.Fingerprint()}
	for _, o := range s.objects {
		b := s.parse(o)
		switch {
		case b == nil:
		case b.Clearsigned != nil && o.Entity == entityOf(p) && b.Clearsigned.Verify(p, time.Now()) == nil:
			s.result.Time, done = b.Clearsigned.Time(), true
		case b.Envelope != nil:
			for _, made := range b.Envelope.Signatures {
				done = done || b.Envelope.Verify(made, p) == nil
			}
		}
		if done {
			s.result.Already, s.result.Beside, s.result.Block = true, o.Attestation, o.Data
			return true
		}
	}
	return false
}

// put adds an OpenPGP block.
func (s *signing) put(c *signature.Clearsigned, p *key.Public) {
	s.result.Time = c.Time()
	s.append(format.NewObject{Hash: hashTypes[c.Signature.Hash], Entity: entityOf(p), Data: c.Encode()})
}

// hashTypes gives SIF's names of the hashes that signatures are made with.
var hashTypes = map[crypto.Hash]format.HashType{
	crypto.SHA256: format.HashSHA256,
	crypto.SHA384: format.HashSHA384,
	crypto.SHA512: format.HashSHA512,
}

func entityOf(p *key.Public) (entity [20]byte) {
	if e := p.Entity(); e != nil {
		copy(entity[:], e.PrimaryKey.Fingerprint)
	}
	return entity
}

// join lets sign add to the first envelope over the payload, or to a new one.
func (s *signing) join(sign func(*signature.Envelope) error) error {
	for i, o := range s.objects {
		b := s.parse(o)
		if b == nil || b.Envelope == nil {
			continue
		}
		if err := sign(b.Envelope); err != nil {
			return err
		}
		s.objects[i].Data = b.Envelope.Encode()
		s.result.Beside, s.result.Block = o.Attestation, s.objects[i].Data
		return nil
	}
	e := &signature.Envelope{Payload: s.payload}
	if err := sign(e); err != nil {
		return err
	}
	s.append(format.NewObject{Hash: format.HashSHA256, Data: e.Encode()})
	return nil
}

// parse returns the block of o if it signs the payload, else nil.
func (s *signing) parse(o format.NewObject) *signature.Block {
	b, err := signature.Parse(o.Data)
	if err != nil || !bytes.Equal(b.Payload(), s.payload) {
		return nil
	}
	return b
}

// append puts o first of all, or beside what is there.
func (s *signing) append(o format.NewObject) {
	for _, old := range s.objects {
		o.Attestation = o.Attestation || !old.Attestation
	}
	s.objects = append(s.objects, o)
	s.result.Beside, s.result.Block = o.Attestation, o.Data
}
