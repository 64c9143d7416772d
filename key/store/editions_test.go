package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/format/manifest"
)

func d(s string) manifest.Digest { return manifest.DigestOf([]byte(s)) }

func TestRememberPolicy(t *testing.T) {
	s := Open(t.TempDir())
	for i, c := range []struct {
		name   string
		serial int
		file   string
		ok     bool
	}{
		{"J", 0, "a", true}, {"J", 0, "b", true}, // none has a serial yet
		{"J", 3, "c", true}, {"J", 3, "c", true}, {"J", 3, "d", false}, {"J", 2, "c", false}, {"J", 0, "a", false},
		{"K", 1, "e", true},
		{"J", 5, "f", true}, {"J", 4, "x", false}, {"J", 5, "f", true},
	} {
		err := s.RememberPolicy(context.Background(), c.name, c.serial, d(c.file))
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrOlder) {
			t.Errorf("%d: %+v: %v", i, c, err)
		}
	}
	if err := os.WriteFile(s.editionsFile(), []byte(`{"version":1,"x":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.RememberPolicy(context.Background(), "J", 9, d("y")); err == nil {
		t.Error("what is remembered was changed, and that is not noticed")
	}
}

func TestTrustOfAnOlderEdition(t *testing.T) {
	dir := t.TempDir()
	s := Open(dir)
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "trust"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	line := strings.Repeat("A", 40) + " ann author - -\n"
	write("# serial 4\n" + line)
	if tr, err := s.Trust(); err != nil || tr.Serial() != 4 {
		t.Fatal(err)
	}
	b := Binding{Fingerprint: "0123456789ABCDEF0123456789ABCDEF01234567", Person: "bob", Role: "reviewer"}
	if err := s.EditTrust(context.Background(), func(t *Trust) error { return t.Add(b) }); err != nil {
		t.Fatal(err)
	}
	if tr, err := s.Trust(); err != nil || tr.Serial() != 5 || len(tr.Bindings()) != 2 {
		t.Fatalf("%v, %+v", err, tr)
	}
	for _, text := range []string{"# serial 4\n" + line, line, "", "# serial 5\n" + line, "# serial x\n" + line} {
		write(text)
		if _, err := s.Trust(); !errors.Is(err, ErrOlder) {
			t.Errorf("%q: %v", text, err)
		}
		if err := s.EditTrust(context.Background(), func(*Trust) error { return nil }); !errors.Is(err, ErrOlder) {
			t.Errorf("%q, to edit: %v", text, err)
		}
	}
	write("# serial 6\n")
	if _, err := s.Trust(); err != nil {
		t.Error(err)
	}
}

func TestTrustLookalikes(t *testing.T) {
	const one, two = "0123456789ABCDEF0123456789ABCDEF01234567", "1123456789ABCDEF0123456789ABCDEF01234567"
	for text, want := range map[string]string{
		one + " ann author - -\n" + two + " bob author - -\n":   "",
		one + " ann author - -\n" + one + " ann reviewer - -\n": "",
		one + " ann author - -\n" + one + " bob author - -\n":   "a key has one person",
		one + " ann author - -\n" + two + " Ann author - -\n":   `looks like "ann"`,
		one + " ann ox - -\n" + two + " bob \u043e\u0445 - -\n": `looks like "ox"`,
		one + " \u0430nn author - -\n":                          "mixes Cyrillic and Latin letters",
		one + " rene\u0301 author - -\n":                        "composed form",
		one + " ann re\u0475iewer - -\n":                        "mixes Latin and Cyrillic letters",
	} {
		_, err := ParseTrust("trust", []byte(text))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
