package timestamp

import (
	"crypto"
	"slices"
	"time"

	"repro/format/timerecord"
)

// Trust says whose word about times the caller believes.
type Trust struct {
	Authorities []*Authority
	Least       int // different authorities that must agree; 0: one

	// Broken gives the times from which hashes no longer prove anything: what
	// was stamped with one counts only if it was stamped anew before, with
	// another.
	Broken map[crypto.Hash]time.Time
}

// Finding is what was found about one token of a record.
type Finding struct {
	Record int // from 0, in the order in which records were added
	Token  *Token
	Stamp  *Stamp // nil: it does not count
	Err    error  // why not

	// Expired says that the certificate or the window of trust has ended
	// since: it counts, but was better stamped anew.
	Expired bool
}

// Evidence is all that is known about when signatures were there.
type Evidence struct {
	trust    Trust
	now      time.Time
	records  []evidenceRecord
	findings []*Finding
	settled  bool
}

type evidenceRecord struct {
	*timerecord.Record
	bytes    []byte
	findings []*Finding
}

// NewEvidence returns an empty collection that is judged as of now.
func NewEvidence(t Trust, now time.Time) *Evidence { return &Evidence{trust: t, now: now} }

// Add takes in a record, whose bytes are b. What it says about the image, its
// content and objects, must have been compared.
func (e *Evidence) Add(r *timerecord.Record, b []byte) {
	record := evidenceRecord{Record: r, bytes: b}
	for _, der := range r.Tokens {
		f := &Finding{Record: len(e.records)}
		f.Token, f.Stamp, f.Err = e.check(der, r)
		record.findings = append(record.findings, f)
		e.findings = append(e.findings, f)
	}
	e.records, e.settled = append(e.records, record), false
}

func (e *Evidence) check(der []byte, r *timerecord.Record) (*Token, *Stamp, error) {
	t, err := Parse(der)
	if err != nil {
		return nil, nil, err
	}
	if t.Hash != r.Hash {
		return t, nil, wrong(ErrWeak, "made with %v over a record with %v", t.Hash, r.Hash)
	}
	s, err := t.Verify(r.Message(), e.trust.Authorities, e.now)
	return t, s, err
}

// Findings returns what was found about every token.
func (e *Evidence) Findings() []*Finding {
	e.settle()
	return e.findings
}

// settle takes away stamps whose authority or hash has failed since, and that
// nobody stamped anew before. The latest are judged first: what a stamp needs
// is always a later one. SPEC.md, TSP-12.
func (e *Evidence) settle() {
	if e.settled {
		return
	}
	e.settled = true
	byTime := slices.Clone(e.findings)
	byTime = slices.DeleteFunc(byTime, func(f *Finding) bool { return f.Stamp == nil })
	slices.SortStableFunc(byTime, func(a, b *Finding) int { return b.Token.Time.Compare(a.Token.Time) })
	for _, f := range byTime {
		end, why := e.end(f)
		if end.IsZero() || end.After(e.now) || e.renewed(f, end, nil) {
			f.Expired = e.expired(f)
			continue
		}
		f.Stamp, f.Err = nil, wrong(ErrInvalid, "%s since %s, and nobody stamped it anew before", why, stamp(end))
	}
}

// end returns when a stamp stops counting by itself; zero: never.
func (e *Evidence) end(f *Finding) (end time.Time, why string) {
	if c := f.Stamp.Authority.Compromised; !c.IsZero() {
		end, why = c, "others may have the key of "+f.Stamp.Authority.Name
	}
	if b, hash := e.broken(f); !b.IsZero() && (end.IsZero() || b.Before(end)) {
		end, why = b, hash.String()+" proves nothing"
	}
	return end, why
}

// broken returns when a hash that a stamp rests on proves nothing any more, and
// which; zero: never.
func (e *Evidence) broken(f *Finding) (at time.Time, which crypto.Hash) {
	for _, h := range []crypto.Hash{f.Token.Hash, f.Token.digest} {
		if b := e.trust.Broken[h]; !b.IsZero() && (at.IsZero() || b.Before(at)) {
			at, which = b, h
		}
	}
	return at, which
}

// expired says that an authority that counts is past its time. SPEC.md, TSP-10.
func (e *Evidence) expired(f *Finding) bool {
	until := f.Stamp.Authority.Window.Until
	past := e.now.After(f.Stamp.Signer.NotAfter) || !until.IsZero() && !e.now.Before(until)
	return past && !e.renewed(f, e.now, nil)
}

// renewed reports whether a later record, with a stamp that counts and is from
// before end, covers the record of f; and signature too, if it is not nil.
// SPEC.md, TSP-11.
func (e *Evidence) renewed(f *Finding, end time.Time, signature []byte) bool {
	old := e.records[f.Record].bytes
	return slices.ContainsFunc(e.records, func(r evidenceRecord) bool {
		if !r.Covers(old) || signature != nil && !r.Covers(signature) {
			return false
		}
		return slices.ContainsFunc(r.findings, func(g *Finding) bool {
			return g.Stamp != nil && g.Token.Time.After(f.Token.Time) && g.Token.Latest().Before(end)
		})
	})
}

// proves reports whether f, which counts, is about signature. If the hash of
// its record is broken, another signature with the same hash may have been put
// in the place of the one that was there: whoever stamped the record anew must
// have stamped the signature with it.
func (e *Evidence) proves(f *Finding, signature []byte) bool {
	if f.Stamp == nil || !e.records[f.Record].Covers(signature) {
		return false
	}
	at, _ := e.broken(f)
	return at.IsZero() || at.After(e.now) || e.renewed(f, at, signature)
}

// Of returns the time at which signature was there, by the word of as many
// different authorities as the caller wants, and whose word that is; zero if
// there is none. SPEC.md, TSP-14. more are stamps over the signature itself, from elsewhere.
func (e *Evidence) Of(signature []byte, more ...*Stamp) (time.Time, []*Stamp) {
	e.settle()
	stamps := slices.Clone(more)
	for _, f := range e.findings {
		if e.proves(f, signature) {
			stamps = append(stamps, f.Stamp)
		}
	}
	slices.SortStableFunc(stamps, func(a, b *Stamp) int { return a.Latest().Compare(b.Latest()) })
	var different []*Stamp
	for _, s := range stamps {
		if !slices.ContainsFunc(different, s.Same) {
			different = append(different, s)
		}
		if len(different) == max(1, e.trust.Least) {
			return s.Latest(), different
		}
	}
	return time.Time{}, nil
}

// About checks a token over signature that stands in no record.
func (e *Evidence) About(der, signature []byte) (*Stamp, error) {
	t, err := Parse(der)
	if err != nil {
		return nil, err
	}
	s, err := t.Verify(signature, e.trust.Authorities, e.now)
	if err != nil {
		return nil, err
	}
	f := &Finding{Token: t, Stamp: s}
	if end, why := e.end(f); !end.IsZero() && !end.After(e.now) {
		return nil, wrong(ErrInvalid, "%s since %s", why, stamp(end))
	}
	return s, nil
}
