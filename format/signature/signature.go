// Package signature reads and writes the bytes of signature objects.
//
// A signature object holds exactly one block and nothing else, in one of two
// forms. Both sign the same payload, the integrity metadata of a SIF file: one
// line of JSON.
//
// An OpenPGP block is a message in the cleartext signature framework (RFC 4880
// section 7) with one signature:
//
//	-----BEGIN PGP SIGNED MESSAGE-----
//	Hash: SHA256
//
//	{"version":1,"header":{…},"objects":[…]}
//	-----BEGIN PGP SIGNATURE-----
//
//	(base64 of one signature packet, 64 characters a line)
//	=(CRC-24; may be missing)
//	-----END PGP SIGNATURE-----
//
// The other is a DSSE envelope, as Go's encoding/json writes it, with one or
// more signatures over the pre-authentication encoding of the payload:
//
//	{"payloadType":"application/vnd.sylabs.sif-metadata+json","payload":"…",
//	 "signatures":[{"keyid":"SHA256:…","sig":"…"}]}
//
// Parsing is strict: a block that would not be written back byte for byte is
// refused, so that nothing can hide in one.
package signature

import (
	"bytes"
	"errors"
	"fmt"
)

// Limits on a block.
const (
	MaxSize    = 4 << 20 // bytes
	MaxSigners = 64      // signatures in an envelope
)

// What can be wrong with a signature. Every error of parsing and verifying
// wraps one of these.
var (
	ErrMalformed = errors.New("malformed signature")      // the block breaks the rules
	ErrWeak      = errors.New("weak signature")           // its cryptography is broken
	ErrUnknown   = errors.New("unknown signer")           // the key is not the signer's
	ErrInvalid   = errors.New("invalid signature")        // the signer's key did not make it, or not then
	ErrExpired   = errors.New("signed by an expired key") // or the signature itself has expired
	ErrRevoked   = errors.New("signed by a revoked key")  //
)

func malformed(text string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(text, args...))
}

// Block is a parsed signature object: exactly one of its fields is set.
type Block struct {
	Clearsigned *Clearsigned
	Envelope    *Envelope
}

// Payload returns what was signed.
func (b *Block) Payload() []byte {
	if b.Envelope != nil {
		return b.Envelope.Payload
	}
	return b.Clearsigned.Payload
}

// Parse reads a signature object of either form. Errors wrap [ErrMalformed] or
// [ErrWeak].
func Parse(b []byte) (*Block, error) {
	switch {
	case len(b) > MaxSize:
		return nil, malformed("%d bytes, at most %d are read", len(b), MaxSize)
	case bytes.HasPrefix(b, []byte(beginMessage)):
		c, err := parseClearsigned(b)
		if err != nil {
			return nil, err
		}
		return &Block{Clearsigned: c}, nil
	case bytes.HasPrefix(b, []byte("{")):
		e, err := parseEnvelope(b)
		if err != nil {
			return nil, err
		}
		return &Block{Envelope: e}, nil
	}
	return nil, malformed("neither an OpenPGP cleartext signature nor a DSSE envelope")
}
