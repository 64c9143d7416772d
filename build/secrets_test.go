package build

import (
	"strings"
	"testing"

	"repro/format/tree"
	"repro/recipe"
)

// TestSecrets refuses files that hold what looks like a token, names the line
// and how to go on, and never tells the token.
func TestSecrets(t *testing.T) {
	token := "ghp_" + strings.Repeat("a1B2", 9)
	check := func(name, text string, allowed ...string) string {
		t.Helper()
		b := &builder{Options: Options{Recipe: &recipe.Recipe{}}}
		for _, a := range allowed {
			b.Recipe.NotSecret = append(b.Recipe.NotSecret, recipe.Text{Value: a})
		}
		if err := b.checkSecrets(name, tree.NewFile(0o644, []byte(text))); err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, p := range b.problems {
			said = append(said, p.Text)
		}
		return strings.Join(said, "\n")
	}
	text := "a\nb = '" + token + "'\n"
	said := check("conf.txt", text)
	for _, want := range []string{`"conf.txt": line 2 looks like a GitHub token`, `"!conf.txt"`, "not_secret: [\"conf.txt\"]"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q does not say %q", said, want)
		}
	}
	if strings.Contains(said, token) {
		t.Error("the message tells the secret")
	}
	if said := check("conf.txt", text, "other.txt", "conf.txt"); said != "" {
		t.Errorf("named, and yet: %s", said)
	}
	if said := check("conf.txt", text, "conf"); said == "" {
		t.Error("another file is named, and this one passes")
	}
	if said := check(".venv/lib/python3/site-packages/test.py", text); said != "" {
		t.Errorf("of a library: %s", said)
	}
	fill := strings.Repeat("x", maxSecretFile-len(token)-1) + " "
	if check("long", fill+token) == "" {
		t.Error("a file of 1 MiB is not searched")
	}
	if said := check("longer", " "+fill+token); said != "" {
		t.Errorf("a longer one is: %s", said)
	}
}

// TestRevocationCertificates: who has one can revoke the key; it enters no image.
func TestRevocationCertificates(t *testing.T) {
	const armour = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n"
	for _, c := range []struct {
		name, text string
		refused    bool
	}{
		{"a.revoke", armour, true},
		{"notes.txt", armour + "Comment: This is a revocation certificate\n\n", true},
		{"a.revoke", "revoke\n", false},
		{"a.pub", armour, false},
		{"notes.txt", "This is a revocation certificate\n", false},
	} {
		b := &builder{Options: Options{Warn: func(recipe.Problem) {}}}
		if err := b.checkSecrets(c.name, tree.NewFile(0o644, []byte(c.text))); err != nil {
			t.Fatal(err)
		}
		if refused := len(b.problems) == 1 && strings.Contains(b.problems[0].Text, `leave the file out with "!`+c.name+`"`); refused != c.refused {
			t.Errorf("%s %q: %v", c.name, c.text, b.problems)
		}
	}
}
