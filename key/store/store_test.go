package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"repro/key"
	"repro/key/store"
)

var ctx = context.Background()

func newKey(t testing.TB, kind key.Kind) *key.Private {
	t.Helper()
	k, err := key.New(kind, key.Options{Name: "Alice", Time: time.Unix(1e9, 0)})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestStore(t *testing.T) {
	s := store.Open(filepath.Join(t.TempDir(), "new", "store"))
	if all, err := s.Entries(); err != nil || len(all) != 0 {
		t.Fatalf("%v, %v", all, err)
	}
	alice, lab := newKey(t, key.OpenPGP), newKey(t, key.PEM)
	private, err := lab.Encode([]byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Add(ctx, "alice", alice.Public(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Add(ctx, "lab", lab.Public(), private); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Add(ctx, "alice", newKey(t, key.PEM).Public(), nil); err == nil || !strings.Contains(err.Error(), "alice") {
		t.Errorf("another key took the name: %v", err)
	}
	for _, name := range []string{"", ".", "..", "../x", "a/b", "-x", "x.pub", "x.key", "a\nb", strings.Repeat("a", 65)} {
		if _, err := s.Add(ctx, name, newKey(t, key.PEM).Public(), nil); err == nil {
			t.Errorf("name %q was taken", name)
		}
	}
	all, err := s.Entries()
	if err != nil || len(all) != 2 || all[0].Name != "alice" || all[0].Private || !all[1].Private {
		t.Errorf("%+v, %v", all, err)
	}
	for _, what := range []string{"lab", string(lab.Fingerprint())} {
		e, err := s.Find(what)
		if err != nil || e.Public.Fingerprint() != lab.Fingerprint() {
			t.Errorf("find %s: %v", what, err)
		}
	}
	for _, what := range []string{"nobody", "../trust", alice.Fingerprint().Short(), ""} {
		if _, err := s.Find(what); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("find %q: %v", what, err)
		}
	}
	e, _ := s.Find("lab")
	if k, err := s.Private(e, func() ([]byte, error) { return []byte("secret"), nil }); err != nil || k.Fingerprint() != lab.Fingerprint() {
		t.Error(err)
	}
	e, _ = s.Find("alice")
	if _, err := s.Private(e, nil); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
}

// TestRevocationsStay: an older copy of a key does not undo its revocation.
func TestRevocationsStay(t *testing.T) {
	s := store.Open(t.TempDir())
	k := newKey(t, key.OpenPGP)
	certificate, err := k.Revoke(key.Retired, "", time.Unix(1.1e9, 0))
	if err != nil {
		t.Fatal(err)
	}
	revoked, err := k.Public().Revoked(certificate)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range []*key.Public{k.Public(), revoked, k.Public(), revoked} {
		e, err := s.Add(ctx, fmt.Sprint("copy", i), p, nil)
		if err != nil {
			t.Fatal(err)
		}
		if e.Name != "copy0" {
			t.Errorf("stored twice, as %s", e.Name)
		}
		if n := len(e.Public.Revocations()); n != min(i, 1) {
			t.Errorf("copy %d: %d revocations", i, n)
		}
	}
}

func TestBrokenFilesDoNotHideOthers(t *testing.T) {
	dir := t.TempDir()
	s := store.Open(dir)
	if _, err := s.Add(ctx, "good", newKey(t, key.PEM).Public(), nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "keys", "broken.pub"), []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := s.Entries()
	if err != nil || len(all) != 2 || all[0].Err == nil || all[1].Err != nil {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestConcurrentEdits(t *testing.T) {
	s := store.Open(t.TempDir())
	k := newKey(t, key.PEM)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			err := s.EditTrust(ctx, func(t *store.Trust) error {
				return t.Add(store.Binding{Fingerprint: k.Fingerprint(), Person: "alice", Role: fmt.Sprint("role", i)})
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	trust, err := s.Trust()
	if err != nil || len(trust.Bindings()) != 8 {
		t.Errorf("%d bindings, %v", len(trust.Bindings()), err)
	}
}

const (
	fp1 = "0123456789ABCDEF0123456789ABCDEF01234567"
	fp2 = "SHA256:uTQNtRhMhQ4XXHJP7gYsNvOKDVaKzFZcJm5Mg7nF1Ck"
)

func TestTrustKeepsWhatItDoesNotChange(t *testing.T) {
	text := "# my notes\n\n  " + strings.ToLower(fp1) + "   alice  author  2026-01-01 -\r\n# end\n" + fp2 + " bob reviewer - 2026-12-31\n"
	trust, err := store.ParseTrust("trust", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.ReplaceAll(text, "\r", ""); string(trust.Encode()) != got {
		t.Errorf("wrote %q", trust.Encode())
	}
	if err := trust.Add(store.Binding{Fingerprint: fp1, Person: "alice", Role: "author", Until: "2027-01-01"}); err != nil {
		t.Fatal(err)
	}
	if err := trust.Add(store.Binding{Fingerprint: fp1, Person: "mallory", Role: "editor"}); err == nil {
		t.Error("a key got a second owner")
	}
	want := "# my notes\n\n" + fp1 + " alice author - 2027-01-01\n# end\n" + fp2 + " bob reviewer - 2026-12-31\n"
	if got := string(trust.Encode()); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if n := len(trust.Of("reviewer")); n != 1 {
		t.Errorf("%d reviewers", n)
	}
	if n := trust.Remove(func(b store.Binding) bool { return b.Person == "alice" }); n != 1 || bytes.Contains(trust.Encode(), []byte(fp1)) {
		t.Errorf("removed %d", n)
	}
}

func TestTrustRefuses(t *testing.T) {
	for _, text := range []string{
		"alice author - -", fp1 + " alice author -", fp1 + " alice author - - more", "89ABCDEF01234567 alice author - -",
		fp1 + " al\x1bice author - -", fp1 + " alice author 2027-01-01 2026-01-01", fp1 + " alice author soon -", fp1 + " \xff author - -",
		strings.Repeat("\n", 10_001),
	} {
		if _, err := store.ParseTrust("trust", []byte(text)); err == nil {
			t.Errorf("%q was accepted", text[:min(80, len(text))])
		}
	}
}

// TestTrustIdentities: a line of six fields binds an identity, which has one
// person as a key has.
func TestTrustIdentities(t *testing.T) {
	const at = "https://accounts.example.org "
	text := at + "alice@x.org alice author - -\n" + at + "bob@x.org bob reviewer 2026-01-01 2026-12-31\n" + fp1 + " alice editor - -\n"
	trust, err := store.ParseTrust("trust", []byte(text))
	if err != nil || string(trust.Encode()) != text {
		t.Fatal(err, trust)
	}
	all := trust.Bindings()
	want := key.Identity{Issuer: "https://accounts.example.org", Subject: "bob@x.org"}
	if len(all) != 3 || all[1].Identity != want || all[1].Person != "bob" || all[1].Role != "reviewer" || all[1].Until != "2026-12-31" || all[1].Fingerprint != "" || all[2].Whose() != fp1 {
		t.Errorf("%+v", all)
	}
	if err := trust.Add(store.Binding{Identity: want, Person: "mallory", Role: "editor"}); err == nil || !strings.Contains(err.Error(), `is bound to "bob"`) {
		t.Errorf("an identity got a second owner: %v", err)
	}
	if err := trust.Add(store.Binding{Identity: want, Person: "bob", Role: "reviewer"}); err != nil || len(trust.Bindings()) != 3 || !strings.Contains(string(trust.Encode()), "bob@x.org bob reviewer - -\n") {
		t.Errorf("%v: %s", err, trust.Encode())
	}
	if err := trust.Add(store.Binding{Identity: want, Person: "bob", Role: "editor"}); err != nil || len(trust.Bindings()) != 4 {
		t.Errorf("%v: %s", err, trust.Encode())
	}
	for want, text := range map[string]string{
		"looks like":                       at + "alice@x.org alice author - -\n" + at + "Alice@x.org bob author - -\n",
		`of "bob" looks like "a@x.org"`:    at + "a@x.org alice author - -\nhttps://other.example.org a@x.org bob author - -\n",
		`looks like "bob@x.org" of "bob@x`: fp1 + " bob@x.org author - -\n" + at + "b0b@x.org carol author - -\n",
		"nobody could tell them apart":     at + "a@x.org alice author - -\n" + at + "A@x.org alice author - -\n",
		"mixes Latin and Cyrillic":         at + "b\u043eb@x.org bob author - -\n",
		"want the address of a provider":   "https:// bob@x.org bob author - -\n",
		"6 fields, want five":              "accounts bob@x.org bob author - -\n",
		"7 fields, want six: issuer":       at + "bob@x.org x bob author - -\n",
		"1 fields, want six":               "https://accounts.example.org\n",
		"4 fields, want five":              "bob author - -\n",
	} {
		if _, err := store.ParseTrust("trust", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func FuzzParseTrust(f *testing.F) {
	f.Add([]byte("# x\n" + fp1 + " alice author 2026-01-01 -\n" + fp2 + " bob reviewer - -"))
	f.Fuzz(func(t *testing.T, b []byte) {
		trust, err := store.ParseTrust("trust", b)
		if err != nil {
			return
		}
		again, err := store.ParseTrust("trust", trust.Encode())
		if err != nil || len(again.Bindings()) != len(trust.Bindings()) {
			t.Fatalf("does not read what it wrote: %v", err)
		}
		for _, b := range trust.Bindings() {
			if strings.ContainsFunc(b.Person+b.Role, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
				t.Fatalf("%q", b)
			}
		}
	})
}

// TestCertificates: a revocation certificate is nobody else's to read, and the
// first one stays.
func TestCertificates(t *testing.T) {
	s := store.Open(t.TempDir())
	const f = key.Fingerprint("0123456789ABCDEF0123456789ABCDEF01234567")
	if _, err := s.Certificate(f); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	for _, text := range []string{"first", "second"} {
		name, err := s.KeepCertificate(t.Context(), f, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(name)
		if err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 || filepath.Base(name) != string(f)+".revoke" {
			t.Error(name, info.Mode(), err)
		}
		if b, err := s.Certificate(f); err != nil || string(b) != "first" {
			t.Errorf("%q, %v", b, err)
		}
	}
	if all, err := s.Entries(); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
}

// TestNoFile: a folder in the place of a file is refused before it is read.
func TestNoFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "trust"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(dir).Trust(); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Error(err)
	}
}
