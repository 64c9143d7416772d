package store

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of what people name things.
const (
	maxName = 200 // characters
)

// Role is what somebody may do in a venue. Package access says what that is.
type Role string

// The roles, from the one that may most to the one that may nothing.
const (
	Administrator Role = "administrator"
	Editor        Role = "editor"
	Author        Role = "author"
	Reviewer      Role = "reviewer"
	Reader        Role = "reader"
	Nobody        Role = ""
)

// Roles lists the roles that a link can give.
func Roles() []Role { return []Role{Administrator, Editor, Author, Reviewer, Reader} }

// Site is the venue that stands for the gateway itself: an administrator there
// is one in every venue.
const Site = ""

// Venue is a journal's issue, a course, a department: what submissions go to.
type Venue struct {
	ID    string // in addresses
	Name  string
	Quota int64 // bytes that its uploads and images may take together
	Blind Blind // empty, where it is added: SingleBlind

	Personal int64 // bytes of these that one person's may take; 0: all
}

var venueID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// AddVenue adds a venue. An id that is taken gives ErrExists.
func (s *Store) AddVenue(ctx context.Context, actor int64, v Venue) error {
	if !venueID.MatchString(v.ID) {
		return invalid("venue", "%q: an id has 1 to 63 of a-z, 0-9 and -, and does not begin with -", v.ID)
	}
	if err := checkName("venue", v.Name); err != nil {
		return err
	}
	if v.Personal < 0 {
		return invalid("venue", "%s: a share of %d bytes takes no upload", v.ID, v.Personal)
	}
	if v.Quota <= 0 {
		return invalid("venue", "%s: a quota of %d bytes takes no upload", v.ID, v.Quota)
	}
	if v.Blind == "" {
		v.Blind = SingleBlind
	}
	if !slices.Contains(Blinds(), v.Blind) {
		return invalid("venue", "%q: is none of single, double and open", string(v.Blind))
	}
	return s.change(ctx, func(tx *sql.Tx) (Entry, error) {
		r, err := tx.ExecContext(ctx, "INSERT INTO venues (id, name, quota, blind, personal, created) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", v.ID, v.Name, v.Quota, v.Blind, v.Personal, s.now().Unix())
		if err == nil {
			if n, _ := r.RowsAffected(); n == 0 {
				err = fmt.Errorf("venue: %s: %w", v.ID, ErrExists)
			}
		}
		return Entry{Actor: actor, Action: "add venue", Venue: v.ID, Subject: v.Name}, err
	})
}

// Venue returns the venue of that id, or ErrNotFound. Site is none.
func (s *Store) Venue(ctx context.Context, id string) (v Venue, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT id, name, quota, blind, personal FROM venues WHERE id = ? AND id <> ''", id).Scan(&v.ID, &v.Name, &v.Quota, &v.Blind, &v.Personal)
	return v, notFound("venue", err)
}

// Venues returns the venues in which the person has a role, by id.
func (s *Store) Venues(ctx context.Context, person int64) (venues []Venue, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, name, quota, blind, personal FROM venues WHERE id <> '' AND EXISTS (
		SELECT 1 FROM memberships m WHERE m.person = ? AND m.venue IN (venues.id, '') AND (m.expires = 0 OR m.expires > ?)) ORDER BY id`, person, s.now().Unix())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v Venue
		if err := rows.Scan(&v.ID, &v.Name, &v.Quota, &v.Blind, &v.Personal); err != nil {
			return nil, err
		}
		venues = append(venues, v)
	}
	return venues, rows.Err()
}

// RoleIn returns what the person is in a venue now: Nobody without a role.
func (s *Store) RoleIn(ctx context.Context, person int64, venue string) (role Role, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT role FROM memberships WHERE person = ? AND venue IN (?, '') AND (expires = 0 OR expires > ?)
		ORDER BY venue LIMIT 1`, person, venue, s.now().Unix()).Scan(&role) // a role in the whole gateway first
	if err == sql.ErrNoRows {
		return Nobody, nil
	}
	return role, err
}

func checkName(what, name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return invalid(what, "has no name")
	case !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxName:
		return invalid(what, "a name is at most %d characters of UTF-8", maxName)
	}
	return nil
}
