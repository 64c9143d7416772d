package key

import (
	"crypto"
	"slices"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// checkSelfSignatures checks every signature that e makes over itself and
// records the outcome in it. go-crypto would do so at first use, and remember
// an outcome that depends on the time of that use. Recorded here, the outcome
// does not depend on the order of calls, and goroutines may share e.
func checkSelfSignatures(e *openpgp.Entity) {
	primary := e.PrimaryKey
	for _, s := range e.Revocations {
		record(s, primary.VerifyRevocationSignature(s.Packet) == nil)
	}
	for _, s := range e.DirectSignatures {
		record(s, acceptable(s) && primary.VerifyDirectKeySignature(s.Packet) == nil)
	}
	for name, id := range e.Identities {
		for _, s := range id.SelfCertifications {
			record(s, acceptable(s) && primary.VerifyUserIdSignature(name, primary, s.Packet) == nil)
		}
		for _, s := range id.Revocations {
			record(s, primary.VerifyUserIdSignature(name, primary, s.Packet) == nil)
		}
	}
	for _, sub := range e.Subkeys {
		for _, s := range sub.Bindings {
			record(s, acceptable(s) && primary.VerifyKeySignature(sub.PublicKey, s.Packet) == nil)
		}
		for _, s := range sub.Revocations {
			record(s, primary.VerifySubkeyRevocationSignature(s.Packet, sub.PublicKey) == nil)
		}
	}
}

func record(s *packet.VerifiableSignature, valid bool) { s.Valid = &valid }

// acceptable reports whether s uses a hash that is not broken, and no critical
// notation, which this program would not understand. Revocations are believed
// without either.
func acceptable(s *packet.VerifiableSignature) bool {
	broken := s.Packet.Hash == crypto.MD5 || s.Packet.Hash == crypto.RIPEMD160 || s.Packet.Hash == crypto.SHA1
	return !broken && !slices.ContainsFunc(s.Packet.Notations, func(n *packet.Notation) bool { return n.IsCritical })
}
