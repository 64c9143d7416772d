package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"repro/key"
	"repro/key/store"
)

// TestEntries: files that are no keys of the store are passed over, wherever
// they stand in the folder; one that can't be read says why.
func TestEntries(t *testing.T) {
	dir := t.TempDir()
	s := store.Open(dir)
	for _, name := range []string{"b", "d"} {
		if _, err := s.Add(ctx, name, newKey(t, key.PEM).Public(), nil); err != nil {
			t.Fatal(err)
		}
	}
	keys := filepath.Join(dir, "keys")
	for _, name := range []string{"a.txt", "b.key", "b.revoke", "-c.pub", "c.key.pub", "c", "e.pub"} {
		if err := os.WriteFile(filepath.Join(keys, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.Entries()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range all {
		got = append(got, fmt.Sprint(e.Name, " ", e.Public != nil, " ", e.Private, " ", e.Err != nil))
	}
	if want := []string{"b true true false", "d true false false", "e false false true"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	want := filepath.Join(keys, "e.pub") + ": "
	if _, err := s.Find("e"); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%v, want %s...", err, want)
	}
	// The broken file hides nothing from a search by fingerprint either.
	if e, err := s.Find(string(all[1].Public.Fingerprint())); err != nil || e.Name != "d" {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestMaxKeys(t *testing.T) {
	dir := t.TempDir()
	keys := filepath.Join(dir, "keys")
	add := func(i int) {
		if err := os.WriteFile(filepath.Join(keys, fmt.Sprintf("k%05d.pub", i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(keys, 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range store.MaxKeys {
		add(i)
	}
	if all, err := store.Open(dir).Entries(); err != nil || len(all) != 10_000 {
		t.Errorf("%d entries, %v", len(all), err)
	}
	add(store.MaxKeys)
	want := keys + ": more than 10000 keys"
	if _, err := store.Open(dir).Entries(); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if _, err := store.Open(dir).Add(ctx, "a", newKey(t, key.PEM).Public(), nil); err == nil || err.Error() != want {
		t.Errorf("adding: %v, want %s", err, want)
	}
}

func TestMaxFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "keys", "a.key")
	write := func(size int) {
		if err := os.WriteFile(name, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(key.MaxFile)
	if b, err := store.Open(dir).PrivateBytes(store.Entry{Name: "a"}); err != nil || len(b) != key.MaxFile {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	write(key.MaxFile + 1)
	want := fmt.Sprintf("%s: more than %d bytes", name, key.MaxFile)
	if _, err := store.Open(dir).PrivateBytes(store.Entry{Name: "a"}); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestPrivateOfAnother: a private key under another key's name is refused.
func TestPrivateOfAnother(t *testing.T) {
	s := store.Open(t.TempDir())
	other, err := newKey(t, key.PEM).Encode([]byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Add(ctx, "lab", newKey(t, key.PEM).Public(), other)
	if err != nil || !e.Private || e.Name != "lab" {
		t.Fatalf("%+v, %v", e, err)
	}
	ask := func(word string) key.PassphraseFunc {
		return func() ([]byte, error) { return []byte(word), nil }
	}
	if k, err := s.Private(e, ask("secret")); !errors.Is(err, key.ErrNotKey) || k != nil || !strings.Contains(err.Error(), string(e.Public.Fingerprint())) {
		t.Errorf("%v", err)
	}
	if k, err := s.Private(e, ask("wrong")); !errors.Is(err, key.ErrPassphrase) || k != nil {
		t.Errorf("%v", err)
	}
	if _, err := s.PrivateBytes(store.Entry{Name: "nobody"}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes are those of Unix")
	}
	dir := filepath.Join(t.TempDir(), "store")
	s := store.Open(dir)
	if _, err := s.Add(ctx, "lab", newKey(t, key.PEM).Public(), []byte("private")); err != nil {
		t.Fatal(err)
	}
	if err := s.EditTrust(ctx, func(*store.Trust) error { return nil }); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{".": 0o700, "keys": 0o700, "keys/lab.pub": 0o600, "keys/lab.key": 0o600, "trust": 0o600} {
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: %v, want %v; %v", name, st.Mode().Perm(), want, err)
		}
	}
}

// TestEditTrustFails: an edit that fails leaves the file as it was, and a file
// that is not understood is not written over.
func TestEditTrustFails(t *testing.T) {
	dir := t.TempDir()
	s := store.Open(dir)
	if err := s.EditTrust(ctx, func(t *store.Trust) error {
		return t.Add(store.Binding{Fingerprint: fp1, Person: "alice", Role: "author"})
	}); err != nil {
		t.Fatal(err)
	}
	no := errors.New("no")
	err := s.EditTrust(ctx, func(t *store.Trust) error {
		t.Remove(func(store.Binding) bool { return true })
		return no
	})
	trust, readErr := s.Trust()
	if err != no || readErr != nil || len(trust.Bindings()) != 1 {
		t.Errorf("%v, %v, %v", err, readErr, trust)
	}
	name := filepath.Join(dir, "trust")
	if err := os.WriteFile(name, []byte("# x\nnonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := name + ":2: 1 fields, want five: fingerprint, person, role, from, until"
	if err := s.EditTrust(ctx, func(*store.Trust) error { return nil }); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if b, _ := os.ReadFile(name); string(b) != "# x\nnonsense\n" {
		t.Errorf("wrote %q", b)
	}
}

// TestTrustAdd: a binding replaces the one of the same key and role, and only
// that one.
func TestTrustAdd(t *testing.T) {
	var trust store.Trust
	for _, b := range []store.Binding{
		{Fingerprint: fp1, Person: "alice", Role: "author"},
		{Fingerprint: fp1, Person: "alice", Role: "editor", From: "2026-01-01"},
		{Fingerprint: fp2, Person: "alice", Role: "author"},
		{Fingerprint: fp1, Person: "alice", Role: "editor", Until: "2026-12-31"},
		{Fingerprint: fp2, Person: "alice", Role: "author", From: "2026-01-01", Until: "2026-12-31"},
	} {
		if err := trust.Add(b); err != nil {
			t.Fatal(err)
		}
	}
	want := "# Whom I trust. Importing a key never adds a line here; repro key trust does.\n" +
		"# fingerprint person role from until (days in UTC, both included; - is an open end)\n" +
		fp1 + " alice author - -\n" + fp1 + " alice editor - 2026-12-31\n" + fp2 + " alice author 2026-01-01 2026-12-31\n"
	if got := string(trust.Encode()); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for b, want := range map[store.Binding]string{
		{Fingerprint: fp2, Person: "bob", Role: "author"}:                                            "key " + fp2 + ` is bound to "alice": a key has one person; take that away first with repro key untrust`,
		{Fingerprint: fp2, Person: "al ice", Role: "author"}:                                         `person "al ice": want one word of letters, digits and ._@+-`,
		{Fingerprint: fp2, Person: "alice", Role: ""}:                                                `role "": want one word of letters, digits and ._@+-`,
		{Fingerprint: fp2, Person: "alice", Role: "author", From: "2026-01-02", Until: "2026-01-01"}: "",
	} {
		if err := trust.Add(b); err == nil || want != "" && err.Error() != want {
			t.Errorf("%+v: %v, want %s", b, err, want)
		}
	}
	if got := string(trust.Encode()); got != want {
		t.Errorf("a refused binding changed the file:\n%s", got)
	}
	for whom, want := range map[string]int{"alice": 3, "author": 2, "editor": 1, "bob": 0, "": 0} {
		if n := len(trust.Of(whom)); n != want {
			t.Errorf("%q: %d bindings, want %d", whom, n, want)
		}
	}
	if n := trust.Remove(func(b store.Binding) bool { return b.Role == "author" }); n != 2 || len(trust.Bindings()) != 1 {
		t.Errorf("removed %d", n)
	}
}

func TestParseTrust(t *testing.T) {
	trust, err := store.ParseTrust("trust", []byte("#"+fp1+" mallory author - -\n \t\n"+fp1+" alice author 2026-01-01 2026-12-31"))
	want := []store.Binding{{Fingerprint: fp1, Person: "alice", Role: "author", From: "2026-01-01", Until: "2026-12-31"}}
	if err != nil || !reflect.DeepEqual(trust.Bindings(), want) {
		t.Fatalf("%+v, %v", trust.Bindings(), err)
	}
	w, err := key.ParseWindow("2026-01-01", "2026-12-31")
	if err != nil || trust.Bindings()[0].Window() != w {
		t.Errorf("window %v, want %v; %v", trust.Bindings()[0].Window(), w, err)
	}
	if trust, err := store.ParseTrust("trust", []byte(strings.Repeat("\n", 10_000))); err != nil || len(trust.Encode()) != 10_000 {
		t.Errorf("the longest file: %v", err)
	}
	for text, want := range map[string]string{
		strings.Repeat("\n", 10_001):            "trust: more than 10000 lines",
		"\xff":                                  "trust: not UTF-8",
		"\n\n" + fp1 + " alice author -":        "trust:3: 4 fields, want five: fingerprint, person, role, from, until",
		fp1 + " alice author - - -":             "trust:1: 6 fields, want five: fingerprint, person, role, from, until",
		"# x\n" + fp1 + " al/ice author - -":    `trust:2: person "al/ice": want one word of letters, digits and ._@+-`,
		"# x\n" + fp1 + " al\x1bice author - -": `trust:2: a control character, or one that reorders text: "` + fp1 + ` al\x1bice author - -"`,
		"# \u202ex":                             `trust:1: a control character, or one that reorders text: "# \u202ex"`,
		"\v":                                    `trust:1: a control character, or one that reorders text: "\v"`,
		"# a\rb":                                `trust:1: a control character, or one that reorders text: "# a\rb"`,
		fp1 + "\u00a0alice author - -":          "trust:1: 4 fields, want five: fingerprint, person, role, from, until",
		fp1 + " a author -\u00a0 -":             `trust:1: time "-\u00a0": want a day such as 2026-03-01, or a time such as 2026-03-01T12:00:00Z`,
	} {
		if _, err := store.ParseTrust("trust", []byte(text)); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestDir(t *testing.T) {
	config, err := os.UserConfigDir()
	if err != nil {
		t.Skip("nobody has settings here:", err)
	}
	if dir, err := store.Dir(); err != nil || dir != filepath.Join(config, "repro") {
		t.Errorf("%s, %v", dir, err)
	}
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "AppData"} {
		t.Setenv(name, "")
	}
	if dir, err := store.Dir(); err == nil || dir != "" || !strings.HasPrefix(err.Error(), "key store: ") {
		t.Errorf("without a folder for settings: %q, %v", dir, err)
	}
}
