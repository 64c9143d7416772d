// Package registry keeps images in container registries: as Apptainer's oras://
// does, one layer that is the SIF file, with signatures and attestations as
// manifests that refer to it. SPEC.md, part REG.
//
// A registry is a stranger. Nothing that it sends is believed: a manifest must
// have the digest that its name states, a pulled image must have the layer's,
// and each block of a layer is held against the image's hash tree as it arrives,
// so that a download that was cut off, by either side, goes on where it stopped.
package registry

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// Scheme begins a reference to an image in a registry.
const Scheme = "oci://"

// ErrReference is in the error about a reference that cannot be read.
var ErrReference = errors.New("not a reference to an image in a registry")

// Reference names an image in a registry: oci://HOST/NAME:TAG or
// oci://HOST/NAME@sha256:DIGEST. Without either, the tag is latest.
type Reference struct {
	ref name.Reference
}

// IsReference reports whether s is meant as a [Reference].
func IsReference(s string) bool {
	return len(s) >= len(Scheme) && strings.EqualFold(s[:len(Scheme)], Scheme)
}

// ParseReference reads a reference. SPEC.md, REG-1. The host is never left out: no registry is
// meant by itself.
func ParseReference(s string) (Reference, error) {
	rest := s
	if IsReference(s) {
		rest = s[len(Scheme):]
	}
	host, repository, slash := strings.Cut(rest, "/")
	if strings.Contains(host, "@") { // it is not repeated: it may have a password in it
		return Reference{}, fmt.Errorf("%w: has a user in it: docker login or podman login keep who you are", ErrReference)
	}
	if rest == s || !slash || repository == "" || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return Reference{}, fmt.Errorf("%q: %w: want %sHOST/NAME:TAG", s, ErrReference, Scheme)
	}
	ref, err := name.ParseReference(rest, name.WithDefaultTag("latest"))
	if err != nil { // the library's own says no more than that
		return Reference{}, fmt.Errorf("%q: %w: want %sHOST/NAME:TAG or @sha256:DIGEST, NAME of small letters, digits and ._-/", s, ErrReference, Scheme)
	}
	for part := range strings.SplitSeq(ref.Context().RepositoryStr(), "/") {
		if part == "" || strings.IndexByte("abcdefghijklmnopqrstuvwxyz0123456789", part[0]) < 0 { // the library lets ".." pass
			return Reference{}, fmt.Errorf("%q: %w: name begins with %q", s, ErrReference, part)
		}
	}
	return Reference{ref}, nil
}

// String returns the reference with its scheme.
func (r Reference) String() string { return Scheme + r.ref.Name() }

// Pinned returns the reference that stays the same when its tag moves.
func (r Reference) Pinned(digest string) Reference {
	return Reference{r.ref.Context().Digest(digest)}
}

// Base returns what a file pulled from here is called if nobody says.
func (r Reference) Base() string {
	path := r.repository()
	return path[strings.LastIndexByte(path, '/')+1:] + ".sif"
}

func (r Reference) host() string       { return r.ref.Context().RegistryStr() }
func (r Reference) repository() string { return r.ref.Context().RepositoryStr() }

// identifier is the tag or the digest.
func (r Reference) identifier() string { return r.ref.Identifier() }

// digest returns what the reference is pinned to, or nothing.
func (r Reference) digest() string {
	if d, ok := r.ref.(name.Digest); ok {
		return d.DigestStr()
	}
	return ""
}
