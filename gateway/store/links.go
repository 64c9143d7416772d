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

	Identity *Identity // as whom the person signs in; nil: by the link alone
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
			return Entry{}, fmt.Errorf("venue: %q: %w", l.Venue, ErrNotFound)
		}
		err := tx.QueryRowContext(ctx, "INSERT INTO links (hash, venue, role, label, once, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
			hash[:], l.Venue, l.Role, l.Label, l.Once, s.now().Unix(), l.Expires.Unix()).Scan(&id)
		if err != nil {
			return Entry{}, err
		}
		return Entry{Actor: actor, Action: "add link", Venue: l.Venue, Subject: fmt.Sprintf("%d %s", id, l.Role)}, nil
	})
	return id, err
}

// Links returns the links of a venue, the newest first.
func (s *Store) Links(ctx context.Context, venue string) (links []Link, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT l.id, l.venue, l.role, l.label, l.once, l.expires, l.revoked, coalesce(l.person, 0),
		coalesce(i.issuer, ''), coalesce(i.subject, ''), coalesce(i.name, '') FROM links l LEFT JOIN identities i ON i.person = l.person WHERE l.venue = ? ORDER BY l.id DESC`, venue)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var l Link
		var id Identity
		var expires int64
		if err := rows.Scan(&l.ID, &l.Venue, &l.Role, &l.Label, &l.Once, &expires, &l.Revoked, &l.Person, &id.Issuer, &id.Subject, &id.Name); err != nil {
			return nil, err
		}
		if id.Issuer != "" {
			l.Identity = &id
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
		_, err := tx.ExecContext(ctx, "UPDATE links SET revoked = 1 WHERE venue = ? AND once = 1 AND person IS NULL", venue)
		return Entry{Actor: actor, Action: "revoke unused links", Venue: venue}, err
	})
}

// foundLink is a link that can be used now.
func (s *Store) foundLink(ctx context.Context, tx *sql.Tx, hash Hash) (l Link, err error) {
	var expires int64
	err = tx.QueryRowContext(ctx, `SELECT id, venue, role, label, once, expires, coalesce(person, 0) FROM links
		WHERE hash = ? AND revoked = 0 AND expires > ?`, hash[:], s.now().Unix()).Scan(&l.ID, &l.Venue, &l.Role, &l.Label, &l.Once, &expires, &l.Person)
	if errors.Is(err, sql.ErrNoRows) || err == nil && l.Once && l.Person != 0 {
		return l, ErrNoLink
	}
	l.Expires = time.Unix(expires, 0).UTC()
	return l, err
}

// openLink is a link that can be used now by whoever has its secret: one of a
// person with an identity is not (GTW-8). Others may know the secret, and the
// person may have roles that it does not give.
func (s *Store) openLink(ctx context.Context, tx *sql.Tx, hash Hash) (Link, error) {
	l, err := s.foundLink(ctx, tx, hash)
	if err != nil {
		return l, err
	}
	bound, err := s.hasIdentity(ctx, tx, l.Person)
	if err == nil && bound {
		err = ErrSignIn
	}
	return l, err
}

// Redeem uses the link whose secret has that hash and starts a session of the
// person whose it is, known by another hash, for at most that long. A link that
// cannot be used gives ErrNoLink, one of a person with an identity ErrSignIn.
func (s *Store) Redeem(ctx context.Context, link, session Hash, atMost time.Duration) (p Person, err error) {
	err = s.change(ctx, func(tx *sql.Tx) (Entry, error) {
		l, err := s.openLink(ctx, tx, link)
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
	var id int64
	err := tx.QueryRowContext(ctx, "INSERT INTO people (name, created) VALUES (?, ?) RETURNING id", l.Label, s.now().Unix()).Scan(&id)
	if err != nil {
		return Person{}, err
	}
	err = s.giveRole(ctx, tx, l, id)
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
// for programs: ErrNoLink. Nor is one of a person with an identity: ErrSignIn.
func (s *Store) Bearer(ctx context.Context, link Hash) (p Person, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT p.id, p.name FROM links l JOIN people p ON p.id = l.person
		WHERE l.hash = ? AND l.revoked = 0 AND l.once = 0 AND l.expires > ? AND NOT EXISTS (SELECT 1 FROM identities i WHERE i.person = p.id)`, link[:], s.now().Unix()).Scan(&p.ID, &p.Name)
	if !errors.Is(err, sql.ErrNoRows) {
		return p, err
	}
	err = s.change(ctx, func(tx *sql.Tx) (Entry, error) { // its first use
		l, err := s.openLink(ctx, tx, link)
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
