package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/progress"
	"repro/internal/stream"
	"repro/recipe"
)

// Source is an environment that is open.
type Source struct {
	Tree   *tree.Node
	Arch   string            // as in GOARCH; empty: that of a program in Tree
	Digest manifest.Digest   // of the file, or of the image's manifest; empty if there is none
	Env    map[string]string // what its programs expect to be set
	Close  func() error      // may be nil

	lacks   string   // what to do about a program that is not in Tree; may be empty
	unknown []string // variables that its scripts set to what cannot be told
}

// withVariables adds to a source what its own scripts set.
func withVariables(s *Source) *Source {
	s.Env, s.unknown = scriptVariables(s.Tree)
	return s
}

// Opener opens the environment at a path: of several images there the one
// called ref, if that is not empty.
type Opener func(ctx context.Context, name, ref string) (*Source, error)

// opener opens the environment that the recipe of b names. Its path, if it has
// one, is name. An error is a problem with the recipe's value, unless it is a
// [*recipe.Error], which says where each problem stands.
type opener func(ctx context.Context, b *builder, name string) (*Source, error)

// openers has the opener of each kind of environment. A kind is a row of
// package recipe's table and a file of this package, which adds its opener
// here.
var openers = map[recipe.Kind]opener{}

// environment opens the source of the environment layer. What is wrong with it
// becomes a problem; only the error of an ended ctx is returned.
func (b *builder) environment(ctx context.Context) error {
	e := b.Recipe.Environment
	open := openers[e.Kind]
	if open == nil {
		return fmt.Errorf("environment: this program does not open %q", e.Kind)
	}
	name := filepath.FromSlash(e.Source.Value)
	if !filepath.IsAbs(name) {
		name = filepath.Join(b.Dir, name)
	}
	src, err := open(ctx, b, name)
	var listed *recipe.Error
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &listed):
		b.problems = append(b.problems, listed.Problems...)
		return nil
	case errors.Is(err, os.ErrNotExist):
		b.problem(e.Source.Pos, "%s: %q: no such file or folder", e.Kind, e.Source.Value)
		return nil
	case err != nil:
		b.problem(e.Source.Pos, "%s: %q: %v", e.Kind, e.Source.Value, plain(err))
		return nil
	}
	b.env, b.digest = src, src.Digest
	for _, name := range src.unknown {
		b.warn(e.Source.Pos, "%s: %q: the image's scripts set the variable %s to what is only known when they run: steps will not have it; give it a value under `env` of the steps that need it", e.Kind, e.Source.Value, name)
	}
	if want := manifest.Digest("sha256:" + e.SHA256); e.SHA256 != "" && want != src.Digest {
		b.problem(e.Source.Pos, "%s: %q: has %s, the recipe says %s", e.Kind, e.Source.Value, src.Digest, want)
	}
	if src.Arch == "" {
		if src.Arch = archOf(src.Tree); src.Arch == "" {
			b.problem(e.Source.Pos, "%s: %q: no program in /bin, /usr/bin or /usr/local/bin: is it a root filesystem?", e.Kind, e.Source.Value)
		}
	}
	return nil
}

// digestOf returns the digest of f and shows how far it is. It reads f from
// where it stands.
func (b *builder) digestOf(ctx context.Context, f *os.File) (manifest.Digest, error) {
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	event := progress.Event{Task: "read " + filepath.Base(f.Name()), Total: info.Size(), Bytes: true}
	sum, _, err := stream.SHA256(ctx, f, func(n int) {
		event.Done += int64(n)
		b.Progress.Report(event)
	})
	return manifest.DigestSum(sum), err
}
