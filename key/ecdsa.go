package key

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// ECDSAP256 is the default of PEM keys. New does not make OpenPGP keys of it.
var ECDSAP256 = Algorithm{Family: "ecdsa", Curve: "P-256", Hash: crypto.SHA256}

var ecdsaFamily = family{
	name:   ECDSAP256.Family,
	types:  []Type{{"ecdsa", PEM, ECDSAP256}},
	ask:    askECDSA,
	wire:   wireECDSA,
	create: func(Algorithm) (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) },
	sign:   signHashed,
	verify: func(pub crypto.PublicKey, message, sig []byte) bool {
		return ecdsa.VerifyASN1(pub.(*ecdsa.PublicKey), digestOf(crypto.SHA256, message), sig)
	},

	openPGP:    map[packet.PublicKeyAlgorithm]Values{packet.PubKeyAlgoECDSA: {Integers: 2}},
	askOpenPGP: askOpenPGPECDSA,
}

// sshCurves names the curves as RFC 5656 section 10.1 does.
var sshCurves = map[elliptic.Curve]string{
	elliptic.P256(): "nistp256",
	elliptic.P384(): "nistp384",
	elliptic.P521(): "nistp521",
}

func askECDSA(pub crypto.PublicKey) (Algorithm, error) {
	p, ok := pub.(*ecdsa.PublicKey)
	if !ok {
		return Algorithm{}, nil
	}
	name := p.Curve.Params().Name
	switch {
	case sshCurves[p.Curve] != "":
		return Algorithm{Family: ECDSAP256.Family, Curve: name, Hash: crypto.SHA256}, nil
	case p.Curve == elliptic.P224():
		return Algorithm{}, fmt.Errorf("%w: ecdsa %s", ErrWeak, name)
	}
	return Algorithm{}, fmt.Errorf("%w: ecdsa %s", ErrUnsupported, name)
}

// wireECDSA follows RFC 5656 section 3.1.
func wireECDSA(pub crypto.PublicKey) ([]byte, error) {
	p := pub.(*ecdsa.PublicKey)
	point, err := p.Bytes()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotKey, err)
	}
	name := sshCurves[p.Curve]
	return sshStrings([]byte("ecdsa-sha2-"+name), []byte(name), point), nil
}

// openPGPHashes are the hashes that the larger curves ask for (RFC 9580
// section 5.2.3.2).
var openPGPHashes = map[packet.Curve]crypto.Hash{
	packet.CurveNistP384:      crypto.SHA384,
	packet.CurveBrainpoolP384: crypto.SHA384,
	packet.CurveNistP521:      crypto.SHA512,
	packet.CurveBrainpoolP512: crypto.SHA512,
}

func askOpenPGPECDSA(p *packet.PublicKey) (Algorithm, error) {
	curve, err := p.Curve()
	if err != nil || curve == packet.CurveSecP256k1 {
		return Algorithm{}, fmt.Errorf("%w: ecdsa on curve %q", ErrUnsupported, string(curve))
	}
	a := Algorithm{Family: ECDSAP256.Family, Curve: string(curve), Hash: crypto.SHA256}
	if h := openPGPHashes[curve]; h != 0 {
		a.Hash = h
	}
	return a, nil
}
