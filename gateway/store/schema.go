package store

import (
	"context"
	"database/sql"
	"fmt"
)

// migrations lead from an empty database to the present one, one after the
// other. A database holds in user_version how many it has behind it. A landed
// migration never changes: what is to be otherwise is a further one.
var migrations = []string{
	`CREATE TABLE venues (
		id      TEXT PRIMARY KEY,
		name    TEXT NOT NULL,
		quota   INTEGER NOT NULL,
		created INTEGER NOT NULL
	) STRICT;
	INSERT INTO venues VALUES ('', 'the gateway itself', 0, 0);
	CREATE TABLE people (
		id      INTEGER PRIMARY KEY AUTOINCREMENT,
		name    TEXT NOT NULL,
		created INTEGER NOT NULL
	) STRICT;
	CREATE TABLE links (
		id      INTEGER PRIMARY KEY AUTOINCREMENT,
		hash    BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
		venue   TEXT NOT NULL REFERENCES venues (id),
		role    TEXT NOT NULL,
		label   TEXT NOT NULL,
		once    INTEGER NOT NULL,
		created INTEGER NOT NULL,
		expires INTEGER NOT NULL,
		revoked INTEGER NOT NULL DEFAULT 0,
		person  INTEGER REFERENCES people (id)
	) STRICT;
	CREATE TABLE memberships (
		venue   TEXT NOT NULL REFERENCES venues (id),
		person  INTEGER NOT NULL REFERENCES people (id),
		role    TEXT NOT NULL,
		link    INTEGER NOT NULL REFERENCES links (id),
		expires INTEGER NOT NULL,
		PRIMARY KEY (venue, person)
	) STRICT;
	CREATE TABLE sessions (
		hash    BLOB PRIMARY KEY CHECK (length(hash) = 32),
		person  INTEGER NOT NULL REFERENCES people (id),
		link    INTEGER NOT NULL REFERENCES links (id),
		expires INTEGER NOT NULL
	) STRICT;
	CREATE TABLE audit (
		sequence INTEGER PRIMARY KEY,
		time     INTEGER NOT NULL,
		actor    INTEGER NOT NULL,
		action   TEXT NOT NULL,
		venue    TEXT NOT NULL,
		subject  TEXT NOT NULL,
		hash     BLOB NOT NULL CHECK (length(hash) = 32)
	) STRICT;
	CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
	CREATE TRIGGER audit_kept BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;`,
	`CREATE TABLE uploads (
		id      TEXT PRIMARY KEY,
		venue   TEXT NOT NULL REFERENCES venues (id),
		person  INTEGER NOT NULL REFERENCES people (id),
		name    TEXT NOT NULL,
		content TEXT NOT NULL,
		size    INTEGER NOT NULL,
		created INTEGER NOT NULL
	) STRICT;
	CREATE INDEX uploads_by_venue ON uploads (venue);
	CREATE TABLE submissions (
		id      TEXT PRIMARY KEY,
		venue   TEXT NOT NULL REFERENCES venues (id),
		person  INTEGER NOT NULL REFERENCES people (id),
		name    TEXT NOT NULL,
		title   TEXT NOT NULL,
		content TEXT NOT NULL,
		size    INTEGER NOT NULL,
		report  BLOB NOT NULL,
		created INTEGER NOT NULL
	) STRICT;
	CREATE INDEX submissions_by_venue ON submissions (venue, created);`,
}

// migrate brings a database to version, each step in a transaction of its own.
func migrate(ctx context.Context, db *sql.DB, version int) error {
	for {
		done, err := migrateOne(ctx, db, version)
		if done || err != nil {
			return err
		}
	}
}

func migrateOne(ctx context.Context, db *sql.DB, version int) (done bool, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	var has int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&has); err != nil {
		return false, err
	}
	if has > len(migrations) {
		return false, fmt.Errorf("schema: a later release of the gateway wrote version %d: this one knows versions up to %d", has, len(migrations))
	}
	if has >= version {
		return true, nil
	}
	if _, err := tx.ExecContext(ctx, migrations[has]); err != nil {
		return false, fmt.Errorf("schema: migration %d: %w", has+1, err)
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", has+1)); err != nil {
		return false, err
	}
	return false, tx.Commit()
}
