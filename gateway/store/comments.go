package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxComments is how many comments a submission can have.
const MaxComments = 5000

// About says what a comment is about.
type About string

// What comments are about.
const (
	AboutAll    About = ""       // the submission
	AboutResult About = "result" // a published result, by name
	AboutStep   About = "step"   // by name
	AboutFile   About = "file"   // by path, and perhaps a line
)

// Comment is what somebody says of a submission.
type Comment struct {
	ID       int64
	Person   int64
	Name     string // of the person
	Role     Role   // when it was written
	About    About
	Subject  string
	Line     int  // of a file; 0: the whole
	Internal bool // for editors and reviewers alone
	Words    string
	Created  time.Time
	Removed  bool // its words are gone
}

func (c Comment) check() error {
	switch {
	case strings.TrimSpace(c.Words) == "":
		return invalid("comment", "says nothing")
	case len(c.Words) > maxWords || !utf8.ValidString(c.Words):
		return invalid("comment", "is at most %d bytes of UTF-8", maxWords)
	case !slices.Contains([]About{AboutAll, AboutResult, AboutStep, AboutFile}, c.About) || (c.About == AboutAll) != (c.Subject == ""):
		return invalid("comment", "is about nothing that is there")
	case c.Line < 0 || c.Line > 0 && c.About != AboutFile:
		return invalid("comment", "line %d: is none", c.Line)
	}
	return nil
}

const internal = "internal"

// AddComment adds a comment to a submission and returns its number.
func (s *Store) AddComment(ctx context.Context, sub Submission, c Comment) (id int64, err error) {
	if err := c.check(); err != nil {
		return 0, err
	}
	audience := ""
	if c.Internal {
		audience = internal
	}
	err = s.change(ctx, func(tx *sql.Tx) (Entry, error) {
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM comments WHERE submission = ?", sub.ID).Scan(&n); err != nil {
			return Entry{}, err
		}
		if n >= MaxComments {
			return Entry{}, invalid("comment", "this submission has %d already", n)
		}
		err := tx.QueryRowContext(ctx, "INSERT INTO comments (submission, person, role, about, subject, line, words, audience, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
			sub.ID, c.Person, c.Role, c.About, c.Subject, c.Line, c.Words, audience, s.now().Unix()).Scan(&id)
		return Entry{Actor: c.Person, Action: "comment", Venue: sub.Venue, Subject: fmt.Sprintf("%s %d", sub.ID, id)}, err
	})
	return id, err
}

// RemoveComment takes the words out of a comment: of anybody, or only of actor.
// ErrNotFound says that there is no such comment.
func (s *Store) RemoveComment(ctx context.Context, actor int64, sub Submission, id int64, ofAnybody bool) error {
	return s.change(ctx, func(tx *sql.Tx) (Entry, error) {
		r, err := tx.ExecContext(ctx, "UPDATE comments SET removed = 1, words = '' WHERE id = ?1 AND submission = ?2 AND (?3 = 1 OR person = ?4)", id, sub.ID, ofAnybody, actor)
		if err == nil {
			if n, _ := r.RowsAffected(); n == 0 {
				err = fmt.Errorf("comment: %w", ErrNotFound)
			}
		}
		return Entry{Actor: actor, Action: "remove comment", Venue: sub.Venue, Subject: fmt.Sprintf("%s %d", sub.ID, id)}, err
	})
}

// Comments returns the comments on a submission, the oldest first; without those
// for editors and reviewers alone, if so asked.
func (s *Store) Comments(ctx context.Context, submission string, withInternal bool) (all []Comment, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT c.id, c.person, p.name, c.role, c.about, c.subject, c.line, c.audience, c.words, c.created, c.removed FROM comments c
		JOIN people p ON p.id = c.person WHERE c.submission = ? ORDER BY c.id`, submission)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c Comment
		var created int64
		var audience string
		if err := rows.Scan(&c.ID, &c.Person, &c.Name, &c.Role, &c.About, &c.Subject, &c.Line, &audience, &c.Words, &created, &c.Removed); err != nil {
			return nil, err
		}
		c.Created, c.Internal = time.Unix(created, 0).UTC(), audience == internal
		if withInternal || !c.Internal {
			all = append(all, c)
		}
	}
	return all, rows.Err()
}
