package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Link is an invitation: whoever has its secret has the role in the venue,
// until it expires or is revoked. The first use makes the person; later uses,
// on another computer, are by the same one.
type Link struct {
	ID      int64
	Venue   string
	Role    Role
	Label   string // what the person is called
	Once    bool   // only the first use counts, and what it gives does not expire
	Expires time.Time
	Revoked bool
	Person  int64 // 0: not used yet
}

// Person is somebody who has used a link.
type Person struct {
	ID   int64
	Name string
}

// AddLink adds a link whose secret has that hash and returns its number.
func (s *Store) AddLink(ctx context.Context, actor int64, l Link, hash Hash) (id int64, err error) {
	if err := checkName("link", l.Label); err != nil {
		return 0, err
	}
	if !slices.Contains(Roles(), l.Role) {
		return 0, invalid("link", "%q is not a role", string(l.Role))
	}
	if l.Venue == Site && l.Role != Administrator {
		return 0, invalid("link", "%s: the gateway itself has administrators only", string(l.Role))
	}
	err = s.change(ctx, func(tx *sql.Tx) (Entry, error) {
		var venues int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM venues WHERE id = ?", l.Venue).Scan(&venues); err != nil {
			return Entry{}, err
		}
		if venues == 0 {
			return Entry{}, fmt.Errorf("venue: %w", ErrNotFound)
		}
		r, err := tx.ExecContext(ctx, "INSERT INTO links (hash, venue, role, label, once, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?)",
			hash[:], l.Venue, l.Role, l.Label, l.Once, s.now().Unix(), l.Expires.Unix())
		if err != nil {
			return Entry{}, err
		}
		if id, err = r.LastInsertId(); err != nil {
			return Entry{}, err
		}
		return Entry{Actor: actor, Action: "add link", Venue: l.Venue, Subject: fmt.Sprintf("%d %s", id, l.Role)}, nil
	})
	return id, err
}

// Links returns the links of a venue, the newest first.
func (s *Store) Links(ctx context.Context, venue string) (links []Link, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id, venue, role, label, once, expires, revoked, coalesce(person, 0) FROM links WHERE venue = ? ORDER BY id DESC", venue)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var l Link
		var expires int64
		if err := rows.Scan(&l.ID, &l.Venue, &l.Role, &l.Label, &l.Once, &expires, &l.Revoked, &l.Person); err != nil {
			return nil, err
		}
		l.Expires = time.Unix(expires, 0).UTC()
		links = append(links, l)
	}
	return links, rows.Err()
}

// RevokeLink ends a link of a venue, and with it the sessions and the role that
// were had by it. A link of another venue gives ErrNotFound.
func (s *Store) RevokeLink(ctx context.Context, actor int64, venue string, id int64) error {
	return s.change(ctx, func(tx *sql.Tx) (Entry, error) {
		r, err := tx.ExecContext(ctx, "UPDATE links SET revoked = 1 WHERE id = ? AND venue = ?", id, venue)
		if err != nil {
			return Entry{}, err
		}
		if n, _ := r.RowsAffected(); n == 0 {
			return Entry{}, fmt.Errorf("link: %w", ErrNotFound)
		}
		for _, q := range []string{"DELETE FROM memberships WHERE link = ?", "DELETE FROM sessions WHERE link = ?"} {
			if _, err := tx.ExecContext(ctx, q, id); err != nil {
				return Entry{}, err
			}
		}
		return Entry{Actor: actor, Action: "revoke link", Venue: venue, Subject: fmt.Sprint(id)}, nil
	})
}

// RevokeUnused revokes the links of the venue that are for one use and were
// not used.
func (s *Store) RevokeUnused(ctx context.Context, actor int64, venue string) error {
	return s.change(ctx, func(tx *sql.Tx) (Entry, error) {
		_, err := tx.ExecContext(ctx, "UPDATE links SET revoked = 1 WHERE venue = ? AND once AND person IS NULL", venue)
		return Entry{Actor: actor, Action: "revoke unused links", Venue: venue}, err
	})
}

