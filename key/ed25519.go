package key

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Ed25519 is the default of OpenPGP keys. Bare, it signs the message itself
// (RFC 8032) and hashes with SHA-512 on the way (section 5.1).
var Ed25519 = Algorithm{Family: "ed25519", Hash: crypto.SHA512}

var ed25519Family = family{
	name: Ed25519.Family,
	types: []Type{
		{"openpgp", OpenPGP, Ed25519},
		{"ed25519", PEM, Ed25519},
	},
	ask: func(pub crypto.PublicKey) (Algorithm, error) {
		if _, ok := pub.(ed25519.PublicKey); ok {
			return Ed25519, nil
		}
		return Algorithm{}, nil
	},
	wire: func(pub crypto.PublicKey) ([]byte, error) { // RFC 8709 section 4
		return sshStrings([]byte("ssh-ed25519"), pub.(ed25519.PublicKey)), nil
	},
	create: func(Algorithm) (crypto.Signer, error) {
		_, k, err := ed25519.GenerateKey(rand.Reader)
		return k, err
	},
	sign: func(k crypto.Signer, message []byte) ([]byte, error) {
		return k.Sign(rand.Reader, message, crypto.Hash(0))
	},
	verify: func(pub crypto.PublicKey, message, sig []byte) bool {
		return ed25519.Verify(pub.(ed25519.PublicKey), message, sig)
	},

	openPGP: map[packet.PublicKeyAlgorithm]Values{
		packet.PubKeyAlgoEdDSA:   {Integers: 2},
		packet.PubKeyAlgoEd25519: {Bytes: ed25519.SignatureSize},
	},
	askOpenPGP: func(*packet.PublicKey) (Algorithm, error) {
		a := Ed25519
		a.Hash = crypto.SHA256 // of the message, before Ed25519 itself hashes
		return a, nil
	},
	configure: func(_ Algorithm, c *packet.Config) {
		c.Algorithm, c.Curve = packet.PubKeyAlgoEdDSA, packet.Curve25519
	},
}
