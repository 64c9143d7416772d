package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"repro/format/manifest"
)

// MaxKeys is how many keys a venue can trust, and how many attestations can be
// attached to a submission: each is checked whenever its page is shown.
const MaxKeys = 100

// TrustedKey is a public key whose signatures a venue believes.
type TrustedKey struct {
	Fingerprint string
	Name        string // what its owner is called there
	Material    []byte // the file
	Created     time.Time
}

// AddKey lets a venue trust a key, under another name if it does already.
func (s *Store) AddKey(ctx context.Context, actor int64, venue string, k TrustedKey) error {
	if err := checkName("key", k.Name); err != nil {
		return err
	}
	return s.change(ctx, func(tx *sql.Tx) (Entry, error) {
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM trusted_keys WHERE venue = ? AND fingerprint <> ?", venue, k.Fingerprint).Scan(&n); err != nil {
			return Entry{}, err
		}
		if n >= MaxKeys {
			return Entry{}, invalid("key", "this venue trusts %d already", n)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO trusted_keys (venue, fingerprint, name, material, created) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (venue, fingerprint) DO UPDATE SET name = excluded.name, material = excluded.material`, venue, k.Fingerprint, k.Name, k.Material, s.now().Unix())
		return Entry{Actor: actor, Action: "trust key", Venue: venue, Subject: k.Fingerprint}, err
	})
}

// RemoveKey ends a venue's trust in a key: ErrNotFound if there is none.
func (s *Store) RemoveKey(ctx context.Context, actor int64, venue, fingerprint string) error {
	return s.change(ctx, func(tx *sql.Tx) (Entry, error) {
		r, err := tx.ExecContext(ctx, "DELETE FROM trusted_keys WHERE venue = ? AND fingerprint = ?", venue, fingerprint)
		if err == nil {
			if n, _ := r.RowsAffected(); n == 0 {
				err = fmt.Errorf("key: %w", ErrNotFound)
			}
		}
		return Entry{Actor: actor, Action: "distrust key", Venue: venue, Subject: fingerprint}, err
	})
}

// Keys returns the keys that a venue trusts, by name.
func (s *Store) Keys(ctx context.Context, venue string) (keys []TrustedKey, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT fingerprint, name, material, created FROM trusted_keys WHERE venue = ? ORDER BY name, fingerprint", venue)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var k TrustedKey
		var created int64
		if err := rows.Scan(&k.Fingerprint, &k.Name, &k.Material, &created); err != nil {
			return nil, err
		}
		k.Created = time.Unix(created, 0).UTC()
		keys = append(keys, k)
	}
	return keys, rows.Err()
}

// Attached is an attestation that somebody attached to a submission.
type Attached struct {
	ID       int64
	Person   int64
	Name     string // of the person
	Digest   manifest.Digest
	Bundle   []byte
	Material []byte // the public key that was given with it; empty: none
	Created  time.Time
}

// Attach attaches an attestation to a submission. The same one again gives
// ErrExists.
func (s *Store) Attach(ctx context.Context, sub Submission, a Attached) error {
	return s.change(ctx, func(tx *sql.Tx) (Entry, error) {
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM attestations WHERE submission = ?", sub.ID).Scan(&n); err != nil {
			return Entry{}, err
		}
		if n >= MaxKeys {
			return Entry{}, invalid("attestation", "this submission has %d already", n)
		}
		r, err := tx.ExecContext(ctx, "INSERT INTO attestations (submission, person, digest, bundle, material, created) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			sub.ID, a.Person, a.Digest, a.Bundle, append([]byte{}, a.Material...), s.now().Unix()) // no NULL
		if err == nil {
			if n, _ := r.RowsAffected(); n == 0 {
				err = fmt.Errorf("attestation: %w", ErrExists)
			}
		}
		return Entry{Actor: a.Person, Action: "attach attestation", Venue: sub.Venue, Subject: sub.ID + " " + string(a.Digest)}, err
	})
}

// Attachments returns what is attached to a submission, the oldest first.
func (s *Store) Attachments(ctx context.Context, submission string) (all []Attached, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT a.id, a.person, p.name, a.digest, a.bundle, a.material, a.created FROM attestations a
		JOIN people p ON p.id = a.person WHERE a.submission = ? ORDER BY a.id`, submission)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var a Attached
		var created int64
		if err := rows.Scan(&a.ID, &a.Person, &a.Name, &a.Digest, &a.Bundle, &a.Material, &created); err != nil {
			return nil, err
		}
		a.Created = time.Unix(created, 0).UTC()
		all = append(all, a)
	}
	return all, rows.Err()
}

// Outcome is what was decided about a submission.
type Outcome string

// The outcomes.
const (
	Undecided Outcome = "undecided" // none was, or it is open again
	Accepted  Outcome = "accepted"
	Revise    Outcome = "revise"
	Rejected  Outcome = "rejected"
)

// Outcomes lists what can be decided.
func Outcomes() []Outcome { return []Outcome{Accepted, Revise, Rejected, Undecided} }

// Decision is one decision about a submission.
type Decision struct {
	ID      int64
	Person  int64
	Outcome Outcome
	Words   string // for the authors
	Created time.Time
}

// maxWords is how long what people write can be, in bytes.
const maxWords = 64 << 10

// Decide adds a decision. The last one counts; none is ever removed.
func (s *Store) Decide(ctx context.Context, sub Submission, d Decision) error {
	if !slices.Contains(Outcomes(), d.Outcome) {
		return invalid("decision", "%q: is none of accepted, revise, rejected and undecided", string(d.Outcome))
	}
	if len(d.Words) > maxWords {
		return invalid("decision", "%d bytes of words, at most %d can be", len(d.Words), maxWords)
	}
	return s.change(ctx, func(tx *sql.Tx) (Entry, error) {
		_, err := tx.ExecContext(ctx, "INSERT INTO decisions (submission, person, decision, words, created) VALUES (?, ?, ?, ?, ?)", sub.ID, d.Person, d.Outcome, d.Words, s.now().Unix())
		return Entry{Actor: d.Person, Action: "decide", Venue: sub.Venue, Subject: sub.ID + " " + string(d.Outcome)}, err
	})
}

// Decisions returns the decisions about a submission, the last one first.
func (s *Store) Decisions(ctx context.Context, submission string) (all []Decision, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id, person, decision, words, created FROM decisions WHERE submission = ? ORDER BY id DESC", submission)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d Decision
		var created int64
		if err := rows.Scan(&d.ID, &d.Person, &d.Outcome, &d.Words, &created); err != nil {
			return nil, err
		}
		d.Created = time.Unix(created, 0).UTC()
		all = append(all, d)
	}
	return all, rows.Err()
}

// Outcome returns what was decided last about a submission.
func (s *Store) Outcome(ctx context.Context, submission string) (o Outcome, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT decision FROM decisions WHERE submission = ? ORDER BY id DESC LIMIT 1", submission).Scan(&o)
	if errors.Is(err, sql.ErrNoRows) {
		return Undecided, nil
	}
	return o, err
}
