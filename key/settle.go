package key

import (
	"crypto"
	"slices"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// settle checks every signature that e makes over itself, once. go-crypto
// would do so at first use and remember the outcome, together with what the
// time of that first use made of it; settled here, outcomes do not depend on
// the order of questions and e may be shared by goroutines.
func settle(e *openpgp.Entity) {
	primary := e.PrimaryKey
	for _, s := range e.Revocations {
		mark(s, primary.VerifyRevocationSignature(s.Packet) == nil)
	}
	for _, s := range e.DirectSignatures {
		mark(s, acceptable(s) && primary.VerifyDirectKeySignature(s.Packet) == nil)
	}
	for name, id := range e.Identities {
		for _, s := range id.SelfCertifications {
			mark(s, acceptable(s) && primary.VerifyUserIdSignature(name, primary, s.Packet) == nil)
		}
		for _, s := range id.Revocations {
			mark(s, primary.VerifyUserIdSignature(name, primary, s.Packet) == nil)
		}
	}
	for _, sub := range e.Subkeys {
		for _, s := range sub.Bindings {
			mark(s, acceptable(s) && primary.VerifyKeySignature(sub.PublicKey, s.Packet) == nil)
		}
		for _, s := range sub.Revocations {
			mark(s, primary.VerifySubkeyRevocationSignature(s.Packet, sub.PublicKey) == nil)
		}
	}
}

func mark(s *packet.VerifiableSignature, valid bool) { s.Valid = &valid }

// acceptable refuses what a revocation is still heeded for: a broken hash, or
// a demand that this program does not understand.
func acceptable(s *packet.VerifiableSignature) bool {
	broken := s.Packet.Hash == crypto.MD5 || s.Packet.Hash == crypto.RIPEMD160 || s.Packet.Hash == crypto.SHA1
	return !broken && !slices.ContainsFunc(s.Packet.Notations, func(n *packet.Notation) bool { return n.IsCritical })
}
