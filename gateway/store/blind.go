package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Blind says who may know whose work, and whose review, something is.
type Blind string

// How blind a venue is.
const (
	SingleBlind Blind = "single" // reviewers are hidden from authors and from each other
	DoubleBlind Blind = "double" // and authors from reviewers and readers
	NotBlind    Blind = "open"
)

// Blinds lists how blind a venue can be.
func Blinds() []Blind { return []Blind{SingleBlind, DoubleBlind, NotBlind} }

// SetBlind says how blind a venue is from now on.
func (s *Store) SetBlind(ctx context.Context, actor int64, venue string, b Blind) error {
	if !slices.Contains(Blinds(), b) {
		return invalid("venue", "%q: is none of single, double and open", string(b))
	}
	return s.change(ctx, func(tx *sql.Tx) (Entry, error) {
		r, err := tx.ExecContext(ctx, "UPDATE venues SET blind = ? WHERE id = ? AND id <> ''", b, venue)
		if err == nil {
			if n, _ := r.RowsAffected(); n == 0 {
				err = fmt.Errorf("venue: %q: %w", venue, ErrNotFound)
			}
		}
		return Entry{Actor: actor, Action: "set blind", Venue: venue, Subject: string(b)}, err
	})
}

// Hidden is what says whose work a submission is.
type Hidden struct {
	Found  []string // in its image
	Names  []string // beside these, as its authors list them
	Files  []string // that say it, as its authors list them
	People []Identity

	Searched bool // for what is Found
}

// Hidden returns what says whose work a submission is.
func (s *Store) Hidden(ctx context.Context, submission string) (h Hidden, err error) {
	var found, names, files string
	err = s.db.QueryRowContext(ctx, "SELECT found, words, files, searched FROM masks WHERE submission = ?", submission).Scan(&found, &names, &files, &h.Searched)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return h, err
	}
	h.Found, h.Names, h.Files = lines(found), lines(names), lines(files)
	h.People, err = s.people(ctx, `SELECT p.name, coalesce(i.issuer, ''), coalesce(i.subject, ''), coalesce(i.name, '') FROM submissions s
		JOIN people p ON p.id = s.person LEFT JOIN identities i ON i.person = p.id WHERE s.id = ?`, submission)
	return h, err
}

// Reviewers returns what says who the reviewers of a venue are, but for one.
func (s *Store) Reviewers(ctx context.Context, venue string, except int64) ([]Identity, error) {
	return s.people(ctx, `SELECT p.name, coalesce(i.issuer, ''), coalesce(i.subject, ''), coalesce(i.name, '') FROM links l
		JOIN people p ON p.id = l.person LEFT JOIN identities i ON i.person = p.id WHERE l.venue = ? AND l.role = 'reviewer' AND p.id <> ?`, venue, except)
}

// people returns what people are called here, and as whom they sign in.
func (s *Store) people(ctx context.Context, query string, args ...any) (all []Identity, err error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var label string
		var id Identity
		if err := rows.Scan(&label, &id.Issuer, &id.Subject, &id.Name); err != nil {
			return nil, err
		}
		all = append(all, Identity{Name: label})
		if id.Issuer != "" {
			all = append(all, id)
		}
	}
	return all, rows.Err()
}

// SetFound notes what was found in the image of a submission.
func (s *Store) SetFound(ctx context.Context, submission string, found []string) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO masks (submission, words, files, found, searched) VALUES (?, '', '', ?, 1)
		ON CONFLICT (submission) DO UPDATE SET found = excluded.found, searched = 1`, submission, strings.Join(found, "\n"))
	return err
}

// SetHidden notes what the authors of a submission list.
func (s *Store) SetHidden(ctx context.Context, actor int64, sub Submission, names, files []string) error {
	return s.change(ctx, func(tx *sql.Tx) (Entry, error) {
		_, err := tx.ExecContext(ctx, `INSERT INTO masks (submission, words, files) VALUES (?, ?, ?)
			ON CONFLICT (submission) DO UPDATE SET words = excluded.words, files = excluded.files`, sub.ID, strings.Join(names, "\n"), strings.Join(files, "\n"))
		return Entry{Actor: actor, Action: "list names", Venue: sub.Venue, Subject: sub.ID}, err
	})
}

func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}
