package key

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"os/exec"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/kms/cliplugin"
	"github.com/sigstore/sigstore/pkg/signature/options"

	"repro/internal/pattern"
)

var kmsForm = pattern.New(`^([a-z0-9][a-z0-9-]*)://[!-~]+$`)

// KMS returns a PEM key that a key management service holds: reference is
// name://key, and the program sigstore-kms-name on the PATH signs with it
// (sigstore's plugin protocol, version 1). ctx bounds all calls of the program,
// those by the returned key too.
//
// Errors about the reference and the key wrap [ErrUnsupported], [ErrWeak] or
// [ErrNotKey]; others are those of the program.
func KMS(ctx context.Context, reference string) (*Private, error) {
	m := kmsForm.FindStringSubmatch(reference)
	if m == nil {
		return nil, fmt.Errorf("kms %q: %w: want name://key", reference, ErrUnsupported)
	}
	service, err := cliplugin.LoadSignerVerifier(ctx, reference, crypto.SHA256)
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("kms %q: %w: there is no program %q on the PATH", reference, ErrUnsupported, cliplugin.PluginBinaryPrefix+m[1])
	}
	if err != nil {
		return nil, fmt.Errorf("kms %q: %w", reference, err)
	}
	pub, err := service.PublicKey(options.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("kms %q: %w", reference, err)
	}
	k, err := privatePEM(kmsSigner{pub, func(message io.Reader, o ...signature.SignOption) ([]byte, error) {
		sig, err := service.SignMessage(message, append(o, options.WithContext(ctx))...)
		if err != nil {
			return nil, fmt.Errorf("kms %q: %w", reference, err)
		}
		return sig, nil
	}})
	if err != nil {
		return nil, fmt.Errorf("kms %q: %w", reference, err)
	}
	return k, nil
}

// kmsSigner is a key elsewhere as a [crypto.Signer].
type kmsSigner struct {
	public crypto.PublicKey
	sign   func(io.Reader, ...signature.SignOption) ([]byte, error)
}

func (s kmsSigner) Public() crypto.PublicKey { return s.public }

// Sign lets the service sign a digest, or the message itself where opts names
// no hash (Ed25519).
func (s kmsSigner) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts.HashFunc() == 0 {
		return s.sign(bytes.NewReader(digest), options.WithCryptoSignerOpts(opts))
	}
	return s.sign(bytes.NewReader(nil), options.WithDigest(digest), options.WithCryptoSignerOpts(opts))
}
