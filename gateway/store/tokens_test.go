package store

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestTokens(t *testing.T) {
	s, c := newStore(t)
	addVenue(t, s, "a")
	addVenue(t, s, "b")
	p, other := submission(t, s, "a").Person, submission(t, s, "b").Person
	add := func(person int64, secret string, d time.Duration) error {
		return s.AddToken(ctx, person, Token{Label: secret, Expires: c.Add(d)}, HashOf(secret))
	}
	if err := add(p, "t1", time.Hour); err != nil {
		t.Fatal(err)
	}
	if got, err := s.ByToken(ctx, HashOf("t1")); err != nil || got.ID != p {
		t.Errorf("%+v, %v", got, err)
	}
	all, err := s.Tokens(ctx, p)
	if err != nil || len(all) != 1 || all[0].Label != "t1" || !all[0].Expires.Equal(c.Add(time.Hour)) || all[0].Revoked {
		t.Errorf("%+v, %v", all, err)
	}
	if err := s.RevokeToken(ctx, other, all[0].ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("revoked by somebody else: %v", err)
	}
	for i := range MaxTokens - 1 {
		if err := add(p, fmt.Sprint("more", i), time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	var bad *InvalidError
	if err := add(p, "too many", time.Hour); !errors.As(err, &bad) {
		t.Errorf("one too many: %v", err)
	}
	if err := add(other, "t2", time.Hour); err != nil {
		t.Errorf("somebody else's: %v", err)
	}
	c.Time = c.Add(time.Minute)
	if err := add(p, "t3", time.Hour); err != nil {
		t.Errorf("those that have expired count: %v", err)
	}
	if err := s.RevokeToken(ctx, p, all[0].ID); err != nil {
		t.Fatal(err)
	}
	c.Time = c.Add(59 * time.Minute)
	for _, secret := range []string{"t1", "t2", "none", "more0"} { // revoked, expired, unknown, expired
		if got, err := s.ByToken(ctx, HashOf(secret)); !errors.Is(err, ErrNoLink) || got.ID != 0 {
			t.Errorf("%s: %+v, %v", secret, got, err)
		}
	}
	if err := add(p, " ", time.Hour); !errors.As(err, &bad) {
		t.Errorf("no name: %v", err)
	}
}
