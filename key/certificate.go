package key

import "crypto"

// NewPublic returns the public key that a certificate holds. Errors wrap
// [ErrWeak] or [ErrUnsupported], as those of [ParsePublic] do.
func NewPublic(pub crypto.PublicKey) (*Public, error) { return publicPEM(pub) }
