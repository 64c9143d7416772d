package sign

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"repro/format"
	"repro/format/bundle"
	"repro/format/signature"
	verify "repro/verify/bundle"
)

// Identified adds a signature by an identity instead of a key file: the bundle
// that by makes of the image's metadata. It must hold by t, which names the
// identity and the trusted root; the bundle is put beside, as later signatures
// are. SPEC.md, KLS-9.
func Identified(ctx context.Context, name string, by Signer, t verify.Trust, o Options) (*Result, error) {
	return update(ctx, name, o, func(s *signing) error {
		text, err := by(ctx, s.payload)
		if err != nil {
			return err
		}
		b, err := bundle.Parse(text)
		if err != nil {
			return err
		}
		switch {
		case b.Certificate == nil:
			return fmt.Errorf("%w: a bundle without a certificate: sign with --key", signature.ErrInvalid)
		case b.Envelope != nil:
			return fmt.Errorf("%w: the bundle holds an envelope, want a signature over the image's metadata", signature.ErrInvalid)
		}
		r, err := verify.Verify(b, s.payload, t, time.Now())
		if err != nil {
			return err
		}
		s.begin(r.Key)
		s.result.Identity, s.result.Time = r.Identity, r.Times[0].Time
		s.objects = append(s.objects, format.NewObject{Attestation: true, Hash: format.HashSHA256, Data: b.Encode()})
		s.result.Beside, s.result.Block = true, b.Encode()
		return nil
	})
}

// Keyless returns a signer that lets the program repro-keyless, from PATH, sign
// in with a provider and sign. It is started with args.
func Keyless(args ...string) Signer {
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		cmd := exec.CommandContext(ctx, "repro-keyless", args...)
		cmd.Stdin = bytes.NewReader(payload)
		var out, stderr bounded
		cmd.Stdout, cmd.Stderr = &out, &stderr
		err := cmd.Run()
		switch {
		case errors.Is(err, exec.ErrNotFound):
			return nil, errors.New("repro-keyless: not installed")
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			return nil, fmt.Errorf("repro-keyless: %w: %s", err, bytes.TrimSpace(stderr.kept))
		}
		return out.kept, nil
	}
}
