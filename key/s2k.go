package key

import (
	"bytes"
	"fmt"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// Limits on the work that an encrypted OpenPGP key may ask for. RFC 9580
// section 3.7.1.4 recommends 2 GiB in one pass, or 64 MiB in three.
const (
	maxEncryptedParts = 32      // primary key and subkeys, each with a salt of its own
	maxArgonMemory    = 2 << 20 // KiB
	maxArgonWork      = 8 << 20 // KiB times passes, over all parts
)

// checkS2K refuses an encrypted key whose passphrase would keep the machine
// busy, or take its memory, as long as whoever made the file liked. The
// iterated S2K of RFC 4880 is bounded by its own form (65,011,712 bytes).
func checkS2K(e *openpgp.Entity) error {
	parts := []*packet.PrivateKey{e.PrivateKey}
	for _, s := range e.Subkeys {
		parts = append(parts, s.PrivateKey)
	}
	encrypted, work := 0, 0
	for _, p := range parts {
		if p == nil || !p.Encrypted {
			continue
		}
		if encrypted++; encrypted > maxEncryptedParts {
			return fmt.Errorf("%w: more than %d encrypted subkeys", ErrUnsupported, maxEncryptedParts)
		}
		passes, memory, err := argon2(p)
		if err != nil {
			return err
		}
		if memory > maxArgonMemory || passes*memory > maxArgonWork-work {
			return fmt.Errorf("%w: encrypted with argon2 over %d MiB in %d passes", ErrUnsupported, memory>>10, passes)
		}
		work += passes * memory
	}
	return nil
}

// argon2 returns passes and memory, in KiB, that the S2K specifier of p asks
// for; zeros if it is another one. go-crypto does not tell: they stand in the
// packet behind the public part, a usage octet, the cipher and, with usage
// 253, the mode (RFC 9580 section 5.5.3).
func argon2(p *packet.PrivateKey) (passes, memory int, err error) {
	var public, private bytes.Buffer
	if err := p.PublicKey.SerializeForHash(&public); err != nil {
		return 0, 0, fmt.Errorf("%w: %w", ErrNotKey, err)
	}
	if err := p.Serialize(&private); err != nil {
		return 0, 0, fmt.Errorf("%w: %w", ErrNotKey, err)
	}
	o, err := packet.NewOpaqueReader(&private).Next()
	const hashHead = 3 // 0x99 and the length
	n := public.Len() - hashHead
	if err != nil || p.Version != 4 || len(o.Contents) < n+1 {
		return 0, 0, fmt.Errorf("%w: damaged secret part", ErrNotKey)
	}
	const modeArgon2, saltSize = 4, 16
	spec := o.Contents[n:]
	switch spec[0] {
	case 253:
		spec = spec[min(3, len(spec)):]
	case 254, 255:
		spec = spec[min(2, len(spec)):]
	default:
		return 0, 0, nil
	}
	if len(spec) == 0 || spec[0] != modeArgon2 {
		return 0, 0, nil
	}
	if len(spec) < 1+saltSize+3 || spec[saltSize+3] > 31 {
		return 0, 0, fmt.Errorf("%w: damaged secret part", ErrNotKey)
	}
	return int(spec[1+saltSize]), 1 << spec[saltSize+3], nil
}
