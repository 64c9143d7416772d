package build

import (
	"bytes"
	"regexp"
	"strings"

	"repro/format/tree"
	"repro/recipe"
)

// secrets are forms that only keys and tokens have, with what each is.
var secrets = []struct {
	what string
	form *regexp.Regexp
}{
	{"a private key", regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----`)},
	{"an AWS access key", regexp.MustCompile(`\b(AKIA|ASIA)[0-9A-Z]{16}\b`)},
	{"an AWS secret key", regexp.MustCompile(`(?i)aws_secret_access_key["']?\s*[=:]\s*["']?[A-Za-z0-9/+]{30,}`)},
	{"a GitHub token", regexp.MustCompile(`\b(gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40,})`)},
	{"an API key", regexp.MustCompile(`\bsk-(proj-|ant-)?[A-Za-z0-9_-]{20,}`)},
	{"a Slack token", regexp.MustCompile(`\bxox[abprs]-[A-Za-z0-9-]{10,}`)},
	{"a Google API key", regexp.MustCompile(`\bAIza[A-Za-z0-9_-]{35}\b`)},
	{"a GitLab token", regexp.MustCompile(`\bglpat-[A-Za-z0-9_-]{20}`)},
}

// maxSecretFile bounds the files that are searched: secrets stand in settings.
const maxSecretFile = 1 << 20

// checkSecrets tells of a file of the experiment that holds what only keys and
// tokens look like: an image is given away.
func (b *builder) checkSecrets(name string, n *tree.Node) error {
	if !n.Mode.IsRegular() || n.Size > maxSecretFile {
		return nil
	}
	text, err := firstBytes(n, maxSecretFile)
	if err != nil {
		return err
	}
	if isRevocation(name, text) {
		b.problem(recipe.Pos{}, "%q: a revocation certificate: whoever has it can revoke the key; publishing it is repro key revoke: leave the file out with \"!%s\"", name, name)
		return nil
	}
	for _, s := range secrets {
		if at := s.form.FindIndex(text); at != nil {
			line := 1 + bytes.Count(text[:at[0]], []byte("\n"))
			b.warn(recipe.Pos{}, "%q: line %d looks like %s, and an image is for others: have the program take it from a variable of the environment, or leave the file out with \"!%s\"", name, line, s.what, name)
			return nil
		}
	}
	return nil
}

// isRevocation reports whether a file is a revocation certificate, as repro or
// gpg makes it: by its name, or by the comment that both write into the armour.
func isRevocation(name string, text []byte) bool {
	return strings.HasSuffix(name, ".revoke") && bytes.Contains(text, []byte("-----BEGIN PGP ")) ||
		bytes.Contains(text, []byte("\nComment: This is a revocation certificate"))
}
