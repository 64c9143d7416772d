package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"repro/format/manifest"
)

// MaxOpenUploads is how many uploads one person may have begun and not ended.
const MaxOpenUploads = 16

// Upload is an image that is on its way.
type Upload struct {
	ID      string
	Venue   string
	Person  int64
	Name    string          // of the file, as its owner calls it
	Content manifest.Digest // what the sender says it is: to know it again, not to believe
	Size    int64           // of the whole file, in bytes
	Former  string          // id of the submission of which it is a new version; empty: of none
	Created time.Time
}

// Submission is an image that a venue has.
type Submission struct {
	Upload
	Title  string
	Report []byte // of the verification, JSON
}

// ImagePath is where the image of a submission lies.
func (s *Store) ImagePath(sub Submission) string {
	return filepath.Join(s.dir, "images", strings.TrimPrefix(string(sub.Content), "sha256:"), sub.ID+".sif")
}

// AddUpload begins an upload. One that does not fit into the venue's quota, or
// the person's share of it, gives ErrQuota. A former version must be a
// submission to the same venue; that the person may see it the caller knows.
func (s *Store) AddUpload(ctx context.Context, u Upload) (Upload, error) {
	if err := checkName("upload", u.Name); err != nil {
		return u, err
	}
	if u.Size <= 0 {
		return u, invalid("upload", "%d bytes are no image", u.Size)
	}
	if _, err := u.Content.Sum(); err != nil {
		return u, invalid("upload", "the content id is not like sha256:…")
	}
	u.ID, u.Created = strings.ToLower(rand.Text()), s.now().UTC().Truncate(time.Second)
	err := s.change(ctx, func(tx *sql.Tx) (Entry, error) {
		if err := checkQuota(ctx, tx, u); err != nil {
			return Entry{}, err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO uploads (id, venue, person, name, content, size, former, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			u.ID, u.Venue, u.Person, u.Name, u.Content, u.Size, u.Former, u.Created.Unix())
		return Entry{Actor: u.Person, Action: "begin upload", Venue: u.Venue, Subject: u.ID}, err
	})
	return u, err
}

func checkQuota(ctx context.Context, tx *sql.Tx, u Upload) error {
	var quota, personal, open, used, own int64
	err := tx.QueryRowContext(ctx, `SELECT quota, personal, (SELECT count(*) FROM uploads WHERE person = ?2),
		(SELECT coalesce(sum(size), 0) FROM uploads WHERE venue = ?1) + (SELECT coalesce(sum(size), 0) FROM submissions WHERE venue = ?1),
		(SELECT coalesce(sum(size), 0) FROM uploads WHERE venue = ?1 AND person = ?2) + (SELECT coalesce(sum(size), 0) FROM submissions WHERE venue = ?1 AND person = ?2)
		FROM venues WHERE id = ?1 AND id <> ''`, u.Venue, u.Person).Scan(&quota, &personal, &open, &used, &own)
	switch {
	case err != nil:
		return notFound("venue", err)
	case open >= MaxOpenUploads:
		return invalid("upload", "%d others are not finished: finish or cancel one", open)
	case u.Size > quota-used:
		return fmt.Errorf("upload: %d bytes: %w: %d of %d bytes are free", u.Size, ErrQuota, max(0, quota-used), quota)
	case personal > 0 && u.Size > personal-own:
		return fmt.Errorf("upload: %d bytes: your share of %w: %d of %d bytes are free", u.Size, ErrQuota, max(0, personal-own), personal)
	}
	return checkFormer(ctx, tx, u)
}

// checkFormer fails if the former version of u is none.
func checkFormer(ctx context.Context, tx *sql.Tx, u Upload) error {
	if u.Former == "" {
		return nil
	}
	var n int
	err := tx.QueryRowContext(ctx, "SELECT count(*) FROM submissions WHERE id = ? AND venue = ?", u.Former, u.Venue).Scan(&n)
	if err == nil && n == 0 {
		err = invalid("upload", "there is no submission here of which it could be a new version")
	}
	return err
}

const uploadColumns = "id, venue, person, name, content, size, former, created"

type scanner interface{ Scan(...any) error }

func (u *Upload) scan(row scanner, more ...any) error {
	var created int64
	err := row.Scan(append([]any{&u.ID, &u.Venue, &u.Person, &u.Name, &u.Content, &u.Size, &u.Former, &created}, more...)...)
	u.Created = time.Unix(created, 0).UTC()
	return err
}

// Upload returns an upload that has not ended, or ErrNotFound.
func (s *Store) Upload(ctx context.Context, id string) (u Upload, err error) {
	err = u.scan(s.db.QueryRowContext(ctx, "SELECT "+uploadColumns+" FROM uploads WHERE id = ?", id))
	return u, notFound("upload", err)
}

// Uploads returns the uploads that have not ended: of a person, or with 0 of
// all.
func (s *Store) Uploads(ctx context.Context, person int64) (uploads []Upload, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT "+uploadColumns+" FROM uploads WHERE CAST(?1 AS BIGINT) IN (person, 0) ORDER BY created DESC, id", person)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var u Upload
		if err := u.scan(rows); err != nil {
			return nil, err
		}
		uploads = append(uploads, u)
	}
	return uploads, rows.Err()
}

