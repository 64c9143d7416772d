package signature

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"repro/key"
)

// Numbers of RFC 4880 (and RFC 9580 for algorithm 27).
const (
	tagSignature = 2
	version4     = 4
	typeText     = 1

	subpacketIssuer            = 16
	subpacketIssuerFingerprint = 33
)

var weakHashes = map[byte]string{1: "MD5", 2: "SHA-1", 3: "RIPEMD-160", 11: "SHA-224"}

// parsePacket reads the one signature packet that b holds. go-crypto reads it
// too, but forgives what it does not need; here each byte must be what the
// standard makes it.
func parsePacket(b []byte) (*packet.Signature, error) {
	body, err := packetBody(b)
	if err != nil {
		return nil, err
	}
	if err := checkBody(body); err != nil {
		return nil, err
	}
	p, err := packet.Read(bytes.NewReader(b))
	if err != nil {
		return nil, malformed("%v", err)
	}
	sig, ok := p.(*packet.Signature)
	if !ok {
		return nil, malformed("no signature packet")
	}
	return sig, nil
}

// packetBody returns the body of the packet b, whose length must be written
// in the shortest way and leave nothing over.
func packetBody(b []byte) ([]byte, error) {
	if len(b) < 2 {
		return nil, malformed("packet of %d bytes", len(b))
	}
	var tag, head, size, least int
	switch first, second := b[0], int(b[1]); {
	case first>>6 == 3: // new format
		tag = int(first & 0x3f)
		switch {
		case second < 192:
			head, size = 2, second
		case second < 224 && len(b) >= 3:
			head, size = 3, (second-192)<<8+int(b[2])+192
		case second == 255 && len(b) >= 6:
			head, size, least = 6, int(binary.BigEndian.Uint32(b[2:])), 8384
		}
	case first>>6 == 2: // old format
		tag = int(first >> 2 & 0x0f)
		switch {
		case first&3 == 0:
			head, size = 2, second
		case first&3 == 1 && len(b) >= 3:
			head, size, least = 3, int(binary.BigEndian.Uint16(b[1:])), 256
		}
	}
	if tag != tagSignature || head == 0 || size < least || size != len(b)-head {
		return nil, malformed("the armour holds something else than one signature packet")
	}
	return b[head:], nil
}

// checkBody checks the fields of a version 4 signature packet (RFC 4880
// section 5.2.3).
func checkBody(b []byte) error {
	if len(b) < 6 {
		return malformed("packet of %d bytes", len(b))
	}
	if b[0] != version4 || b[1] != typeText {
		return malformed("signature of version %d and type %#x, want a version 4 signature over text", b[0], b[1])
	}
	algorithm, hash := packet.PublicKeyAlgorithm(b[2]), b[3]
	if name, weak := weakHashes[hash]; weak {
		return fmt.Errorf("%w: made with %s", ErrWeak, name)
	}
	if hash < 8 || hash > 10 {
		return malformed("made with hash %d", hash)
	}
	_, rest, ok := cut16(b[4:]) // the hashed subpackets, which the signature covers
	if !ok {
		return malformed("packet is cut short")
	}
	unhashed, rest, ok := cut16(rest)
	if !ok || len(rest) < 2 {
		return malformed("packet is cut short")
	}
	if err := checkUnhashed(unhashed); err != nil {
		return err
	}
	return checkValues(algorithm, rest[2:]) // after the hash's first two bytes
}

// cut16 splits off a part that starts with its length in 16 bits.
func cut16(b []byte) (part, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := 2 + int(binary.BigEndian.Uint16(b))
	if len(b) < n {
		return nil, nil, false
	}
	return b[2:n], b[n:], true
}

// checkUnhashed allows in the part that nobody signed only the name of the
// signing key.
func checkUnhashed(b []byte) error {
	seen := map[byte]bool{}
	for len(b) > 0 {
		n := int(b[0])
		if n == 0 || n >= 192 || len(b) < 1+n {
			return malformed("bad subpacket")
		}
		kind := b[1]
		named := kind == subpacketIssuer && n == 9 || kind == subpacketIssuerFingerprint && n == 22 && b[2] == version4
		if !named || seen[kind] {
			return malformed("subpacket %d stands outside what is signed", kind)
		}
		seen[kind] = true
		b = b[1+n:]
	}
	return nil
}

// checkValues checks the numbers that make up the signature itself.
func checkValues(algorithm packet.PublicKeyAlgorithm, b []byte) error {
	if algorithm == packet.PubKeyAlgoDSA || algorithm == packet.PubKeyAlgoElGamal {
		return fmt.Errorf("%w: made with DSA or ElGamal", ErrWeak)
	}
	values, known := key.OpenPGPValues(algorithm)
	switch {
	case !known:
		return malformed("made with algorithm %d", algorithm)
	case values.Bytes > 0 && len(b) != values.Bytes:
		return malformed("a signature of %d bytes, want %d", len(b), values.Bytes)
	case values.Bytes > 0:
		return nil
	}
	for range values.Integers {
		if len(b) < 2 {
			return malformed("packet is cut short")
		}
		size := int(binary.BigEndian.Uint16(b))
		n := 2 + (size+7)/8
		if size == 0 || len(b) < n || 8*(n-3)+bits.Len8(b[2]) != size {
			return malformed("a number is not written in the shortest way")
		}
		if size < values.Least {
			return fmt.Errorf("%w: made with a key of about %d bits", ErrWeak, size)
		}
		b = b[n:]
	}
	if len(b) > 0 {
		return malformed("%d bytes after the signature", len(b))
	}
	return nil
}
