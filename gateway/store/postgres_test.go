package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"repro/gateway/store/storetest"
)

// TestPostgres plays the tests of this package on a real PostgreSQL (GTW-15).
func TestPostgres(t *testing.T) {
	address := storetest.StartPostgres(t)
	n := 0
	database = func(t *testing.T) string { // each test has one of its own
		t.Helper()
		db, err := openPostgres(address)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		n++
		if _, err := db.Exec(fmt.Sprintf("CREATE DATABASE d%d", n)); err != nil {
			t.Fatal(err)
		}
		return strings.Replace(address, "/postgres?", fmt.Sprintf("/d%d?", n), 1)
	}
	defer func() { database = func(*testing.T) string { return "" } }()
	for name, test := range map[string]func(*testing.T){
		"Venues": TestVenues, "Links": TestLinks, "Revoke": TestRevoke, "SignIn": TestSignIn, "LinkOfIdentity": TestLinkOfIdentity, "RoleAgain": TestRoleAgain,
		"Blind": TestBlind, "Hidden": TestHidden, "Reviewers": TestReviewers, "Comments": TestComments, "TrustedKeys": TestTrustedKeys, "Attach": TestAttach,
		"Decisions": TestDecisions, "Tokens": TestTokens, "Once": TestOnce, "BadLinks": TestBadLinks, "Bearer": TestBearer,
		"Uploads": TestUploads, "Submission": TestSubmission, "PersonalQuota": TestPersonalQuota, "FindSubmissions": TestFindSubmissions,
		"Fairness": TestFairness, "BusyVenues": TestBusyVenues, "Lease": TestLease, "Cancel": TestCancel, "Return": TestReturn, "RunLimits": TestRunLimits, "Workers": TestWorkers,
	} {
		t.Run(name, test)
	}
	t.Run("several servers", func(t *testing.T) { severalServers(t, database(t)) })
	t.Run("cancelled", func(t *testing.T) { cancelled(t, database(t)) })
	t.Run("copies", func(t *testing.T) { copies(t, database(t)) })
	t.Run("audit", func(t *testing.T) { auditGrows(t, database(t)) })
}

func openAt(t *testing.T, address string) *Store {
	t.Helper()
	s, err := Open(ctx, t.TempDir(), Options{Database: address})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// severalServers starts together, change together, and take every run once.
func severalServers(t *testing.T, address string) {
	const servers = 4
	var open sync.WaitGroup
	all := make([]*Store, servers)
	for i := range all {
		open.Go(func() {
			s, err := Open(ctx, t.TempDir(), Options{Database: address})
			if err != nil {
				t.Error(err)
				return
			}
			all[i] = s
		})
	}
	open.Wait()
	if t.Failed() {
		return
	}
	addVenue(t, all[0], "a")
	sub := submission(t, all[0], "a")
	added := 0
	for i := range MaxOpenRuns {
		if _, err := all[i%servers].AddRun(ctx, Run{Venue: "a", Submission: sub.ID, Person: sub.Person, Kind: RunAll}); err != nil {
			t.Fatal(err)
		}
		added++
	}
	var mu sync.Mutex
	taken := map[string]int{}
	var work sync.WaitGroup
	for i, s := range all {
		work.Go(func() {
			for {
				r, ok, err := s.TakeRun(ctx, fmt.Sprint("worker ", i), time.Minute)
				if err != nil || !ok {
					if err != nil {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				taken[r.ID]++
				mu.Unlock()
			}
		})
	}
	work.Wait()
	if len(taken) != added {
		t.Errorf("%d of %d runs were taken", len(taken), added)
	}
	for id, times := range taken {
		if times != 1 {
			t.Errorf("%s was taken %d times", id, times)
		}
	}
	for _, s := range all {
		if _, err := s.Audit(ctx, func(Entry) error { return nil }); err != nil {
			t.Error(err)
		}
		s.Close()
	}
}

// cancelled: requests that end in the middle of a change leave no lock behind.
func cancelled(t *testing.T, address string) {
	s := openAt(t, address)
	addVenue(t, s, "a")
	var asked sync.WaitGroup
	for i := range 60 {
		asked.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, time.Duration(i)*time.Millisecond/2)
			defer cancel()
			_ = s.SetBlind(ctx, 0, "a", Blinds()[i%3])
		})
	}
	asked.Wait()
	soon, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := s.SetBlind(soon, 0, "a", DoubleBlind); err != nil {
		t.Errorf("after requests that were cancelled: %v", err)
	}
	if _, err := s.Audit(ctx, func(Entry) error { return nil }); err != nil {
		t.Error(err)
	}
}

// copies: rows go to a snapshot in SQLite and back to another database, and
// numbers go on.
func copies(t *testing.T, address string) {
	s := openAt(t, address)
	addVenue(t, s, "a")
	sub := submission(t, s, "a")
	if _, err := s.AddComment(ctx, sub, Comment{Person: sub.Person, Role: Author, Words: "one"}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := s.Snapshot(ctx, dir); err != nil {
		t.Fatal(err)
	}
	lite, err := Open(ctx, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer lite.Close()
	back := openAt(t, database(t))
	if err := back.Load(ctx, lite); err != nil {
		t.Fatal(err)
	}
	if err := back.Load(ctx, lite); err == nil {
		t.Error("rows were loaded twice")
	}
	want, err := s.Audit(ctx, func(Entry) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	for what, x := range map[string]*Store{"snapshot": lite, "back": back} {
		if got, err := x.Audit(ctx, func(Entry) error { return nil }); err != nil || got != want {
			t.Errorf("%s: audit %x, %v, want %x", what, got, err, want)
		}
		if got, err := x.Submission(ctx, sub.ID); err != nil || got.Content != sub.Content || string(got.Report) != "{}" {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
		id, err := x.AddComment(ctx, sub, Comment{Person: sub.Person, Role: Author, Words: "two"})
		if err != nil || id != 2 {
			t.Errorf("%s: a further comment is %d, %v", what, id, err)
		}
	}
}

// auditGrows: the database itself refuses to rewrite the log.
func auditGrows(t *testing.T, address string) {
	s := openAt(t, address)
	addVenue(t, s, "a")
	for _, query := range []string{"UPDATE audit SET action = 'x'", "DELETE FROM audit"} {
		if _, err := s.db.Exec(query); err == nil || !strings.Contains(err.Error(), "only grows") {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// TestTables: none is forgotten by a copy.
func TestTables(t *testing.T) {
	s, _ := newStore(t)
	rows, err := s.db.Query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		all = append(all, name)
	}
	if want := slices.Sorted(slices.Values(tables)); !slices.Equal(all, want) {
		t.Errorf("the database has %q, copied are %q", all, want)
	}
}

func TestTranslated(t *testing.T) {
	for in, want := range map[string]string{
		"SELECT 1": "SELECT 1", "a = ? AND b = ?": "a = $1 AND b = $2", "?1 IN (a, ?2) AND ?1 > 0": "$1 IN (a, $2) AND $1 > 0", "x = ?": "x = $1",
	} {
		if got := translated(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}
