package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"repro/format/manifest"
)

func TestTrustedKeys(t *testing.T) {
	s, _ := newStore(t)
	addVenue(t, s, "a")
	addVenue(t, s, "b")
	for _, k := range []TrustedKey{{Fingerprint: "1", Name: "Zoe", Material: []byte("z")}, {Fingerprint: "2", Name: "Ada", Material: []byte("a")}, {Fingerprint: "1", Name: "Bob", Material: []byte("b")}} {
		if err := s.AddKey(ctx, 0, "a", k); err != nil {
			t.Fatal(err)
		}
	}
	if keys, err := s.Keys(ctx, "a"); err != nil || len(keys) != 2 || keys[0].Name != "Ada" || keys[1].Name != "Bob" || string(keys[1].Material) != "b" || keys[1].Fingerprint != "1" {
		t.Errorf("%+v, %v", keys, err)
	}
	if keys, err := s.Keys(ctx, "b"); err != nil || keys != nil {
		t.Errorf("of another venue: %+v, %v", keys, err)
	}
	if err := s.RemoveKey(ctx, 0, "b", "1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed from another venue: %v", err)
	}
	if err := s.RemoveKey(ctx, 0, "a", "1"); err != nil {
		t.Error(err)
	}
	for i := range MaxKeys - 1 {
		if err := s.AddKey(ctx, 0, "a", TrustedKey{Fingerprint: fmt.Sprint("k", i), Name: "x", Material: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	var bad *InvalidError
	if err := s.AddKey(ctx, 0, "a", TrustedKey{Fingerprint: "more", Name: "x"}); !errors.As(err, &bad) {
		t.Errorf("one too many: %v", err)
	}
	if err := s.AddKey(ctx, 0, "a", TrustedKey{Fingerprint: "k0", Name: "y", Material: []byte("x")}); err != nil {
		t.Errorf("a new name where no more fit: %v", err)
	}
	if err := s.AddKey(ctx, 0, "b", TrustedKey{Fingerprint: "1", Name: " "}); !errors.As(err, &bad) {
		t.Errorf("no name: %v", err)
	}
}

func TestAttach(t *testing.T) {
	s, c := newStore(t)
	addVenue(t, s, "a")
	sub := submission(t, s, "a")
	a := Attached{Person: sub.Person, Digest: manifest.DigestOf([]byte("1")), Bundle: []byte("1"), Material: []byte("k")}
	if err := s.Attach(ctx, sub, a); err != nil {
		t.Fatal(err)
	}
	if err := s.Attach(ctx, sub, a); !errors.Is(err, ErrExists) {
		t.Errorf("again: %v", err)
	}
	for i := range MaxKeys - 1 {
		if err := s.Attach(ctx, sub, Attached{Person: sub.Person, Digest: manifest.Digest(fmt.Sprint(i)), Bundle: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	var bad *InvalidError
	if err := s.Attach(ctx, sub, Attached{Person: sub.Person, Digest: "more", Bundle: []byte("x")}); !errors.As(err, &bad) {
		t.Errorf("one too many: %v", err)
	}
	all, err := s.Attachments(ctx, sub.ID)
	if err != nil || len(all) != MaxKeys || string(all[0].Bundle) != "1" || string(all[0].Material) != "k" || all[0].Name != "author" || !all[0].Created.Equal(c.Time) || len(all[1].Material) != 0 {
		t.Errorf("%d, %+v, %v", len(all), all[:2], err)
	}
}

// TestDecisions: the last one counts, and none is lost.
func TestDecisions(t *testing.T) {
	s, _ := newStore(t)
	addVenue(t, s, "a")
	sub := submission(t, s, "a")
	if o, err := s.Outcome(ctx, sub.ID); err != nil || o != Undecided {
		t.Errorf("%q, %v", o, err)
	}
	var bad *InvalidError
	for _, d := range []Decision{{Outcome: "perhaps"}, {Outcome: Accepted, Words: strings.Repeat("x", maxWords+1)}} {
		if err := s.Decide(ctx, sub, d); !errors.As(err, &bad) {
			t.Errorf("%.20v: %v", d, err)
		}
	}
	for _, o := range []Outcome{Revise, Accepted} {
		if err := s.Decide(ctx, sub, Decision{Person: sub.Person, Outcome: o, Words: "because"}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.Decisions(ctx, sub.ID)
	if err != nil || len(all) != 2 || all[0].Outcome != Accepted || all[1].Outcome != Revise || all[0].Words != "because" || all[0].Person != sub.Person {
		t.Errorf("%+v, %v", all, err)
	}
	if o, err := s.Outcome(ctx, sub.ID); err != nil || o != Accepted {
		t.Errorf("%q, %v", o, err)
	}
}
