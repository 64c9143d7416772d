// Package manifest holds the manifest that binds an image, as SPEC.md's part
// MAN defines it, and what steps get from it: arguments and environment.
//
// Every JSON document of this module is written in one canonical encoding
// ([Marshal]: RFC 8785, the JSON Canonicalization Scheme, without
// floating-point numbers) and is read strictly ([Unmarshal]: whatever would
// not be written back byte for byte is refused, and with it unknown, doubled
// or oddly cased keys).
package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Digest is a SHA-256 digest written as "sha256:" and 64 lower-case
// hexadecimal digits.
type Digest string

// DigestOf returns the SHA-256 digest of b.
func DigestOf(b []byte) Digest {
	return DigestSum(sha256.Sum256(b))
}

// DigestSum names a SHA-256 sum that was computed elsewhere.
func DigestSum(sum [sha256.Size]byte) Digest {
	return Digest("sha256:" + hex.EncodeToString(sum[:]))
}

// Sum returns the 32 bytes that d names, or an error if d is not well formed.
func (d Digest) Sum() (sum [sha256.Size]byte, err error) {
	text, ok := strings.CutPrefix(string(d), "sha256:")
	if !ok || len(text) != 2*sha256.Size || strings.ToLower(text) != text {
		return sum, fmt.Errorf("digest %q: want sha256: and 64 lower-case hexadecimal digits", string(d))
	}
	if _, err := hex.Decode(sum[:], []byte(text)); err != nil {
		return sum, fmt.Errorf("digest %q: %w", string(d), err)
	}
	return sum, nil
}

// Short returns the first 12 hexadecimal digits, for people to look at.
func (d Digest) Short() string {
	text := strings.TrimPrefix(string(d), "sha256:")
	return text[:min(12, len(text))]
}
