package store

import (
	"errors"
	"slices"
	"testing"
	"time"

	"repro/format/manifest"
)

func TestBlind(t *testing.T) {
	s, _ := newStore(t)
	addVenue(t, s, "a")
	if v, err := s.Venue(ctx, "a"); err != nil || v.Blind != SingleBlind {
		t.Errorf("a new venue: %+v, %v", v, err)
	}
	if err := s.AddVenue(ctx, 0, Venue{ID: "b", Name: "B", Quota: 1, Blind: "triple"}); err == nil {
		t.Error("took a venue that is triple-blind")
	}
	if err := s.SetBlind(ctx, 0, "a", DoubleBlind); err != nil {
		t.Fatal(err)
	}
	if v, err := s.Venue(ctx, "a"); err != nil || v.Blind != DoubleBlind {
		t.Errorf("%+v, %v", v, err)
	}
	var bad *InvalidError
	if err := s.SetBlind(ctx, 0, "a", "no"); !errors.As(err, &bad) {
		t.Errorf("no such way: %v", err)
	}
	for _, venue := range []string{"none", Site} {
		if err := s.SetBlind(ctx, 0, venue, NotBlind); !errors.Is(err, ErrNotFound) {
			t.Errorf("venue %q: %v", venue, err)
		}
	}
}

// TestHidden: what authors list and what was found do not touch each other.
func TestHidden(t *testing.T) {
	s, _ := newStore(t)
	addVenue(t, s, "a")
	invite(t, s, Link{Venue: "a", Role: Author, Label: "Ada"}, "l1")
	p, err := signIn(s, ada, "l1", "s1")
	if err != nil {
		t.Fatal(err)
	}
	u, err := s.AddUpload(ctx, Upload{Venue: "a", Person: p.ID, Name: "x", Content: manifest.DigestOf(nil), Size: 1})
	if err == nil {
		err = s.AddSubmission(ctx, Submission{Upload: u, Report: []byte("{}")})
	}
	if err != nil {
		t.Fatal(err)
	}
	sub := Submission{Upload: u}
	if h, err := s.Hidden(ctx, u.ID); err != nil || h.Searched || h.Found != nil || h.Names != nil || len(h.People) != 2 || h.People[0].Name != "Ada" || h.People[1] != ada {
		t.Errorf("at first: %+v, %v", h, err)
	}
	if err := s.SetHidden(ctx, p.ID, sub, []string{"n1", "n2"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.SetFound(ctx, u.ID, []string{"f1"}); err != nil {
		t.Fatal(err)
	}
	if err := s.SetHidden(ctx, p.ID, sub, []string{"n3"}, []string{"*.pdf"}); err != nil {
		t.Fatal(err)
	}
	h, err := s.Hidden(ctx, u.ID)
	if err != nil || !h.Searched || !slices.Equal(h.Found, []string{"f1"}) || !slices.Equal(h.Names, []string{"n3"}) || !slices.Equal(h.Files, []string{"*.pdf"}) {
		t.Errorf("%+v, %v", h, err)
	}
	if err := s.SetFound(ctx, u.ID, nil); err != nil {
		t.Fatal(err)
	}
	if h, err := s.Hidden(ctx, u.ID); err != nil || !h.Searched || h.Found != nil || len(h.Names) != 1 {
		t.Errorf("%+v, %v", h, err)
	}
}

func TestReviewers(t *testing.T) {
	s, _ := newStore(t)
	addVenue(t, s, "a")
	addVenue(t, s, "b")
	for secret, l := range map[string]Link{"l1": {Venue: "a", Role: Reviewer, Label: "Charles"}, "l2": {Venue: "a", Role: Author, Label: "Ada"}, "l3": {Venue: "b", Role: Reviewer, Label: "Bob"}} {
		invite(t, s, l, secret)
		if _, err := s.Redeem(ctx, HashOf(secret), HashOf("of "+secret), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	charles, err := s.Session(ctx, HashOf("of l1"))
	if err != nil {
		t.Fatal(err)
	}
	if all, err := s.Reviewers(ctx, "a", 0); err != nil || len(all) != 1 || all[0].Name != "Charles" {
		t.Errorf("%+v, %v", all, err)
	}
	if all, err := s.Reviewers(ctx, "a", charles.ID); err != nil || len(all) != 0 {
		t.Errorf("but for himself: %+v, %v", all, err)
	}
}