// foundLink is a link that can be used now.
func (s *Store) foundLink(ctx context.Context, tx *sql.Tx, hash Hash) (l Link, err error) {
	var expires int64
	err = tx.QueryRowContext(ctx, `SELECT id, venue, role, label, once, expires, coalesce(person, 0) FROM links
		WHERE hash = ? AND NOT revoked AND expires > ?`, hash[:], s.now().Unix()).Scan(&l.ID, &l.Venue, &l.Role, &l.Label, &l.Once, &expires, &l.Person)
	if errors.Is(err, sql.ErrNoRows) || err == nil && l.Once && l.Person != 0 {
		return l, ErrNoLink
	}
	l.Expires = time.Unix(expires, 0).UTC()
	return l, err
}

// Redeem uses the link whose secret has that hash and starts a session of the
// person whose it is, known by another hash, for at most that long. A link that
// cannot be used gives ErrNoLink.
func (s *Store) Redeem(ctx context.Context, link, session Hash, atMost time.Duration) (p Person, err error) {
	err = s.change(ctx, func(tx *sql.Tx) (Entry, error) {
		l, err := s.foundLink(ctx, tx, link)
		if err != nil {
			return Entry{}, err
		}
		if p, err = s.personOf(ctx, tx, l); err != nil {
			return Entry{}, err
		}
		expires := s.now().Add(atMost)
		if !l.Once && l.Expires.Before(expires) {
			expires = l.Expires
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO sessions (hash, person, link, expires) VALUES (?, ?, ?, ?)", session[:], p.ID, l.ID, expires.Unix())
		return Entry{Actor: p.ID, Action: "use link", Venue: l.Venue, Subject: fmt.Sprint(l.ID)}, err
	})
	return p, err
}

// personOf returns whose link l is, and makes the person at its first use.
func (s *Store) personOf(ctx context.Context, tx *sql.Tx, l Link) (Person, error) {
	if l.Person != 0 {
		return Person{ID: l.Person, Name: l.Label}, nil
	}
	r, err := tx.ExecContext(ctx, "INSERT INTO people (name, created) VALUES (?, ?)", l.Label, s.now().Unix())
	if err != nil {
		return Person{}, err
	}
	id, err := r.LastInsertId()
	if err != nil {
		return Person{}, err
	}
	expires := l.Expires.Unix()
	if l.Once {
		expires = 0
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO memberships (venue, person, role, link, expires) VALUES (?, ?, ?, ?, ?)", l.Venue, id, l.Role, l.ID, expires); err != nil {
		return Person{}, err
	}
	_, err = tx.ExecContext(ctx, "UPDATE links SET person = ? WHERE id = ?", id, l.ID)
	return Person{ID: id, Name: l.Label}, err
}

// Session returns whose session has that hash: ErrNotFound if it is over.
func (s *Store) Session(ctx context.Context, session Hash) (p Person, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT p.id, p.name FROM sessions s JOIN people p ON p.id = s.person WHERE s.hash = ? AND s.expires > ?",
		session[:], s.now().Unix()).Scan(&p.ID, &p.Name)
	return p, notFound("session", err)
}

// EndSession ends a session, if it is one.
func (s *Store) EndSession(ctx context.Context, session Hash) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM sessions WHERE hash = ? OR expires <= ?", session[:], s.now().Unix())
	return err
}

// Bearer returns whose link has that hash, for a program that shows the link
// itself with every request in place of a session. A link for one use is none
// for programs: ErrNoLink.
func (s *Store) Bearer(ctx context.Context, link Hash) (p Person, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT p.id, p.name FROM links l JOIN people p ON p.id = l.person
		WHERE l.hash = ? AND NOT l.revoked AND NOT l.once AND l.expires > ?`, link[:], s.now().Unix()).Scan(&p.ID, &p.Name)
	if !errors.Is(err, sql.ErrNoRows) {
		return p, err
	}
	err = s.change(ctx, func(tx *sql.Tx) (Entry, error) { // its first use
		l, err := s.foundLink(ctx, tx, link)
		if err == nil && l.Once {
			err = ErrNoLink
		}
		if err != nil {
			return Entry{}, err
		}
		p, err = s.personOf(ctx, tx, l)
		return Entry{Actor: p.ID, Action: "use link", Venue: l.Venue, Subject: fmt.Sprint(l.ID)}, err
	})
	return p, err
}
