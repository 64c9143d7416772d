// Package release makes and checks what goes with the program's releases:
//
//	SHA256SUMS                  a line "DIGEST  NAME" for each file
//	SHA256SUMS.sigstore.json    a signature over it, as cosign sign-blob writes one
//	SHA256SUMS.sig              the same signature, bare, for openssl
//	repro.intoto.json           provenance of the files, signed (SLSA 1.0)
//	repro.cdx.json              bill of materials (CycloneDX 1.6)
//
// Whoever has the public key from elsewhere needs nothing of this package:
//
//	cosign verify-blob --key release.pub --bundle SHA256SUMS.sigstore.json --insecure-ignore-tlog SHA256SUMS
//	openssl dgst -sha256 -verify release.pub -signature SHA256SUMS.sig SHA256SUMS
//	sha256sum --check --ignore-missing SHA256SUMS
package release

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"repro/format/bundle"
	"repro/format/manifest"
	"repro/key"
)

// Names of the files of a release, and limits.
const (
	SumsName      = "SHA256SUMS"
	BundleSuffix  = ".sigstore.json"
	BareSuffix    = ".sig"
	MaxSums       = 1 << 20 // bytes of a list that are read
	maxSumsLines  = 1000
	messageDigest = "SHA2_256"
)

var (
	// ErrMalformed is in the error about a file that is not of its form.
	ErrMalformed = errors.New("malformed")

	// ErrSignature is in the error about a file that the key did not sign.
	ErrSignature = errors.New("not signed by this key")

	// ErrAltered is in the error about a program that no release lists.
	ErrAltered = errors.New("none of the files in the list")
)

// SignFile signs content, of any kind, with a PEM key. It returns the signature as a
// sigstore bundle, and bare.
func SignFile(k *key.Private, content []byte) (signed, bare []byte, err error) {
	if bare, err = k.Sign(content); err != nil {
		return nil, nil, err
	}
	sum := sha256.Sum256(content)
	b := bundle.Bundle{
		KeyHint: string(k.Fingerprint()),
		Message: &bundle.Message{Hash: messageDigest, Digest: sum[:], Signature: bare},
	}
	return b.Encode(), bare, nil
}

// VerifyFile says whether a sigstore bundle holds a signature by p over content. The
// error wraps [ErrSignature], or says what is wrong with the bundle.
func VerifyFile(p *key.Public, content, signed []byte) error {
	b, err := bundle.Parse(signed)
	if err != nil {
		return err
	}
	if b.Message == nil {
		return fmt.Errorf("%w: holds no signature over a file", ErrSignature)
	}
	sum := sha256.Sum256(content)
	if b.Message.Hash == messageDigest && !bytes.Equal(b.Message.Digest, sum[:]) {
		return fmt.Errorf("%w: over another file", ErrSignature)
	}
	if !p.Verify(content, b.Message.Signature) {
		return ErrSignature
	}
	return nil
}

// Sum names a file of a release.
type Sum struct {
	Digest manifest.Digest
	Name   string
}

var sumForm = regexp.MustCompile(`^([0-9a-f]{64}) [ *]([A-Za-z0-9][A-Za-z0-9._+~-]*)$`)

// ParseSums reads a list as sha256sum writes it. No name occurs twice.
func ParseSums(b []byte) ([]Sum, error) {
	if len(b) > MaxSums {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", ErrMalformed, len(b), MaxSums)
	}
	var all []Sum
	for line := range strings.Lines(string(b)) {
		m := sumForm.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil || len(all) == maxSumsLines {
			return nil, fmt.Errorf("%w: line %d: want a SHA-256 and a file's name, on %d lines at most", ErrMalformed, len(all)+1, maxSumsLines)
		}
		if slices.ContainsFunc(all, func(s Sum) bool { return s.Name == m[2] }) {
			return nil, fmt.Errorf("%w: %s occurs twice", ErrMalformed, m[2])
		}
		all = append(all, Sum{manifest.Digest("sha256:" + m[1]), m[2]})
	}
	return all, nil
}

// EncodeSums writes a list as sha256sum does, in order of names.
func EncodeSums(all []Sum) []byte {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b Sum) int { return strings.Compare(a.Name, b.Name) })
	var text []byte
	for _, s := range all {
		text = fmt.Appendf(text, "%s  %s\n", strings.TrimPrefix(string(s.Digest), "sha256:"), s.Name)
	}
	return text
}

// Find returns the name that a list has for a digest.
func Find(all []Sum, digest [sha256.Size]byte) (string, error) {
	for _, s := range all {
		if string(s.Digest) == "sha256:"+hex.EncodeToString(digest[:]) {
			return s.Name, nil
		}
	}
	return "", ErrAltered
}
