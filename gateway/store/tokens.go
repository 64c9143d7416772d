package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// MaxTokens is how many tokens a person can have that can be used.
const MaxTokens = 20

// Token is what a program of a person shows: it may what the person may, at that
// moment.
type Token struct {
	ID      int64
	Label   string
	Created time.Time
	Expires time.Time
	Revoked bool
}

// AddToken adds a token of a person whose secret has that hash.
func (s *Store) AddToken(ctx context.Context, person int64, t Token, hash Hash) error {
	if err := checkName("token", t.Label); err != nil {
		return err
	}
	return s.change(ctx, func(tx *sql.Tx) (Entry, error) {
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM tokens WHERE person = ? AND revoked = 0 AND expires > ?", person, s.now().Unix()).Scan(&n); err != nil {
			return Entry{}, err
		}
		if n >= MaxTokens {
			return Entry{}, invalid("token", "you have %d already: revoke one", n)
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO tokens (hash, person, label, created, expires) VALUES (?, ?, ?, ?, ?)", hash[:], person, t.Label, s.now().Unix(), t.Expires.Unix())
		return Entry{Actor: person, Action: "add token", Subject: t.Label}, err
	})
}

// Tokens returns the tokens of a person, the newest first.
func (s *Store) Tokens(ctx context.Context, person int64) (all []Token, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id, label, created, expires, revoked FROM tokens WHERE person = ? ORDER BY id DESC", person)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var t Token
		var created, expires int64
		if err := rows.Scan(&t.ID, &t.Label, &created, &expires, &t.Revoked); err != nil {
			return nil, err
		}
		t.Created, t.Expires = time.Unix(created, 0).UTC(), time.Unix(expires, 0).UTC()
		all = append(all, t)
	}
	return all, rows.Err()
}

// RevokeToken ends a token of a person: ErrNotFound if it is none of theirs.
func (s *Store) RevokeToken(ctx context.Context, person, id int64) error {
	return s.change(ctx, func(tx *sql.Tx) (Entry, error) {
		r, err := tx.ExecContext(ctx, "UPDATE tokens SET revoked = 1 WHERE id = ? AND person = ?", id, person)
		if err == nil {
			if n, _ := r.RowsAffected(); n == 0 {
				err = fmt.Errorf("token: %w", ErrNotFound)
			}
		}
		return Entry{Actor: person, Action: "revoke token", Subject: fmt.Sprint(id)}, err
	})
}

// ByToken returns whose token has that hash: ErrNoLink if it cannot be used.
func (s *Store) ByToken(ctx context.Context, hash Hash) (p Person, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT p.id, p.name FROM tokens t JOIN people p ON p.id = t.person WHERE t.hash = ? AND t.revoked = 0 AND t.expires > ?",
		hash[:], s.now().Unix()).Scan(&p.ID, &p.Name)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("token: %w", ErrNoLink)
	}
	return p, err
}
