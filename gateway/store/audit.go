package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
)

// Entry is one line of the audit log.
type Entry struct {
	Sequence int64  `json:"sequence"` // from 1, without gaps
	Time     int64  `json:"time"`     // seconds since 1970
	Actor    int64  `json:"actor"`    // the person, 0: the gateway itself
	Action   string `json:"action"`
	Venue    string `json:"venue"` // empty: the gateway as a whole
	Subject  string `json:"subject"`
	Hash     Hash   `json:"-"` // over this entry and the hash of the one before
}

// chained is the hash of e behind an entry of that hash: SHA-256 over its 32
// bytes and the JSON of e (GTW-3).
func (e Entry) chained(before Hash) (Hash, error) {
	doc, err := json.Marshal(e)
	if err != nil {
		return Hash{}, err
	}
	return sha256.Sum256(append(before[:], doc...)), nil
}

// appendEntry adds e behind the last entry.
func (s *Store) appendEntry(ctx context.Context, tx *sql.Tx, e Entry) error {
	var before []byte
	err := tx.QueryRowContext(ctx, "SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1").Scan(&e.Sequence, &before)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	var last Hash
	copy(last[:], before)
	e.Sequence++
	e.Time = s.now().Unix()
	if e.Hash, err = e.chained(last); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO audit (sequence, time, actor, action, venue, subject, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
		e.Sequence, e.Time, e.Actor, e.Action, e.Venue, e.Subject, e.Hash[:])
	return err
}

// Audit calls visit for each entry of the audit log, the oldest first, and
// checks that each follows from the one before. It returns the last hash: who
// wrote it down elsewhere notices later if the log was cut or made anew. A
// broken chain is an error that names the entry.
func (s *Store) Audit(ctx context.Context, visit func(Entry) error) (last Hash, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT sequence, time, actor, action, venue, subject, hash FROM audit ORDER BY sequence")
	if err != nil {
		return last, err
	}
	defer rows.Close()
	for n := int64(1); rows.Next(); n++ {
		var e Entry
		var hash []byte
		if err := rows.Scan(&e.Sequence, &e.Time, &e.Actor, &e.Action, &e.Venue, &e.Subject, &hash); err != nil {
			return last, err
		}
		copy(e.Hash[:], hash)
		want, err := e.chained(last)
		if err != nil {
			return last, err
		}
		if e.Sequence != n || e.Hash != want {
			return last, fmt.Errorf("audit log: entry %d: does not follow from the one before: it was altered, or one is missing", n)
		}
		if err := visit(e); err != nil {
			return last, err
		}
		last = e.Hash
	}
	return last, rows.Err()
}
