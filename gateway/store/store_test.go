package store

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var ctx = context.Background()

// database is where the tests of this package have their stores; empty: SQLite.
var database = func(*testing.T) string { return "" }

// clock is a time that a test moves.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func newStore(t *testing.T) (*Store, *clock) {
	t.Helper()
	c := &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	s, err := Open(ctx, filepath.Join(t.TempDir(), "data"), Options{Now: c.now, Database: database(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, c
}

func addVenue(t *testing.T, s *Store, id string) {
	t.Helper()
	if err := s.AddVenue(ctx, 0, Venue{ID: id, Name: "Venue " + id, Quota: 1 << 20}); err != nil {
		t.Fatal(err)
	}
}

// invite adds a link and returns its number.
func invite(t *testing.T, s *Store, l Link, secret string) int64 {
	t.Helper()
	if l.Label == "" {
		l.Label = string(l.Role)
	}
	if l.Expires.IsZero() {
		l.Expires = s.now().Add(time.Hour)
	}
	id, err := s.AddLink(ctx, 0, l, HashOf(secret))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func roleIn(t *testing.T, s *Store, person int64, venue string) Role {
	t.Helper()
	r, err := s.RoleIn(ctx, person, venue)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestMigrations opens databases of every former schema (GTW-1).
func TestMigrations(t *testing.T) {
	for version := range len(migrations) + 1 {
		dir := t.TempDir()
		db, err := openDatabase(filepath.Join(dir, databaseName))
		if err != nil {
			t.Fatal(err)
		}
		if err := migrate(ctx, db, sqlite, version); err != nil {
			t.Fatalf("migrate to %d: %v", version, err)
		}
		if version > 0 {
			if _, err := db.Exec("INSERT INTO venues (id, name, quota, created) VALUES ('old', 'An old one', 5, 1)"); err != nil {
				t.Fatal(err)
			}
			join(t, db)
		}
		db.Close()
		s, err := Open(ctx, dir, Options{})
		if err != nil {
			t.Fatalf("open schema %d: %v", version, err)
		}
		var has int
		if err := s.db.QueryRow("PRAGMA user_version").Scan(&has); err != nil || has != len(migrations) {
			t.Errorf("schema %d became %d, %v, want %d", version, has, err, len(migrations))
		}
		if v, err := s.Venue(ctx, "old"); version > 0 && (err != nil || v.Quota != 5) {
			t.Errorf("schema %d: %+v, %v", version, v, err)
		}
		if p, err := s.Session(ctx, HashOf("session")); version > 0 && (err != nil || p.Name != "Old Hand") {
			t.Errorf("schema %d: the session is of %+v, %v", version, p, err)
		}
		s.Close()
	}
}

// join lets somebody use a link of the venue "old" in a database of any schema.
func join(t *testing.T, db *sql.DB) {
	t.Helper()
	link, session := HashOf("link"), HashOf("session")
	for _, c := range []struct {
		query string
		args  []any
	}{
		{"INSERT INTO people (name, created) VALUES ('Old Hand', 1)", nil},
		{"INSERT INTO links (hash, venue, role, label, once, created, expires, person) VALUES (?, 'old', 'editor', 'Old Hand', 0, 1, 9000000000, 1)", []any{link[:]}},
		{"INSERT INTO memberships (venue, person, role, link, expires) VALUES ('old', 1, 'editor', 1, 9000000000)", nil},
		{"INSERT INTO sessions (hash, person, link, expires) VALUES (?, 1, 1, 9000000000)", []any{session[:]}},
	} {
		if _, err := db.Exec(c.query, c.args...); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLaterSchema refuses what a later release wrote, and leaves it alone.
func TestLaterSchema(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(ctx, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.Exec(fmt.Sprintf("PRAGMA user_version = %d", len(migrations)+1)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := Open(ctx, dir, Options{}); err == nil || !strings.Contains(err.Error(), "a later release") {
		t.Errorf("a later schema: %v", err)
	}
}

func TestVenues(t *testing.T) {
	s, _ := newStore(t)
	addVenue(t, s, "a")
	for _, v := range []Venue{
		{ID: "", Name: "x", Quota: 1}, {ID: "-a", Name: "x", Quota: 1}, {ID: "A", Name: "x", Quota: 1}, {ID: "a/b", Name: "x", Quota: 1},
		{ID: strings.Repeat("a", 64), Name: "x", Quota: 1}, {ID: "b", Name: " ", Quota: 1}, {ID: "b", Name: "x", Quota: 0},
		{ID: "b", Name: strings.Repeat("é", maxName+1), Quota: 1}, {ID: "b", Name: "\xff", Quota: 1},
	} {
		if err := s.AddVenue(ctx, 0, v); err == nil {
			t.Errorf("took %+v", v)
		}
	}
	if err := s.AddVenue(ctx, 0, Venue{ID: "a", Name: "again", Quota: 1}); !errors.Is(err, ErrExists) {
		t.Errorf("the same id again: %v", err)
	}
	if err := s.AddVenue(ctx, 0, Venue{ID: strings.Repeat("a", 63), Name: strings.Repeat("é", maxName), Quota: 1}); err != nil {
		t.Errorf("the longest names: %v", err)
	}
	if v, err := s.Venue(ctx, "a"); err != nil || v.Name != "Venue a" {
		t.Errorf("%+v, %v", v, err)
	}
	for _, id := range []string{Site, "nowhere"} {
		if _, err := s.Venue(ctx, id); !errors.Is(err, ErrNotFound) {
			t.Errorf("venue %q: %v", id, err)
		}
	}
}

// TestLinks follows one link through its life (GTW-2).
func TestLinks(t *testing.T) {
	s, c := newStore(t)
	addVenue(t, s, "a")
	addVenue(t, s, "b")
	id := invite(t, s, Link{Venue: "a", Role: Reviewer, Label: "Reviewer 1"}, "secret")
	p, err := s.Redeem(ctx, HashOf("secret"), HashOf("s1"), 24*time.Hour)
	if err != nil || p.Name != "Reviewer 1" {
		t.Fatalf("%+v, %v", p, err)
	}
	again, err := s.Redeem(ctx, HashOf("secret"), HashOf("s2"), time.Minute)
	if err != nil || again != p {
		t.Errorf("a second use is by %+v, %v, want the same person", again, err)
	}
	if got := roleIn(t, s, p.ID, "a"); got != Reviewer {
		t.Errorf("role %q", got)
	}
	if got := roleIn(t, s, p.ID, "b"); got != Nobody {
		t.Errorf("role %q in another venue", got)
	}
	if v, err := s.Venues(ctx, p.ID); err != nil || len(v) != 1 || v[0].ID != "a" {
		t.Errorf("venues %+v, %v", v, err)
	}
	c.Time = c.Add(time.Minute)
	if _, err := s.Session(ctx, HashOf("s2")); !errors.Is(err, ErrNotFound) {
		t.Errorf("a session of a minute after a minute: %v", err)
	}
	if got, err := s.Session(ctx, HashOf("s1")); err != nil || got != p {
		t.Errorf("session: %+v, %v", got, err)
	}
	c.Time = c.Add(59 * time.Minute) // the link expires, and all that came of it
	if _, err := s.Session(ctx, HashOf("s1")); !errors.Is(err, ErrNotFound) {
		t.Errorf("a session outlives its link: %v", err)
	}
	if got := roleIn(t, s, p.ID, "a"); got != Nobody {
		t.Errorf("role %q after expiry", got)
	}
	if _, err := s.Redeem(ctx, HashOf("secret"), HashOf("s3"), time.Hour); !errors.Is(err, ErrNoLink) {
		t.Errorf("an expired link: %v", err)
	}
	if err := s.RevokeLink(ctx, 0, "b", id); !errors.Is(err, ErrNotFound) {
		t.Errorf("revoked from another venue: %v", err)
	}
}

func TestRevoke(t *testing.T) {
	s, _ := newStore(t)
	addVenue(t, s, "a")
	id := invite(t, s, Link{Venue: "a", Role: Author}, "secret")
	p, err := s.Redeem(ctx, HashOf("secret"), HashOf("s"), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.RevokeLink(ctx, 0, "a", id); err != nil {
		t.Fatal(err)
	}
	if got := roleIn(t, s, p.ID, "a"); got != Nobody {
		t.Errorf("role %q after revocation", got)
	}
	if _, err := s.Session(ctx, HashOf("s")); !errors.Is(err, ErrNotFound) {
		t.Errorf("session after revocation: %v", err)
	}
	if _, err := s.Redeem(ctx, HashOf("secret"), HashOf("s3"), time.Hour); !errors.Is(err, ErrNoLink) {
		t.Errorf("a revoked link: %v", err)
	}
	if links, err := s.Links(ctx, "a"); err != nil || len(links) != 1 || !links[0].Revoked || links[0].Person != p.ID {
		t.Errorf("links %+v, %v", links, err)
	}
}

// TestOnce: a link for one use works once, and what it gives lasts.
func TestOnce(t *testing.T) {
	s, c := newStore(t)
	addVenue(t, s, "a")
	invite(t, s, Link{Venue: Site, Role: Administrator, Once: true}, "first")
	invite(t, s, Link{Venue: Site, Role: Administrator, Once: true}, "second")
	p, err := s.Redeem(ctx, HashOf("first"), HashOf("s"), 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Redeem(ctx, HashOf("first"), HashOf("s2"), time.Hour); !errors.Is(err, ErrNoLink) {
		t.Errorf("used twice: %v", err)
	}
	c.Time = c.Add(23 * time.Hour)
	if _, err := s.Session(ctx, HashOf("s")); err != nil {
		t.Error(err)
	}
	if got := roleIn(t, s, p.ID, "a"); got != Administrator {
		t.Errorf("an administrator of the gateway is %q in a venue", got)
	}
	if err := s.EndSession(ctx, HashOf("s")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Session(ctx, HashOf("s")); !errors.Is(err, ErrNotFound) {
		t.Errorf("session after its end: %v", err)
	}
	c.Time = c.Add(-23 * time.Hour)
	if err := s.RevokeUnused(ctx, 0, Site); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Redeem(ctx, HashOf("second"), HashOf("s2"), time.Hour); !errors.Is(err, ErrNoLink) {
		t.Errorf("an unused link after RevokeUnused: %v", err)
	}
}

func TestBadLinks(t *testing.T) {
	s, _ := newStore(t)
	addVenue(t, s, "a")
	for _, l := range []Link{{Venue: "a", Role: "owner", Label: "x"}, {Venue: "a", Role: Nobody, Label: "x"}, {Venue: Site, Role: Editor, Label: "x"}, {Venue: "a", Role: Editor}} {
		if _, err := s.AddLink(ctx, 0, l, HashOf("x")); err == nil {
			t.Errorf("took %+v", l)
		}
	}
	if _, err := s.AddLink(ctx, 0, Link{Venue: "c", Role: Editor, Label: "x"}, HashOf("x")); !errors.Is(err, ErrNotFound) {
		t.Errorf("a link into no venue: %v", err)
	}
}

// TestNoSecrets searches the files of the store for the secrets that it was
// given (GTW-2).
func TestNoSecrets(t *testing.T) {
	s, _ := newStore(t)
	addVenue(t, s, "a")
	invite(t, s, Link{Venue: "a", Role: Author, Label: "findable label"}, "link secret")
	if _, err := s.Redeem(ctx, HashOf("link secret"), HashOf("session secret"), time.Hour); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(s.Dir(), "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var all string
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all += string(b)
		if info, err := os.Stat(name); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v: others can read it", name, info.Mode(), err)
		}
	}
	if !strings.Contains(all, "findable label") {
		t.Error("this test finds nothing")
	}
	for _, secret := range []string{"link secret", "session secret"} {
		if strings.Contains(all, secret) {
			t.Errorf("the store holds %q", secret)
		}
	}
}

// TestAudit changes each part of an entry behind the store's back (GTW-3).
func TestAudit(t *testing.T) {
	s, _ := newStore(t)
	for _, id := range []string{"a", "b", "c"} {
		addVenue(t, s, id)
	}
	var actions []string
	last, err := s.Audit(ctx, func(e Entry) error {
		actions = append(actions, fmt.Sprint(e.Sequence, e.Action, e.Venue))
		return nil
	})
	if err != nil || !slices.Equal(actions, []string{"1add venuea", "2add venueb", "3add venuec"}) || last == (Hash{}) {
		t.Fatalf("%q, %v", actions, err)
	}
	if _, err := s.db.Exec("UPDATE audit SET actor = 9 WHERE sequence = 2"); err == nil {
		t.Error("an entry can be updated")
	}
	if _, err := s.db.Exec("DELETE FROM audit WHERE sequence = 2"); err == nil {
		t.Error("an entry can be deleted")
	}
	if _, err := s.db.Exec("DROP TRIGGER audit_unchanged; DROP TRIGGER audit_kept"); err != nil {
		t.Fatal(err)
	}
	check := func(what, change, back string) {
		t.Helper()
		if _, err := s.db.Exec(change); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Audit(ctx, func(Entry) error { return nil }); err == nil || !strings.Contains(err.Error(), "entry 2") {
			t.Errorf("%s: %v", what, err)
		}
		if back == "" {
			return
		}
		if _, err := s.db.Exec(back); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Audit(ctx, func(Entry) error { return nil }); err != nil {
			t.Fatalf("%s put back: %v", what, err)
		}
	}
	for _, column := range []string{"time", "actor"} {
		check(column, "UPDATE audit SET "+column+" = "+column+" + 1 WHERE sequence = 2", "UPDATE audit SET "+column+" = "+column+" - 1 WHERE sequence = 2")
	}
	check("action", "UPDATE audit SET action = 'x' WHERE sequence = 2", "UPDATE audit SET action = 'add venue' WHERE sequence = 2")
	check("venue", "UPDATE audit SET venue = 'x' WHERE sequence = 2", "UPDATE audit SET venue = 'b' WHERE sequence = 2")
	check("subject", "UPDATE audit SET subject = 'x' WHERE sequence = 2", "UPDATE audit SET subject = 'Venue b' WHERE sequence = 2")
	check("missing", "DELETE FROM audit WHERE sequence = 2", "")
}

// TestChangeIsWhole: a change whose entry cannot be written does not happen.
func TestChangeIsWhole(t *testing.T) {
	s, _ := newStore(t)
	if _, err := s.db.Exec("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END"); err != nil {
		t.Fatal(err)
	}
	if err := s.AddVenue(ctx, 0, Venue{ID: "a", Name: "A", Quota: 1}); err == nil {
		t.Fatal("took a venue without an entry")
	}
	if _, err := s.Venue(ctx, "a"); !errors.Is(err, ErrNotFound) {
		t.Errorf("half a change: %v", err)
	}
}

const writerEnv = "REPRO_TEST_STORE_WRITER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerEnv); dir != "" {
		writeForever(dir)
	}
	os.Exit(m.Run())
}

// writeForever adds venues and says each when it is there.
func writeForever(dir string) {
	s, err := Open(ctx, dir, Options{})
	for i := 0; err == nil; i++ {
		id := fmt.Sprintf("v%d-%d", os.Getpid(), i)
		if err = s.AddVenue(ctx, 0, Venue{ID: id, Name: id, Quota: 1}); err == nil {
			fmt.Println(id)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// TestKill kills a program that writes, at some moment, again and again: all
// that it said was there is there afterwards, and the log is whole (GTW-1).
func TestKill(t *testing.T) {
	dir := t.TempDir()
	said := 0
	for round := range 8 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), writerEnv+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines, last := bufio.NewScanner(out), ""
		for n := 0; lines.Scan(); n++ {
			last = lines.Text()
			said++
			if n == round {
				time.Sleep(time.Duration(round) * 700 * time.Microsecond)
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		cmd.Wait()
		if last == "" {
			t.Fatal("the writer wrote nothing")
		}
		s, err := Open(ctx, dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Venue(ctx, last); err != nil {
			t.Errorf("round %d: %s is lost: %v", round, last, err)
		}
		entries := 0
		if _, err := s.Audit(ctx, func(Entry) error { entries++; return nil }); err != nil {
			t.Error(err)
		}
		venues := count(t, s.db, "SELECT count(*) FROM venues WHERE id <> ''")
		if entries != venues || venues < said {
			t.Errorf("round %d: %d entries, %d venues, %d said", round, entries, venues, said)
		}
		s.Close()
	}
}

func count(t *testing.T, db *sql.DB, query string) int {
	t.Helper()
	var n string
	if err := db.QueryRow(query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	i, err := strconv.Atoi(n)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestBearer(t *testing.T) {
	s, c := newStore(t)
	addVenue(t, s, "a")
	invite(t, s, Link{Venue: "a", Role: Author}, "secret")
	invite(t, s, Link{Venue: Site, Role: Administrator, Once: true}, "once")
	p, err := s.Bearer(ctx, HashOf("secret"))
	if err != nil || roleIn(t, s, p.ID, "a") != Author {
		t.Fatalf("%+v, %v", p, err)
	}
	if again, err := s.Bearer(ctx, HashOf("secret")); err != nil || again != p {
		t.Errorf("again: %+v, %v", again, err)
	}
	if n := count(t, s.db, "SELECT count(*) FROM audit WHERE action = 'use link'"); n != 1 {
		t.Errorf("%d entries, want the first use's", n)
	}
	for _, secret := range []string{"once", "unknown"} {
		if _, err := s.Bearer(ctx, HashOf(secret)); !errors.Is(err, ErrNoLink) {
			t.Errorf("%s: %v", secret, err)
		}
	}
	if _, err := s.Redeem(ctx, HashOf("once"), HashOf("s"), time.Hour); err != nil {
		t.Errorf("a program's try used the link up: %v", err)
	}
	if _, err := s.Bearer(ctx, HashOf("once")); !errors.Is(err, ErrNoLink) {
		t.Errorf("a used link for one use: %v", err)
	}
	c.Time = c.Add(time.Hour)
	if _, err := s.Bearer(ctx, HashOf("secret")); !errors.Is(err, ErrNoLink) {
		t.Errorf("expired: %v", err)
	}
}
