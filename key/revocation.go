package key

import (
	"time"
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
	if end := p.Expires(); !end.IsZero() && !end.After(now) {
		return "it expired on " + end.Format(time.RFC3339)
	}
	return ""
}
