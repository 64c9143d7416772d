package sign

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"repro/format"
	"repro/format/bundle"
	"repro/format/signature"
	"repro/format/timerecord"
	"repro/key"
)

// Signer makes a block over payload with a key that this program never sees.
type Signer func(ctx context.Context, payload []byte) (block []byte, err error)

// By is [Image] with a signature that s makes and p can verify. s is asked
// once the whole image was found to be what its manifest states, and only if p
// has not signed before.
func By(ctx context.Context, name string, p *key.Public, s Signer, o Options) (*Result, error) {
	return update(ctx, name, o, func(g *signing) error { return g.addBy(ctx, p, s) })
}

// DetachedBy is [Detached] with a signature that s makes and p can verify.
func DetachedBy(ctx context.Context, im *format.Image, p *key.Public, s Signer, o Options) (*Result, error) {
	return detached(ctx, im, o, func(g *signing) error { return g.addBy(ctx, p, s) })
}

func (s *signing) addBy(ctx context.Context, p *key.Public, by Signer) error {
	if done := s.begin(p); done {
		return nil
	}
	block, err := by(ctx, s.payload)
	if err != nil {
		return err
	}
	return s.embed(block, p)
}

// GnuPG returns the public key that GnuPG has by the full fingerprint f, and a
// signer that lets gpg sign with it: through its agent, so that the secret key
// may be on a smartcard and is never read here. gpg asks for passphrases
// itself.
func GnuPG(ctx context.Context, f key.Fingerprint) (*key.Public, Signer, error) {
	if len(f) != 40 {
		return nil, nil, fmt.Errorf("gpg: key %s: %w: want an OpenPGP fingerprint", f, key.ErrUnsupported)
	}
	exported, err := gpg(ctx, nil, "--export", string(f))
	if err != nil {
		return nil, nil, err
	}
	if len(exported) == 0 {
		return nil, nil, fmt.Errorf("gpg: key %s: it has no such key", f)
	}
	p, err := key.ParsePublic(exported)
	if err != nil {
		return nil, nil, fmt.Errorf("gpg: key %s: %w", f, err)
	}
	if p.Fingerprint() != f {
		return nil, nil, fmt.Errorf("gpg: key %s: it is a part of %s: name that one", f, p.Fingerprint())
	}
	return p, func(ctx context.Context, payload []byte) ([]byte, error) {
		return gpg(ctx, payload, "--local-user", string(f), "--digest-algo", strings.ReplaceAll(p.Algorithm().Hash.String(), "-", ""), "--clearsign")
	}, nil
}

// gpg runs GnuPG, whatever its configuration says of the look of its output.
func gpg(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	fixed := []string{"--batch", "--quiet", "--no-tty", "--no-emit-version", "--no-comments"}
	cmd := exec.CommandContext(ctx, "gpg", append(fixed, args...)...)
	cmd.Stdin = bytes.NewReader(stdin)
	var out, stderr bounded
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, errors.New("gpg: not installed")
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("gpg: %w: %.500q", err, bytes.TrimSpace(stderr.kept))
	case out.full:
		return nil, fmt.Errorf("gpg: it printed more than %d bytes", signature.MaxSize)
	}
	return out.kept, nil
}

// bounded keeps the first bytes of what is written to it. It must not embed a
// bytes.Buffer: package exec would find that one's ReadFrom, which has no bound.
type bounded struct {
	kept []byte
	full bool // there were more
}

func (b *bounded) Write(p []byte) (int, error) {
	room := signature.MaxSize - len(b.kept)
	b.full = b.full || len(p) > room
	b.kept = append(b.kept, p[:min(len(p), room)]...)
	return len(p), nil
}

// Adopt takes the signatures of an image that another program for SIF files
// signed, such as `apptainer sign`, into the canonical layout, in which
// package verify demands an image to be. Each must be a block over this image,
// and one of them by p.
//
// It fails with [signature.ErrInvalid] or [signature.ErrMalformed] if there is
// a signature that is not: nothing is thrown away that somebody meant.
func Adopt(ctx context.Context, name string, p *key.Public, o Options) (*Result, error) {
	s := &signing{}
	err := format.Restore(ctx, name, func(bare *format.Image, found []format.NewObject) (objects []format.NewObject, err error) {
		if s.payload, err = checked(ctx, bare, o); err != nil {
			return nil, err
		}
		for i, old := range found {
			if err := s.adopt(old); err != nil {
				return nil, fmt.Errorf("%s: signature %d: %w", name, i+1, err)
			}
		}
		if done := s.begin(p); !done {
			return nil, fmt.Errorf("%s: %w: none of %d signatures is by %s", name, signature.ErrUnknown, len(found), p.Fingerprint())
		}
		s.result.Already = false
		return s.objects, nil
	})
	if err != nil {
		return nil, err
	}
	return &s.result, nil
}

// besides reports whether b is an attestation or a time record, which stay
// where they are.
func besides(b []byte) bool {
	_, notBundle := bundle.ParseExact(b)
	_, notRecord := timerecord.Parse(b)
	return notBundle == nil || notRecord == nil
}

// adopt puts a signature object where this program would have put it.
func (s *signing) adopt(old format.NewObject) error {
	if kept := besides(old.Data); kept {
		s.objects = append(s.objects, format.NewObject{Attestation: true, Hash: old.Hash, Data: old.Data})
		return nil
	}
	b, err := signature.Parse(old.Data)
	if err != nil {
		return err
	}
	if !bytes.Equal(b.Payload(), s.payload) {
		return fmt.Errorf("%w: it is not about this image", signature.ErrInvalid)
	}
	if b.Clearsigned != nil {
		s.append(format.NewObject{Hash: hashTypes[b.Clearsigned.Signature.Hash], Entity: old.Entity, Data: b.Clearsigned.Encode()})
		return nil
	}
	return s.join(func(e *signature.Envelope) error {
		for _, made := range b.Envelope.Signatures {
			if err := e.Add(made); err != nil {
				return err
			}
		}
		return nil
	})
}
