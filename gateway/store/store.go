// Package store keeps what a gateway knows in one folder: venues, people, the
// links that invite them, sessions, uploads, submissions and the audit log in a
// SQLite database.
//
// Secrets are not in it: of links and sessions it holds SHA-256 digests. Every
// change and its entry in the audit log are one transaction, flushed to the
// disk before the call returns, so that a gateway that is killed at any moment
// starts again with the old or the new state. SPEC.md, part GTW.
package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"repro/internal/atomicfile"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// databaseName is the database in the folder of a gateway.
const databaseName = "gateway.db"

// maxConnections to the database are open at once; who wants another one waits
// for its turn.
const maxConnections = 8

// Errors that callers tell apart.
var (
	ErrNotFound = errors.New("not found")      // or not for whoever asks
	ErrExists   = errors.New("exists already") // the name is taken
	ErrQuota    = errors.New("the venue's quota is used up")
	ErrSignIn   = errors.New("this link is of somebody who signs in: sign in, too")
	ErrNoLink   = errors.New("this link is not valid: it has expired, was used up or was revoked")
)

// InvalidError says what is wrong with a value that the store was given.
type InvalidError struct{ What, Why string }

func (e *InvalidError) Error() string { return e.What + ": " + e.Why }

func invalid(what, why string, args ...any) error {
	return &InvalidError{what, fmt.Sprintf(why, args...)}
}

// Hash is the SHA-256 of a secret that the store must know again.
type Hash [sha256.Size]byte

// HashOf returns what the store holds of a secret.
func HashOf(secret string) Hash { return sha256.Sum256([]byte(secret)) }

// Store is an open store. Goroutines may share it.
type Store struct {
	db       *sql.DB
	postgres bool
	dir      string
	now      func() time.Time
}

// Options are what an open store takes from outside.
type Options struct {
	Now      func() time.Time // nil: time.Now
	Database string           // address of a database of PostgreSQL; empty: the one that the folder names, else SQLite in it
}

// Open opens the store in dir, which it makes if there is none, and brings its
// database to the schema of this release. The caller must call Close.
func Open(ctx context.Context, dir string, o Options) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Store{dir: dir, now: o.Now}
	name, d, err := s.open(o.Database)
	if err == nil {
		if err = migrate(ctx, s.db, d, len(migrations)); err != nil {
			s.db.Close()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// addressName is the file in the folder of a gateway that names its database of
// PostgreSQL, so that every command finds it. It may hold a password.
const addressName = "database"

// open opens the database that is asked for.
func (s *Store) open(address string) (name string, d dialect, err error) {
	name, err = filepath.Abs(filepath.Join(s.dir, databaseName))
	if err != nil {
		return s.dir, d, err
	}
	file := filepath.Join(s.dir, addressName)
	if address != "" {
		if _, err := os.Stat(name); err == nil {
			return name, d, errors.New("this gateway has its data in SQLite: back it up, and restore that with --database")
		}
		if err := atomicfile.Write(file, []byte(address+"\n"), 0o600); err != nil {
			return file, d, err
		}
	} else if b, err := os.ReadFile(file); err == nil {
		address = strings.TrimSpace(string(b))
	} else if !errors.Is(err, fs.ErrNotExist) {
		return file, d, err
	}
	if address == "" {
		s.db, err = openDatabase(name)
		return name, sqlite, err
	}
	s.postgres = true
	s.db, err = openPostgres(address)
	return "database", postgres, err // its address may have a password
}

// openDatabase opens a database whose transactions lock it from their first
// statement on, so that none fails half-way for another's.
func openDatabase(name string) (*sql.DB, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600) // not by SQLite, which would let all read
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	options := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "trusted_schema(0)",
	}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: filepath.ToSlash(name), RawQuery: options.Encode()}).String())
	if err == nil { // kept open: each that is opened anew reads the schema
		db.SetMaxOpenConns(maxConnections)
		db.SetMaxIdleConns(maxConnections)
	}
	return db, err
}

// Close closes the store.
func (s *Store) Close() error { return s.db.Close() }

// Dir returns the folder of the store.
func (s *Store) Dir() string { return s.dir }

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.db.PingContext(ctx) }

// change runs edit and adds its entry to the audit log in one transaction.
func (s *Store) change(ctx context.Context, edit func(tx *sql.Tx) (Entry, error)) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	e, err := edit(tx)
	if err != nil {
		return err
	}
	if err := s.appendEntry(ctx, tx, e); err != nil {
		return err
	}
	return tx.Commit()
}

// notFound turns the absence of a row into ErrNotFound.
func notFound(what string, err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%s: %w", what, ErrNotFound)
	}
	return err
}
