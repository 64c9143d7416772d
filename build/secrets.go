package build

import (
	"bytes"
	"slices"
	"strings"

	"repro/capture"
	"repro/format/tree"
	"repro/recipe"
)

// maxSecretFile bounds the files that are searched: secrets stand in settings.
const maxSecretFile = 1 << 20

// checkSecrets refuses a file of the experiment that holds what only keys,
// tokens and passwords look like (SPEC.md, RCP-21): an image is given away.
func (b *builder) checkSecrets(name string, n *tree.Node) error {
	if !n.Mode.IsRegular() || n.Size > maxSecretFile || capture.IsLibrary(name) {
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
	b.checkSecret(name, text)
	return nil
}

// checkSecret looks into the text of a file, or of the recipe.
func (b *builder) checkSecret(name string, text []byte) {
	what, at := capture.FindSecret(text)
	if what == "" || slices.ContainsFunc(b.Recipe.NotSecret, func(t recipe.Text) bool { return t.Value == name }) {
		return
	}
	line := 1 + bytes.Count(text[:at], []byte("\n"))
	b.problem(recipe.Pos{}, "%q: line %d looks like %s, and an image is for others: have the program take it from a variable of the environment, or leave the file out with \"!%s\"; if it is no secret, write `not_secret: [%q]` into the recipe", name, line, what, name, name)
}

// isRevocation reports whether a file is a revocation certificate, as repro or
// gpg makes it: by its name, or by the comment that both write into the armour.
func isRevocation(name string, text []byte) bool {
	return strings.HasSuffix(name, ".revoke") && bytes.Contains(text, []byte("-----BEGIN PGP ")) ||
		bytes.Contains(text, []byte("\nComment: This is a revocation certificate"))
}
