package key

import (
	"errors"
	"time"

	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
)

// Revocation says that a key was revoked.
type Revocation struct {
	Reason Reason
	Time   time.Time
}

// Revocations lists the revocations that the key itself made, for a person to
// read. PEM keys have none.
func (p *Public) Revocations() []Revocation {
	if p.entity == nil {
		return nil
	}
	var all []Revocation
	for _, s := range p.entity.Revocations {
		if s.Valid == nil || !*s.Valid {
			continue
		}
		r := Revocation{Unspecified, s.Packet.CreationTime.UTC()}
		for reason, code := range reasonCodes {
			if s.Packet.RevocationReason != nil && *s.Packet.RevocationReason == code {
				r.Reason = reason
			}
		}
		all = append(all, r)
	}
	return all
}

// NoLongerValid says why p is no longer valid at the time now although its
// earlier signatures stay valid: "it expired on …", "it was superseded on …";
// or "". Whoever steals such a key can sign with a date at which it was valid.
func (p *Public) NoLongerValid(now time.Time) string {
	if p.entity == nil {
		return ""
	}
	for _, r := range p.Revocations() {
		if (r.Reason == Superseded || r.Reason == Retired) && !r.Time.After(now) {
			return "it was " + string(r.Reason) + " on " + r.Time.Format(time.RFC3339)
		}
	}
	if end := p.Expires(); !end.IsZero() && end.Before(now) {
		return "it expired on " + end.Format(time.RFC3339)
	}
	return ""
}

// SubkeyNoLongerValid is [Public.NoLongerValid] of the subkey with the given
// key id: "its subkey expired or was revoked since". It is "" for the primary
// key, and for a subkey that there is not.
func (p *Public) SubkeyNoLongerValid(id uint64, now time.Time) string {
	if p.entity == nil {
		return ""
	}
	for i := range p.entity.Subkeys {
		s := &p.entity.Subkeys[i]
		if s.PublicKey.KeyId != id {
			continue
		}
		switch _, err := s.Verify(now, Policy(now)); {
		case errors.Is(err, pgperrors.ErrKeyExpired):
			return "its subkey has expired"
		case errors.Is(err, pgperrors.ErrKeyRevoked):
			return "its subkey was revoked"
		case err != nil:
			return "its subkey is no longer bound to it"
		}
	}
	return ""
}
