package key

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"

	pgpecdsa "github.com/ProtonMail/go-crypto/openpgp/ecdsa"
	pgped25519 "github.com/ProtonMail/go-crypto/openpgp/ed25519"
	"github.com/ProtonMail/go-crypto/openpgp/eddsa"
)

// Material returns the numbers that p signs with, of the key and its subkeys:
// the modulus or the point, as bytes. Two keys that share one belong to whoever
// has the private number, however many names and fingerprints they have.
func (p *Public) Material() []string {
	if p.entity == nil {
		return material(p.key)
	}
	all := material(p.entity.PrimaryKey.PublicKey)
	for _, sub := range p.entity.Subkeys {
		all = append(all, material(sub.PublicKey.PublicKey)...)
	}
	return all
}

// material is empty for a key that cannot sign.
func material(pub any) []string {
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		return []string{string(pub.N.Bytes())}
	case ed25519.PublicKey:
		return []string{string(pub)}
	case *eddsa.PublicKey:
		return []string{string(pub.X)}
	case *pgped25519.PublicKey:
		return []string{string(pub.Point)}
	case *ecdsa.PublicKey:
		if point, err := pub.Bytes(); err == nil {
			return []string{string(point)}
		}
	case *pgpecdsa.PublicKey:
		return []string{string(pub.MarshalPoint())}
	}
	return nil
}
