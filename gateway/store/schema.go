package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"strings"
)

//go:embed schema/*.sql
var schemaFiles embed.FS

// migrations lead from an empty database to the present one, one after the
// other: the files of schema, whose names begin with their numbers from 001 on.
// A database holds in user_version how many it has behind it. A landed
// migration never changes: what is to be otherwise is a further one.
var migrations = func() (all []string) {
	files, err := schemaFiles.ReadDir("schema") // by name
	if err != nil {
		panic(err)
	}
	for i, f := range files {
		text, err := schemaFiles.ReadFile("schema/" + f.Name())
		if err != nil || !strings.HasPrefix(f.Name(), fmt.Sprintf("%03d-", i+1)) {
			panic(fmt.Sprintf("schema/%s: is to be migration %d: %v", f.Name(), i+1, err))
		}
		all = append(all, string(text))
	}
	return all
}()

// dialect is what is not the same in all databases.
type dialect struct {
	first      string                   // before everything else
	version    string                   // query of how many migrations it has behind it
	setVersion string                   // with a number
	migration  func(text string) string // as the database has it
}

var (
	sqlite   = dialect{"", "PRAGMA user_version", "PRAGMA user_version = %d", func(text string) string { return text }}
	postgres = dialect{pgFirst, "SELECT coalesce(max(version), 0) FROM schema_version", "INSERT INTO schema_version (version) VALUES (%d)", pgMigration}
)

// migrate brings a database to version, each step in a transaction of its own.
func migrate(ctx context.Context, db *sql.DB, d dialect, version int) error {
	for {
		done, err := migrateOne(ctx, db, d, version)
		if done || err != nil {
			return err
		}
	}
}

func migrateOne(ctx context.Context, db *sql.DB, d dialect, version int) (done bool, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	if d.first != "" {
		if _, err := tx.ExecContext(ctx, d.first); err != nil {
			return false, err
		}
	}
	var has int
	if err := tx.QueryRowContext(ctx, d.version).Scan(&has); err != nil {
		return false, err
	}
	if has > len(migrations) {
		return false, fmt.Errorf("schema: a later release of the gateway wrote version %d: this one knows versions up to %d", has, len(migrations))
	}
	if has >= version {
		return true, nil
	}
	if _, err := tx.ExecContext(ctx, d.migration(migrations[has])); err != nil {
		return false, fmt.Errorf("schema: migration %d: %w", has+1, err)
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf(d.setVersion, has+1)); err != nil {
		return false, err
	}
	return false, tx.Commit()
}