// EndUpload forgets an upload that came to nothing, and writes down why.
func (s *Store) EndUpload(ctx context.Context, actor int64, u Upload, why string) error {
	return s.change(ctx, func(tx *sql.Tx) (Entry, error) {
		return Entry{Actor: actor, Action: why, Venue: u.Venue, Subject: u.ID}, takeUpload(ctx, tx, u)
	})
}

// takeUpload removes an upload that must be there.
func takeUpload(ctx context.Context, tx *sql.Tx, u Upload) error {
	r, err := tx.ExecContext(ctx, "DELETE FROM uploads WHERE id = ?", u.ID)
	if err == nil {
		if n, _ := r.RowsAffected(); n == 0 {
			err = fmt.Errorf("upload: %w", ErrNotFound)
		}
	}
	return err
}

// AddSubmission makes a submission of an upload, under the same id. Content is
// now what the image itself says.
func (s *Store) AddSubmission(ctx context.Context, sub Submission) error {
	return s.change(ctx, func(tx *sql.Tx) (Entry, error) {
		if err := takeUpload(ctx, tx, sub.Upload); err != nil {
			return Entry{}, err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO submissions (id, venue, person, name, title, content, size, report, former, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			sub.ID, sub.Venue, sub.Person, sub.Name, sub.Title, sub.Content, sub.Size, sub.Report, sub.Former, s.now().Unix())
		return Entry{Actor: sub.Person, Action: "submit", Venue: sub.Venue, Subject: sub.ID + " " + string(sub.Content)}, err
	})
}

// Submission returns a submission, or ErrNotFound.
func (s *Store) Submission(ctx context.Context, id string) (sub Submission, err error) {
	err = sub.scan(s.db.QueryRowContext(ctx, "SELECT "+uploadColumns+", title, report FROM submissions WHERE id = ?", id), &sub.Title, &sub.Report)
	return sub, notFound("submission", err)
}

// SubmissionQuery says which submissions are looked for.
type SubmissionQuery struct {
	Venue  string
	Person int64  // who sent them; 0: anybody
	Title  string // a part of their titles; empty: any
	State  string // of the run that says how far they have come, its outcome or OutcomePart; "none": without; empty: any
	Skip   int    // so many of those that match are left out, and
	Most   int    // so many returned
}

// latestState is, in a query of submissions, the state of the run that says how far
// each has come, or its outcome if that is done. A part that was reproduced is not
// the whole.
const latestState = `coalesce((SELECT CASE WHEN r.state <> 'done' THEN r.state
	WHEN r.outcome = 'reproduced' AND (r.step <> '' OR r.kind = 'quick') THEN 'part' ELSE r.outcome END FROM runs r
	WHERE r.submission = submissions.id AND r.kind NOT IN ('diff', 'calibrate') ORDER BY ` + byWeight + ` LIMIT 1), 'none')`

// FindSubmissions returns submissions, the newest first, without their reports,
// and how many match.
func (s *Store) FindSubmissions(ctx context.Context, q SubmissionQuery) (list []Submission, total int, err error) {
	where, args := " FROM submissions WHERE venue = ?", []any{q.Venue}
	if q.Person != 0 {
		where, args = where+" AND person = ?", append(args, q.Person)
	}
	if q.Title != "" {
		where, args = where+" AND instr(lower(title), lower(?)) > 0", append(args, q.Title)
	}
	if q.State != "" {
		where, args = where+" AND "+latestState+" = ?", append(args, q.State)
	}
	if err := s.db.QueryRowContext(ctx, "SELECT count(*)"+where, args...).Scan(&total); err != nil {
		return nil, 0, err
	}
	list, err = s.submissions(ctx, where+" ORDER BY created DESC, id LIMIT ? OFFSET ?", append(args, q.Most, q.Skip)...)
	return list, total, err
}

// LaterVersions returns the submissions that are new versions of one, the oldest
// first, without their reports.
func (s *Store) LaterVersions(ctx context.Context, id string) ([]Submission, error) {
	return s.submissions(ctx, " FROM submissions WHERE former = ? ORDER BY created, id", id)
}

func (s *Store) submissions(ctx context.Context, from string, args ...any) (list []Submission, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT "+uploadColumns+", title"+from, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var sub Submission
		if err := sub.scan(rows, &sub.Title); err != nil {
			return nil, err
		}
		list = append(list, sub)
	}
	return list, rows.Err()
}

// Owner returns to which venue the upload or submission of that id belongs, and
// who sent it: ErrNotFound if there is neither.
func (s *Store) Owner(ctx context.Context, id string) (venue string, person int64, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT venue, person FROM uploads WHERE id = ?1
		UNION ALL SELECT venue, person FROM submissions WHERE id = ?1`, id).Scan(&venue, &person)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return venue, person, err
}
