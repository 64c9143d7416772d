package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// tables are all of the database, those first to which others refer.
var tables = []string{
	"venues", "people", "links", "memberships", "sessions", "identities", "tokens", "uploads", "submissions", "runs", "workers",
	"masks", "trusted_keys", "attestations", "decisions", "comments", "audit",
}

// numbered are the tables whose rows the database numbers.
var numbered = []string{"people", "links", "tokens", "attestations", "decisions", "comments"}

// copyTo copies all rows, as they are at one moment, to a store that has none.
func (s *Store) copyTo(ctx context.Context, to *Store) error {
	var n int
	if err := to.db.QueryRowContext(ctx, "SELECT count(*) FROM audit").Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("database: has %d entries in its audit log: only an empty one can take another's rows", n)
	}
	from, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: s.postgres, Isolation: s.moment()})
	if err != nil {
		return err
	}
	defer from.Rollback()
	tx, err := to.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "DELETE FROM venues"); err != nil { // the one that each has
		return err
	}
	for _, table := range tables {
		if err := copyRows(ctx, from, tx, table); err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
	}
	if to.postgres {
		for _, table := range numbered {
			if _, err := tx.ExecContext(ctx, fmt.Sprintf("SELECT setval(pg_get_serial_sequence('%[1]s', 'id'), greatest(1, (SELECT coalesce(max(id), 0) + 1 FROM %[1]s)), false)", table)); err != nil {
				return err
			}
		}
	}
	return tx.Commit()
}

// moment is the isolation in which a transaction sees one moment. SQLite's
// always does.
func (s *Store) moment() sql.IsolationLevel {
	if s.postgres {
		return sql.LevelRepeatableRead
	}
	return sql.LevelDefault
}

func copyRows(ctx context.Context, from, to *sql.Tx, table string) (err error) {
	rows, err := from.QueryContext(ctx, "SELECT * FROM "+table)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", ")
	insert, err := to.PrepareContext(ctx, fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table, strings.Join(columns, ", "), marks))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, insert.Close()) }()
	values, at := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		at[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(at...); err != nil {
			return err
		}
		if _, err := insert.ExecContext(ctx, values...); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Load takes all rows of another store, for one that has none: a database of
// PostgreSQL that is to take over from SQLite, or from a backup.
func (s *Store) Load(ctx context.Context, from *Store) error { return from.copyTo(ctx, s) }
