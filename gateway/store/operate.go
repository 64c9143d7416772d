package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Exists reports whether there is a store in a folder.
func Exists(dir string) bool {
	for _, name := range []string{databaseName, addressName} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// DatabaseName is the database in the folder of a gateway.
const DatabaseName = databaseName

// Snapshot writes the database as it is at this moment into another folder, as
// one of SQLite, while others go on.
func (s *Store) Snapshot(ctx context.Context, dir string) error {
	if !s.postgres {
		_, err := s.db.ExecContext(ctx, "VACUUM INTO ?", filepath.Join(dir, databaseName))
		return err
	}
	to, err := Open(ctx, dir, Options{})
	if err != nil {
		return err
	}
	return errors.Join(s.copyTo(ctx, to), to.Close())
}

// Files are what belongs to a store beside its database.
type Files struct {
	Images []string // paths in its folder, with slashes
	Runs   []string // ids of those that are done
}

// Files lists what belongs to the store.
func (s *Store) Files(ctx context.Context) (f Files, err error) {
	subs, err := s.submissions(ctx, " FROM submissions ORDER BY id")
	if err != nil {
		return f, err
	}
	for _, sub := range subs {
		rel, err := filepath.Rel(s.dir, s.ImagePath(sub))
		if err != nil {
			return f, err
		}
		f.Images = append(f.Images, filepath.ToSlash(rel))
	}
	rows, err := s.db.QueryContext(ctx, "SELECT id FROM runs WHERE state = ? ORDER BY id", RunDone)
	if err != nil {
		return f, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return f, err
		}
		f.Runs = append(f.Runs, id)
	}
	return f, rows.Err()
}

// Gauges counts what the store holds, for whoever watches over it.
func (s *Store) Gauges(ctx context.Context) (map[string]int64, error) {
	all := map[string]int64{}
	for name, query := range map[string]string{
		"submissions": "SELECT count(*) FROM submissions", "submission_bytes": "SELECT coalesce(sum(size), 0) FROM submissions", "uploads_open": "SELECT count(*) FROM uploads",
		"runs_waiting": "SELECT count(*) FROM runs WHERE state = 'waiting'", "runs_running": "SELECT count(*) FROM runs WHERE state = 'running'",
		"people": "SELECT count(*) FROM people", "audit_entries": "SELECT count(*) FROM audit",
	} {
		var n int64
		if err := s.db.QueryRowContext(ctx, query).Scan(&n); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all[name] = n
	}
	return all, nil
}
