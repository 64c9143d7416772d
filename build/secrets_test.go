package build

import (
	"strings"
	"testing"

	"repro/format/tree"
	"repro/recipe"
)

func TestSecrets(t *testing.T) {
	token := strings.Repeat("a1B2", 9) // 36 characters
	for text, want := range map[string]string{
		"x = 1\n":                          "",
		"-----BEGIN PRIVATE KEY-----\nMII": "line 1 looks like a private key",
		`{"private_key": "-----BEGIN RSA PRIVATE KEY-----\n"}`:             "a private key",
		"-----BEGIN PUBLIC KEY-----":                                       "",
		"a\nid: AKIAIOSFODNN7EXAMPLE\n":                                    "line 2 looks like an AWS access key",
		"AKIAIOSFODNN7EXAMPLES7":                                           "",
		"aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY": "an AWS secret key",
		"aws_secret_access_key = $KEY":                                     "",
		"token: ghp_" + token:                                              "a GitHub token",
		"ghp_short":                                                        "",
		"OPENAI_API_KEY=sk-proj-" + token:                                  "an API key",
		"task-management of risk-assessments":                              "",
		"xoxb-123456789012-abc":                                            "a Slack token",
	} {
		warned := ""
		b := &builder{Options: Options{Warn: func(p recipe.Problem) { warned += p.Text }}}
		if err := b.checkSecrets("conf.txt", tree.NewFile(0o644, []byte(text))); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(warned, want) || want == "" && warned != "" || want != "" && !strings.Contains(warned, `leave the file out with "!conf.txt"`) {
			t.Errorf("%q: %q, want %q", text, warned, want)
		}
		if strings.Contains(warned, token) {
			t.Error("the warning tells the secret")
		}
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
