package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// ErrTaken is in the error about a link that is somebody else's, or of somebody
// who has a role already.
var ErrTaken = errors.New("this link cannot be used by you")

// Identity is who somebody is by the word of a provider: issuer and subject
// together, whatever the name.
type Identity struct {
	Issuer, Subject string
	Name            string
}

// SignIn starts a session of the person whose identity that is, known by a hash,
// for at most that long. With the hash of a link, the person has what the link
// gives from then on, and nobody can use the link without that identity. Without
// one, an identity of nobody gives ErrNotFound. A link that cannot be used gives
// ErrNoLink; one of somebody else, or in a venue where the person has a role,
// ErrTaken.
func (s *Store) SignIn(ctx context.Context, id Identity, link *Hash, session Hash, atMost time.Duration) (p Person, err error) {
	err = s.change(ctx, func(tx *sql.Tx) (Entry, error) {
		if p, err = s.personBy(ctx, tx, id); err != nil && !errors.Is(err, ErrNotFound) {
			return Entry{}, err
		}
		e := Entry{Action: "sign in"}
		if link != nil {
			if e, p, err = s.useLink(ctx, tx, id, p, *link); err != nil {
				return Entry{}, err
			}
		} else if p.ID == 0 {
			return Entry{}, fmt.Errorf("identity: %w", ErrNotFound)
		}
		e.Actor = p.ID
		_, err := tx.ExecContext(ctx, "INSERT INTO sessions (hash, person, link, expires) VALUES (?, ?, NULL, ?)", session[:], p.ID, s.now().Add(atMost).Unix())
		return e, err
	})
	return p, err
}

// personBy returns whose identity that is.
func (s *Store) personBy(ctx context.Context, tx *sql.Tx, id Identity) (p Person, err error) {
	err = tx.QueryRowContext(ctx, "SELECT p.id, p.name FROM identities i JOIN people p ON p.id = i.person WHERE i.issuer = ? AND i.subject = ?",
		id.Issuer, id.Subject).Scan(&p.ID, &p.Name)
	return p, notFound("identity", err)
}

// useLink gives what a link gives to p, who has that identity, or to a new
// person who has it from now on.
func (s *Store) useLink(ctx context.Context, tx *sql.Tx, id Identity, p Person, hash Hash) (e Entry, _ Person, err error) {
	l, err := s.foundLink(ctx, tx, hash)
	if err != nil {
		return e, p, err
	}
	e = Entry{Action: "use link with identity", Venue: l.Venue, Subject: fmt.Sprint(l.ID)}
	switch {
	case p.ID != 0 && l.Person == p.ID:
		return e, p, nil
	case p.ID != 0 && l.Person != 0:
		return e, p, fmt.Errorf("link: %w: somebody else has used it", ErrTaken)
	case p.ID != 0:
		return e, p, s.addMembership(ctx, tx, l, p)
	}
	if bound, err := s.hasIdentity(ctx, tx, l.Person); err != nil || bound {
		return e, p, errors.Join(err, fmt.Errorf("link: %w: somebody else has signed in with it", ErrTaken))
	}
	if p, err = s.personOf(ctx, tx, l); err != nil {
		return e, p, err
	}
	// Whoever used the link without the identity is no longer in.
	if _, err := tx.ExecContext(ctx, "DELETE FROM sessions WHERE person = ?", p.ID); err != nil {
		return e, p, err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO identities (issuer, subject, person, name, created) VALUES (?, ?, ?, ?, ?)", id.Issuer, id.Subject, p.ID, id.Name, s.now().Unix())
	return e, p, err
}

func (s *Store) hasIdentity(ctx context.Context, tx *sql.Tx, person int64) (has bool, err error) {
	var n int
	err = tx.QueryRowContext(ctx, "SELECT count(*) FROM identities WHERE person = ?", person).Scan(&n)
	return n > 0, err
}

// addMembership gives p, who is known already, the role of an unused link.
func (s *Store) addMembership(ctx context.Context, tx *sql.Tx, l Link, p Person) error {
	// A role that has ended makes room for a new one.
	if _, err := tx.ExecContext(ctx, "DELETE FROM memberships WHERE venue = ? AND person = ? AND expires <> 0 AND expires <= ?", l.Venue, p.ID, s.now().Unix()); err != nil {
		return err
	}
	var has Role
	err := tx.QueryRowContext(ctx, "SELECT role FROM memberships WHERE venue = ? AND person = ?", l.Venue, p.ID).Scan(&has)
	if err == nil {
		return fmt.Errorf("link: %w: you are %s there already", ErrTaken, has)
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return s.giveRole(ctx, tx, l, p.ID)
}

// giveRole gives a person what a link gives, and the link to the person.
func (s *Store) giveRole(ctx context.Context, tx *sql.Tx, l Link, person int64) error {
	expires := l.Expires.Unix()
	if l.Once {
		expires = 0
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO memberships (venue, person, role, link, expires) VALUES (?, ?, ?, ?, ?)", l.Venue, person, l.Role, l.ID, expires); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "UPDATE links SET person = ? WHERE id = ?", person, l.ID)
	return err
}

// Identities returns as whom a person signs in.
func (s *Store) Identities(ctx context.Context, person int64) (all []Identity, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT issuer, subject, name FROM identities WHERE person = ? ORDER BY created, issuer, subject", person)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id Identity
		if err := rows.Scan(&id.Issuer, &id.Subject, &id.Name); err != nil {
			return nil, err
		}
		all = append(all, id)
	}
	return all, rows.Err()
}
