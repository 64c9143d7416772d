package store

import (
	"errors"
	"strings"
	"testing"

	"repro/format/manifest"
)

// submission adds one of a new person with a link in a venue.
func submission(t *testing.T, s *Store, venue string) Submission {
	t.Helper()
	invite(t, s, Link{Venue: venue, Role: Author}, "of "+venue)
	p, err := s.Redeem(ctx, HashOf("of "+venue), HashOf("session of "+venue), 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	u, err := s.AddUpload(ctx, Upload{Venue: venue, Person: p.ID, Name: "x", Content: manifest.DigestOf(nil), Size: 1})
	sub := Submission{Upload: u, Report: []byte("{}")}
	if err == nil {
		err = s.AddSubmission(ctx, sub)
	}
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

func TestComments(t *testing.T) {
	s, _ := newStore(t)
	addVenue(t, s, "a")
	addVenue(t, s, "b")
	sub, other := submission(t, s, "a"), submission(t, s, "b")
	for what, c := range map[string]Comment{
		"nothing": {Words: " "}, "long": {Words: strings.Repeat("x", maxWords+1)}, "not UTF-8": {Words: "\xff"}, "no such thing": {Words: "x", About: "page", Subject: "1"},
		"no subject": {Words: "x", About: AboutStep}, "a subject of all": {Words: "x", Subject: "y"}, "a line of a step": {Words: "x", About: AboutStep, Subject: "y", Line: 1},
		"a line before the first": {Words: "x", About: AboutFile, Subject: "/y", Line: -1},
	} {
		var bad *InvalidError
		if _, err := s.AddComment(ctx, sub, c); !errors.As(err, &bad) {
			t.Errorf("%s: %v", what, err)
		}
	}
	open := Comment{Person: sub.Person, Role: Author, About: AboutFile, Subject: "/paper/a.py", Line: 3, Words: strings.Repeat("x", maxWords)}
	first, err := s.AddComment(ctx, sub, open)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.AddComment(ctx, sub, Comment{Person: sub.Person, Role: Reviewer, Words: "between us", Internal: true})
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.Comments(ctx, sub.ID, true)
	if err != nil || len(all) != 2 || all[0].ID != first || all[0].Line != 3 || all[0].Subject != "/paper/a.py" || all[0].Role != Author || all[0].Name != "author" || !all[1].Internal || all[1].Words != "between us" {
		t.Errorf("%+v, %v", all, err)
	}
	if some, err := s.Comments(ctx, sub.ID, false); err != nil || len(some) != 1 || some[0].ID != first {
		t.Errorf("without internal ones: %+v, %v", some, err)
	}
	for what, err := range map[string]error{
		"another's": s.RemoveComment(ctx, other.Person, sub, first, false), "of another submission": s.RemoveComment(ctx, sub.Person, other, first, true),
		"none": s.RemoveComment(ctx, sub.Person, sub, 99, true),
	} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("removed %s: %v", what, err)
		}
	}
	if err := s.RemoveComment(ctx, sub.Person, sub, first, false); err != nil {
		t.Error(err)
	}
	if err := s.RemoveComment(ctx, other.Person, sub, second, true); err != nil {
		t.Error(err)
	}
	if all, err := s.Comments(ctx, sub.ID, true); err != nil || !all[0].Removed || all[0].Words != "" || !all[1].Removed {
		t.Errorf("%+v, %v", all, err)
	}
}
