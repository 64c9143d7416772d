// Package sign signs images.
//
// What is signed is the image's integrity metadata: digests of the header, of
// every descriptor and of every object, so that one signature covers the whole
// image. Its SHA-256 is the content id. Every object is read once before, and
// nothing is signed whose content differs from what the manifest states.
//
// The first signature of an image is linked to its objects, as SIF asks, and
// is what `apptainer verify` checks: an OpenPGP block or a DSSE envelope.
// Later ones must not break it. Apptainer demands the keys of all linked
// signatures and that they are of one kind, therefore
//
//   - a PEM key that signs an image with a DSSE envelope joins that envelope,
//     of which Apptainer needs any one signature;
//   - any other later signature is put beside: an object without a link, which
//     programs for SIF files pass over and package verify counts in full.
package sign

import (
	"context"
	"errors"
	"fmt"
	"time"

	"repro/format"
	"repro/format/manifest"
	"repro/internal/progress"
	"repro/key"
	verify "repro/verify/bundle"
)

// Options says how to sign. The zero value signs now, on all cores.
type Options struct {
	// Time stands in an OpenPGP signature; zero: now. With a fixed time,
	// Ed25519 and RSA keys make the same signature each time. Signatures in
	// an envelope carry no time.
	Time     time.Time
	Workers  int           // goroutines that hash; 0: all cores
	Progress progress.Func // may be nil
}

// Result says what was done.
type Result struct {
	ContentID   manifest.Digest // of what was signed
	Fingerprint key.Fingerprint // who signed
	Identity    verify.Identity // who signed without a key file
	Time        time.Time       // stated in the signature; zero in an envelope
	Already     bool            // the key had signed this content before: nothing was changed
	Beside      bool            // programs for SIF files pass this signature over: the first one stays theirs
	Block       []byte          // the block that now holds the signature
}

// Image signs the image called name with k. The file is replaced as a whole
// or not at all; signers of the same file wait for each other. Signing twice
// with one key leaves the file as it is.
//
// It fails with [format.ErrMalformed], [format.ErrForeign] or
// [format.ErrAltered] if there is anything wrong with the image, and with
// [ErrDraft] if it is a draft: then nothing is signed.
func Image(ctx context.Context, name string, k *key.Private, o Options) (*Result, error) {
	return update(ctx, name, o, func(s *signing) error { return s.add(k, o.time()) })
}

// Embed puts a block that was made elsewhere into the image called name: one
// of [Detached], or what `gpg --clearsign` makes of the image's metadata. It
// must be a valid signature by p over this image; in all else Embed is like
// [Image].
func Embed(ctx context.Context, name string, block []byte, p *key.Public, o Options) (*Result, error) {
	return update(ctx, name, o, func(s *signing) error { return s.embed(block, p) })
}

// Detached signs like [Image] but leaves the image alone: the block in the
// result, kept in a file of its own, can be given to package verify.
func Detached(ctx context.Context, im *format.Image, k *key.Private, o Options) (*Result, error) {
	return detached(ctx, im, o, func(s *signing) error { return s.add(k, o.time()) })
}

func detached(ctx context.Context, im *format.Image, o Options, f func(*signing) error) (*Result, error) {
	payload, err := checked(ctx, im, o)
	if err != nil {
		return nil, err
	}
	s := &signing{payload: payload}
	if err := f(s); err != nil {
		return nil, fmt.Errorf("%s: %w", im.Name(), err)
	}
	return &s.result, nil
}

// update edits the signatures of the image called name with f.
func update(ctx context.Context, name string, o Options, f func(*signing) error) (*Result, error) {
	s := &signing{}
	err := format.Update(ctx, name, func(im *format.Image) (objects []format.NewObject, err error) {
		if s.payload, err = checked(ctx, im, o); err != nil {
			return nil, err
		}
		if s.objects, err = im.Signatures(); err != nil {
			return nil, err
		}
		if err := f(s); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if s.result.Already {
			return nil, errUnchanged
		}
		return s.objects, nil
	})
	if err != nil && !errors.Is(err, errUnchanged) {
		return nil, err
	}
	return &s.result, nil
}

// errUnchanged stops an update that would change nothing.
var errUnchanged = errors.New("already signed")

func (o Options) time() time.Time {
	if o.Time.IsZero() {
		return time.Now().UTC().Truncate(time.Second)
	}
	return o.Time.UTC().Truncate(time.Second)
}

// ErrDraft says that an image was built with placeholders for whose work it
// is: nobody should sign that.
var ErrDraft = errors.New("a draft: its recipe leaves title or authors open")

// checked reads the whole image and returns what is to be signed.
func checked(ctx context.Context, im *format.Image, o Options) ([]byte, error) {
	m, err := im.Manifest()
	if err != nil {
		return nil, err
	}
	if m.Draft {
		return nil, fmt.Errorf("%s: %w", im.Name(), ErrDraft)
	}
	// Classic, because the digests of whole objects are what is signed.
	_, err = im.Check(ctx, format.CheckOptions{Workers: o.Workers, Classic: true, Progress: o.Progress})
	if err != nil {
		return nil, err
	}
	return im.Metadata()
}
