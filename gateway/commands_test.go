package gateway

import (
	"bytes"
	"context"
	"reflect"
	"strings"
	"testing"

	"repro/gateway/access"
	"repro/gateway/store"
)

// run runs a command line and returns what it prints.
func run(t *testing.T, want int, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if got := Main(append([]string{"repro-gateway"}, args...), &out, &errs); got != want {
		t.Errorf("%q: status %d, want %d: %s", args, got, want, errs.String())
	}
	if want == 2 && !strings.Contains(errs.String(), "usage: ") || want != 0 && out.Len() > 0 {
		t.Errorf("%q: %q, %q", args, out.String(), errs.String())
	}
	return out.String() + errs.String()
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"go"}, {"serve", "x"}, {"serve", "--nothing"}, {"serve", "--origin", "gateway.example"},
		{"serve", "--origin", "ftp://x"}, {"serve", "--origin", "https://x/y"}, {"serve", "--origin", "https://a:b@x"},
		{"venue", "a"}, {"venue", "--quota", "0", "a", "A"}, {"venue", "--quota", "2", "--share", "3", "a", "A"}, {"venue", "--share", "-1", "a", "A"}, {"invite", "a", "author"}, {"invite", "--days", "0", "a", "author", "A"},
		{"invite", "--days", "367", "a", "author", "A"}, {"invite", "--origin", "x", "a", "author", "A"}} {
		run(t, 2, args...)
	}
	for _, args := range [][]string{{"--help"}, {"help"}, {"serve", "-h"}, {"backup", "--help"}, {"provider", "--help"}, {"work", "--help"}} {
		if got := run(t, 0, args...); got != usage {
			t.Errorf("%q: %q", args, got)
		}
	}
	o, err := parseServe([]string{"--data", "d", "--origin", "https://x/"})
	if err != nil || !reflect.DeepEqual(o, Options{Data: "d", Listen: "127.0.0.1:8380", Origin: "https://x", Workers: 1}) {
		t.Errorf("%+v, %v", o, err)
	}
}

// TestCommands adds a venue and invites somebody without a browser.
func TestCommands(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	if got := run(t, 0, "venue", "--data", dir, "--quota", "2", "--share", "1", "j", "A journal"); got != "added /v/j\n" {
		t.Errorf("%q", got)
	}
	if got := run(t, 1, "venue", "--data", dir, "j", "Again"); !strings.Contains(got, "exists already") {
		t.Errorf("%q", got)
	}
	if got := run(t, 1, "invite", "--data", dir, "k", "author", "Ada"); !strings.Contains(got, "not found") {
		t.Errorf("%q", got)
	}
	if got := run(t, 1, "invite", "--data", dir, "j", "owner", "Ada"); !strings.Contains(got, "not a role") {
		t.Errorf("%q", got)
	}
	f := strings.Fields(run(t, 0, "invite", "--data", dir, "--origin", "https://x", "j", "author", "Ada"))
	if len(f) != 4 || f[0] != "link" || f[2] != "token" || f[1] != "https://x/join?token="+f[3] {
		t.Fatalf("%q", f)
	}
	s, err := store.Open(ctx, dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if v, err := s.Venue(ctx, "j"); err != nil || v.Name != "A journal" || v.Quota != 2<<30 || v.Personal != 1<<30 {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := access.OpenKey(dir); err != nil {
		t.Error(err)
	}
	p, err := s.Bearer(ctx, store.HashOf(f[3]))
	if role, _ := s.RoleIn(ctx, p.ID, "j"); err != nil || p.Name != "Ada" || role != store.Author {
		t.Errorf("%+v is %q, %v", p, role, err)
	}
}
