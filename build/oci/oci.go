// Package oci reads container images from disk: an OCI image layout in a
// folder or archive, and what `docker save` and `podman save` write, old form
// and new. SPEC.md, part ENV.
//
// Digests of the manifest, the configuration and each layer are verified, the
// last both compressed and not. Layers are applied in order, as the OCI image
// specification 1.1 has it: whiteouts and opaque folders hide what lower layers
// have, hard links may lead to files of lower layers.
package oci

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/progress"
)

// ErrMalformed is wrapped by errors about an image that is not as the
// specification says, or whose content has not the stated digest.
var ErrMalformed = errors.New("malformed OCI image")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// Options say which image of several to open.
type Options struct {
	Platform string // such as "linux/arm64"; empty: Linux on this machine's architecture
	Ref      string // tag or annotated name; empty: the only one
	Progress progress.Func
}

// Source is an opened image. Its tree reads from files that Close closes.
type Source struct {
	Tree   *tree.Node
	Digest manifest.Digest // of the manifest; of the configuration for an archive of docker save, which has no manifest
	Arch   string          // as in GOARCH

	config  v1.Config
	closers []func() error
}

// Config is what the image says of the programs that are run in it.
type Config struct {
	Env        map[string]string
	Entrypoint []string
	Cmd        []string
	WorkingDir string
	User       string
}

// Config returns the image's configuration.
func (s *Source) Config() Config {
	c := Config{
		Env:        map[string]string{},
		Entrypoint: s.config.Entrypoint, Cmd: s.config.Cmd,
		WorkingDir: s.config.WorkingDir, User: s.config.User,
	}
	for _, kv := range s.config.Env {
		if k, v, ok := strings.Cut(kv, "="); ok && k != "" {
			c.Env[k] = v
		}
	}
	return c
}

// Close closes the image's files.
func (s *Source) Close() error {
	var all []error
	for _, close := range s.closers {
		all = append(all, close())
	}
	s.closers = nil
	return errors.Join(all...)
}

// Open opens the image at name, a folder or an archive. SPEC.md, ENV-3.
func Open(ctx context.Context, name string, o Options) (*Source, error) {
	s := &Source{}
	if err := s.open(ctx, name, o); err != nil {
		s.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

func (s *Source) open(ctx context.Context, name string, o Options) error {
	st, err := openStore(ctx, name)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, st.Close)
	want, err := platform(o.Platform)
	if err != nil {
		return err
	}
	im, err := find(st, want, o.Ref)
	if err != nil {
		return err
	}
	s.Digest, s.Arch, s.config = im.digest, im.config.Architecture, im.config.Config
	if err := im.checkPlatform(want); err != nil {
		return err
	}
	return s.apply(ctx, st, im, o.Progress)
}

func platform(text string) (v1.Platform, error) {
	if text == "" {
		return v1.Platform{OS: "linux", Architecture: runtime.GOARCH}, nil
	}
	p, err := v1.ParsePlatform(text)
	if err != nil || p.Architecture == "" {
		return v1.Platform{}, fmt.Errorf("platform %q: want one such as linux/arm64", text)
	}
	return *p, nil
}
