package key

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"math/big"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// RSA keys sign by PKCS #1 v1.5.
var (
	RSA3072 = Algorithm{Family: "rsa", Bits: 3072, Hash: crypto.SHA256}
	RSA4096 = Algorithm{Family: "rsa", Bits: 4096, Hash: crypto.SHA256}
)

var rsaFamily = family{
	name: RSA3072.Family,
	types: []Type{
		{"openpgp-rsa", OpenPGP, RSA4096},
		{"openpgp-rsa3072", OpenPGP, RSA3072},
		{"rsa", PEM, RSA3072},
		{"rsa4096", PEM, RSA4096},
	},
	ask: func(pub crypto.PublicKey) (Algorithm, error) {
		if p, ok := pub.(*rsa.PublicKey); ok {
			return askRSA(p.N.BitLen())
		}
		return Algorithm{}, nil
	},
	wire: func(pub crypto.PublicKey) ([]byte, error) { // RFC 4253 section 6.6
		p := pub.(*rsa.PublicKey)
		return sshStrings([]byte("ssh-rsa"), sshInteger(big.NewInt(int64(p.E))), sshInteger(p.N)), nil
	},
	create: func(a Algorithm) (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, a.Bits) },
	sign:   signHashed,
	verify: func(pub crypto.PublicKey, message, sig []byte) bool {
		return rsa.VerifyPKCS1v15(pub.(*rsa.PublicKey), crypto.SHA256, digestOf(crypto.SHA256, message), sig) == nil
	},

	openPGP: map[packet.PublicKeyAlgorithm]Values{
		packet.PubKeyAlgoRSA:         {Integers: 1, Least: leastRSASignature},
		packet.PubKeyAlgoRSASignOnly: {Integers: 1, Least: leastRSASignature},
	},
	askOpenPGP: func(p *packet.PublicKey) (Algorithm, error) {
		bits, err := p.BitLength()
		if err != nil {
			return Algorithm{}, fmt.Errorf("%w: %w", ErrNotKey, err)
		}
		return askRSA(int(bits))
	},
	configure: func(a Algorithm, c *packet.Config) {
		c.Algorithm, c.RSABits = packet.PubKeyAlgoRSA, a.Bits
	},
}

// leastRSASignature is the least size of a signature by a key of MinRSABits. It
// is a number below the modulus; that it is 64 bits shorter has a probability
// of 2^-64.
const leastRSASignature = MinRSABits - 64

func askRSA(bits int) (Algorithm, error) {
	switch {
	case bits < MinRSABits:
		return Algorithm{}, fmt.Errorf("%w: rsa of %d bits, at least %d are asked", ErrWeak, bits, MinRSABits)
	case bits > MaxRSABits:
		return Algorithm{}, fmt.Errorf("%w: rsa of %d bits, at most %d are read", ErrUnsupported, bits, MaxRSABits)
	}
	return Algorithm{Family: RSA3072.Family, Bits: bits, Hash: crypto.SHA256}, nil
}
