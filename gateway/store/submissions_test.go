package store

import (
	"errors"
	"strings"
	"testing"
	"time"

	"repro/format/manifest"
)

var digest = manifest.DigestOf([]byte("x"))

// author makes a person who may submit to venue a.
func author(t *testing.T, s *Store, secret string) int64 {
	t.Helper()
	invite(t, s, Link{Venue: "a", Role: Author}, secret)
	p, err := s.Redeem(ctx, HashOf(secret), HashOf("session of "+secret), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return p.ID
}

// TestSubmission follows an upload to its end (GTW-6).
func TestSubmission(t *testing.T) {
	s, c := newStore(t)
	addVenue(t, s, "a")
	ada, bob := author(t, s, "ada"), author(t, s, "bob")
	u, err := s.AddUpload(ctx, Upload{Venue: "a", Person: ada, Name: "paper.sif", Content: digest, Size: 1 << 20})
	if err != nil || len(u.ID) < 20 {
		t.Fatalf("%+v, %v", u, err)
	}
	if got, err := s.Upload(ctx, u.ID); err != nil || got != u {
		t.Errorf("%+v, %v, want %+v", got, err, u)
	}
	if _, err := s.AddUpload(ctx, Upload{Venue: "a", Person: bob, Name: "b", Content: digest, Size: 1}); !errors.Is(err, ErrQuota) || !strings.Contains(err.Error(), "0 of 1048576 bytes are free") {
		t.Errorf("an upload into a full venue: %v", err)
	}
	if venue, person, err := s.Owner(ctx, u.ID); err != nil || venue != "a" || person != ada {
		t.Errorf("owner %q, %d, %v", venue, person, err)
	}
	c.Time = c.Add(time.Minute)
	sub := Submission{Upload: u, Title: "T", Report: []byte("{}")}
	if err := s.AddSubmission(ctx, sub); err != nil {
		t.Fatal(err)
	}
	sub.Created = c.Time
	if got, err := s.Submission(ctx, u.ID); err != nil || got.Upload != sub.Upload || got.Title != "T" || string(got.Report) != "{}" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := s.Upload(ctx, u.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("still an upload: %v", err)
	}
	if err := s.AddSubmission(ctx, sub); !errors.Is(err, ErrNotFound) {
		t.Errorf("submitted twice: %v", err)
	}
	if _, err := s.AddUpload(ctx, Upload{Venue: "a", Person: bob, Name: "b", Content: digest, Size: 1}); !errors.Is(err, ErrQuota) {
		t.Errorf("submissions do not count: %v", err)
	}
	for person, want := range map[int64]int{0: 1, ada: 1, bob: 0} {
		if list, _, err := s.FindSubmissions(ctx, SubmissionQuery{Venue: "a", Person: person, Most: 9}); err != nil || len(list) != want {
			t.Errorf("submissions of %d: %+v, %v", person, list, err)
		}
	}
	if venue, person, err := s.Owner(ctx, u.ID); err != nil || venue != "a" || person != ada {
		t.Errorf("owner %q, %d, %v", venue, person, err)
	}
	if _, _, err := s.Owner(ctx, "x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("the owner of nothing: %v", err)
	}
}

func TestUploads(t *testing.T) {
	s, _ := newStore(t)
	addVenue(t, s, "a")
	ada, bob := author(t, s, "ada"), author(t, s, "bob")
	for _, u := range []Upload{{Venue: "a", Name: "", Content: digest, Size: 1}, {Venue: "a", Name: "x", Content: "sha256:", Size: 1}, {Venue: "a", Name: "x", Content: digest}} {
		var bad *InvalidError
		if _, err := s.AddUpload(ctx, u); !errors.As(err, &bad) {
			t.Errorf("%+v: %v", u, err)
		}
	}
	for _, venue := range []string{Site, "nowhere"} {
		if _, err := s.AddUpload(ctx, Upload{Venue: venue, Person: ada, Name: "x", Content: digest, Size: 1}); !errors.Is(err, ErrNotFound) {
			t.Errorf("into %q: %v", venue, err)
		}
	}
	var last Upload
	for range MaxOpenUploads {
		var err error
		if last, err = s.AddUpload(ctx, Upload{Venue: "a", Person: ada, Name: "x", Content: digest, Size: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.AddUpload(ctx, Upload{Venue: "a", Person: ada, Name: "x", Content: digest, Size: 1}); err == nil || !strings.Contains(err.Error(), "16 others") {
		t.Errorf("one more than may be open: %v", err)
	}
	if err := s.EndUpload(ctx, ada, last, "cancel upload"); err != nil {
		t.Fatal(err)
	}
	if err := s.EndUpload(ctx, ada, last, "cancel upload"); !errors.Is(err, ErrNotFound) {
		t.Errorf("ended twice: %v", err)
	}
	if _, err := s.AddUpload(ctx, Upload{Venue: "a", Person: bob, Name: "x", Content: digest, Size: 1<<20 - MaxOpenUploads + 1}); err != nil {
		t.Errorf("what just fits: %v", err)
	}
	for person, want := range map[int64]int{0: MaxOpenUploads, ada: MaxOpenUploads - 1, bob: 1} {
		if list, err := s.Uploads(ctx, person); err != nil || len(list) != want {
			t.Errorf("uploads of %d: %d, %v", person, len(list), err)
		}
	}
}
