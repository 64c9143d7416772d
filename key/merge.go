package key

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// Merge returns p with all that old, an earlier copy of the same key, has
// besides: a copy without a revocation does not undo it. Of names and subkeys
// that both have, those of p are kept with the revocations of both.
func (p *Public) Merge(old *Public) (*Public, error) {
	if p.fingerprint != old.fingerprint {
		return nil, fmt.Errorf("merge keys %s and %s: %w: they are not the same", p.fingerprint, old.fingerprint, ErrUnsupported)
	}
	if p.entity == nil {
		return p, nil
	}
	e := *p.entity
	e.Revocations = union(e.Revocations, old.entity.Revocations)
	e.DirectSignatures = union(e.DirectSignatures, old.entity.DirectSignatures)
	e.Identities = map[string]*openpgp.Identity{}
	for name, id := range old.entity.Identities {
		e.Identities[name] = id
	}
	for name, id := range p.entity.Identities {
		merged := *id
		if before := old.entity.Identities[name]; before != nil {
			merged.Revocations = union(id.Revocations, before.Revocations)
			merged.SelfCertifications = union(id.SelfCertifications, before.SelfCertifications)
		}
		e.Identities[name] = &merged
	}
	e.Subkeys = slices.Clone(e.Subkeys)
	for _, before := range old.entity.Subkeys {
		i := slices.IndexFunc(e.Subkeys, func(s openpgp.Subkey) bool {
			return bytes.Equal(s.PublicKey.Fingerprint, before.PublicKey.Fingerprint)
		})
		if i < 0 {
			e.Subkeys = append(e.Subkeys, before)
			continue
		}
		e.Subkeys[i].Bindings = union(e.Subkeys[i].Bindings, before.Bindings)
		e.Subkeys[i].Revocations = union(e.Subkeys[i].Revocations, before.Revocations)
	}
	// Read back what others will read: the parts must not share state.
	b, err := (&Public{kind: OpenPGP, entity: &e}).Encode()
	if err != nil {
		return nil, err
	}
	return ParsePublic(b)
}

// union returns the signatures of a, and those of b that a has not.
func union(a, b []*packet.VerifiableSignature) []*packet.VerifiableSignature {
	all, seen := slices.Clone(a), map[string]bool{}
	for _, s := range a {
		seen[packetBytes(s)] = true
	}
	for _, s := range b {
		if !seen[packetBytes(s)] {
			all = append(all, s)
		}
	}
	return all
}

func packetBytes(s *packet.VerifiableSignature) string {
	var b bytes.Buffer
	if err := s.Packet.Serialize(&b); err != nil {
		return "" // cannot be compared, nor written later
	}
	return b.String()
}
