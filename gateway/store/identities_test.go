package store

import (
	"errors"
	"testing"
	"time"
)

var (
	ada = Identity{"https://orcid.example", "0000-0001", "Ada L."}
	bob = Identity{"https://orcid.example", "0000-0002", "Bob"}
)

// signIn starts a session, with the link of a secret if there is one.
func signIn(s *Store, id Identity, secret, session string) (Person, error) {
	var link *Hash
	if secret != "" {
		h := HashOf(secret)
		link = &h
	}
	return s.SignIn(ctx, id, link, HashOf(session), time.Hour)
}

// TestSignIn follows one identity through two venues (GTW-8).
func TestSignIn(t *testing.T) {
	s, c := newStore(t)
	addVenue(t, s, "a")
	addVenue(t, s, "b")
	first := invite(t, s, Link{Venue: "a", Role: Author, Label: "Ada"}, "l1")
	invite(t, s, Link{Venue: "b", Role: Editor, Label: "Dr Lovelace"}, "l2")
	if _, err := signIn(s, ada, "", "s0"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an identity of nobody: %v", err)
	}
	p, err := signIn(s, ada, "l1", "s1")
	if err != nil || p.Name != "Ada" || roleIn(t, s, p.ID, "a") != Author {
		t.Fatalf("%+v, %v", p, err)
	}
	if again, err := signIn(s, ada, "l2", "s2"); err != nil || again != p || roleIn(t, s, p.ID, "b") != Editor {
		t.Errorf("a second link is of %+v, %v", again, err)
	}
	ada := ada
	ada.Name = "A. King"
	if again, err := signIn(s, ada, "", "s3"); err != nil || again != p {
		t.Errorf("under another name: %+v, %v", again, err)
	}
	for _, session := range []string{"s1", "s2", "s3"} {
		if got, err := s.Session(ctx, HashOf(session)); err != nil || got != p {
			t.Errorf("%s: %+v, %v", session, got, err)
		}
	}
	if ids, err := s.Identities(ctx, p.ID); err != nil || len(ids) != 1 || ids[0].Name != "Ada L." || ids[0].Subject != "0000-0001" {
		t.Errorf("%+v, %v", ids, err)
	}
	if links, err := s.Links(ctx, "a"); err != nil || len(links) != 1 || links[0].Identity == nil || links[0].Identity.Subject != "0000-0001" {
		t.Errorf("%+v, %v", links, err)
	}
	if err := s.RevokeLink(ctx, 0, "a", first); err != nil {
		t.Fatal(err)
	}
	if got := roleIn(t, s, p.ID, "a"); got != Nobody {
		t.Errorf("role %q after the link was revoked", got)
	}
	if got := roleIn(t, s, p.ID, "b"); got != Editor {
		t.Errorf("role %q in the other venue", got)
	}
	c.Time = c.Add(time.Hour)
	if _, err := s.Session(ctx, HashOf("s3")); !errors.Is(err, ErrNotFound) {
		t.Errorf("a session after its time: %v", err)
	}
}

// TestLinkOfIdentity: a link that was used with an identity opens for nobody
// who does not have it, whoever knows the secret (GTW-8).
func TestLinkOfIdentity(t *testing.T) {
	s, _ := newStore(t)
	addVenue(t, s, "a")
	invite(t, s, Link{Venue: "a", Role: Reviewer}, "l1")
	if _, err := s.Redeem(ctx, HashOf("l1"), HashOf("before"), time.Hour); err != nil {
		t.Fatal(err)
	}
	p, err := signIn(s, ada, "l1", "s1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Session(ctx, HashOf("before")); !errors.Is(err, ErrNotFound) {
		t.Errorf("a session by the link alone goes on: %v", err)
	}
	if _, err := s.Redeem(ctx, HashOf("l1"), HashOf("x"), time.Hour); !errors.Is(err, ErrSignIn) {
		t.Errorf("used without: %v", err)
	}
	if _, err := s.Bearer(ctx, HashOf("l1")); !errors.Is(err, ErrSignIn) {
		t.Errorf("used by a program: %v", err)
	}
	if _, err := signIn(s, bob, "l1", "x"); !errors.Is(err, ErrTaken) {
		t.Errorf("used by somebody else: %v", err)
	}
	if again, err := signIn(s, ada, "l1", "s2"); err != nil || again != p {
		t.Errorf("used again: %+v, %v", again, err)
	}
	invite(t, s, Link{Venue: "a", Role: Editor}, "l2")
	if _, err := signIn(s, ada, "l2", "x"); !errors.Is(err, ErrTaken) || roleIn(t, s, p.ID, "a") != Reviewer {
		t.Errorf("a second role in a venue: %v", err)
	}
	if _, err := signIn(s, bob, "l2", "s3"); err != nil {
		t.Errorf("bob, whom nobody knows: %v", err)
	}
	if _, err := signIn(s, ada, "l2", "x"); !errors.Is(err, ErrTaken) {
		t.Errorf("bob's link: %v", err)
	}
	if _, err := signIn(s, ada, "nothing", "x"); !errors.Is(err, ErrNoLink) {
		t.Errorf("no link: %v", err)
	}
}

// TestRoleAgain: a role that has ended makes room for a new one.
func TestRoleAgain(t *testing.T) {
	s, c := newStore(t)
	addVenue(t, s, "a")
	invite(t, s, Link{Venue: "a", Role: Reviewer}, "l1")
	p, err := signIn(s, ada, "l1", "s1")
	if err != nil {
		t.Fatal(err)
	}
	c.Time = c.Add(time.Hour)
	invite(t, s, Link{Venue: "a", Role: Author, Once: true}, "l2")
	if _, err := signIn(s, ada, "l2", "s2"); err != nil || roleIn(t, s, p.ID, "a") != Author {
		t.Errorf("%v, role %q", err, roleIn(t, s, p.ID, "a"))
	}
	c.Time = c.Add(1000 * time.Hour)
	if got := roleIn(t, s, p.ID, "a"); got != Author {
		t.Errorf("what a link for one use gives lasts: role %q", got)
	}
}
