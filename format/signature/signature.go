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
	"encoding/base64"
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

	// ErrNotMade is the [ErrInvalid] of bytes that the signer's key did not
	// make, whenever that should have been.
	ErrNotMade = fmt.Errorf("%w: not made by the key that it names", ErrInvalid)
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
	return nil, malformed("%s", somethingElse(b))
}

// IsBlock reports whether b begins as a block does.
func IsBlock(b []byte) bool {
	return bytes.HasPrefix(b, []byte(beginMessage)) || bytes.HasPrefix(b, []byte(`{"payloadType":"`+PayloadType+`"`))
}

// somethingElse says what b is that is no block. Programs for signatures of
// files make signatures over a file's bytes, which say nothing of an image.
func somethingElse(b []byte) string {
	const overFile = ": it is over the bytes of a file, not over an image; the program that made it checks it"
	text := bytes.TrimSpace(b)
	switch {
	case bytes.HasPrefix(b, []byte("-----BEGIN PGP SIGNATURE-----")), len(b) > 0 && (b[0]&0xfc == 0x88 || b[0] == 0xc2):
		return "a detached OpenPGP signature, as gpg --detach-sign makes it" + overFile
	case bytes.HasPrefix(b, []byte("-----BEGIN SSH SIGNATURE-----")):
		return "a signature by ssh-keygen" + overFile
	case bytes.HasPrefix(b, []byte("untrusted comment:")):
		return "a signature by minisign or signify" + overFile
	case len(text) > 0 && len(text) <= maxBareSignature && isBase64(text):
		return "a bare signature, as cosign sign-blob and openssl make it" + overFile
	}
	return "neither an OpenPGP cleartext signature nor a DSSE envelope"
}

// maxBareSignature bounds what is taken for one: by RSA with 8192 bits, in
// lines.
const maxBareSignature = 2048

func isBase64(text []byte) bool {
	b, err := base64.StdEncoding.DecodeString(string(text)) // passes over ends of lines
	return err == nil && len(b) >= 64
}
