// Package build makes an image of an experiment: it gathers what the recipe
// names, brings it into a normal form that depends on contents alone, and
// hands the layers to package format. SPEC.md, parts NRM, ENV and FS.
//
// Bytes of an image depend on the recipe and on the contents of what it
// names, and on nothing else: not on the folder's place, its owner, times,
// modes beyond one execute bit, or the order in which a disk lists it.
package build

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"repro/build/sbom"
	"repro/capture"
	"repro/format"
	"repro/format/manifest"
	"repro/format/squashfs"
	"repro/format/tree"
	"repro/internal/progress"
	"repro/recipe"
)

// Paper is where the experiment's folder stands in an image.
const Paper = "/paper"

// Names of the layers above the environment.
const (
	CodeLayer = "code"
	DataLayer = "data"
)

// Options say what to build.
type Options struct {
	Recipe      *recipe.Recipe
	RecipeBytes []byte // of which Recipe was parsed; kept in the image
	Dir         string // folder that the recipe's paths are relative to

	Draft bool                 // placeholders may stay; the image says that it is a draft
	Warn  func(recipe.Problem) // told what is likely a mistake but no reason to refuse; may be nil

	Date string // RFC 3339; used if the recipe has none (SOURCE_DATE_EPOCH)
	Path string // value of PATH in which host programs are looked up
	OCI  Opener // opens OCI images; without it they are refused

	Codec     string         // as internal/codec names it; empty: the default
	BlockSize int            // of layers; 0: the default
	Workers   int            // 0: all cores
	Cache     squashfs.Cache // of compressed blocks; nil: none
	Progress  progress.Func
}

// Image builds the image that the recipe describes and writes it under the
// name out. All that is wrong with what the recipe names comes back at once,
// in a [*recipe.Error]; out then is as it was before.
func Image(ctx context.Context, out string, o Options) (*manifest.Manifest, error) {
	b := &builder{Options: o}
	if b.Dir == "" {
		b.Dir = "."
	}
	defer b.close()
	if err := b.plan(ctx); err != nil {
		return nil, b.explain(ctx, err)
	}
	m, err := format.Create(ctx, out, b.spec())
	if err != nil {
		return nil, b.explain(ctx, err)
	}
	return m, nil
}

// Check does all that [Image] does before an image is written, reads the
// contents of which a digest is known, and returns the same error.
func Check(ctx context.Context, o Options) error {
	b := &builder{Options: o}
	if b.Dir == "" {
		b.Dir = "."
	}
	defer b.close()
	if err := b.plan(ctx); err != nil {
		return b.explain(ctx, err)
	}
	for _, s := range b.sums {
		if text := s.verify(ctx); text != "" {
			b.problem(s.at, "%s", text)
		}
	}
	return errors.Join(ctx.Err(), b.failed())
}

// builder gathers one image.
type builder struct {
	Options
	problems []recipe.Problem
	date     time.Time

	env                   *Source
	digest                manifest.Digest // of the environment's source
	code, data, published *tree.Node
	union                 *tree.Node // what steps see
	notebooks             []string   // published, that steps see without outputs
	sums                  []*sum
	captured              []capture.Sum
	left                  map[string]capture.Written // by captured steps, in the experiment's folder
	manifest              manifest.Manifest
	inspect               []byte
}

// plan does everything short of reading contents.
func (b *builder) plan(ctx context.Context) error {
	b.setDate()
	if err := b.gather(ctx); err != nil {
		return err
	}
	if err := b.environment(ctx); err != nil { // after the code, whose imports it follows
		return err
	}
	b.expectCaptured(newChoice(b.Recipe))
	if err := b.holdPublished(); err != nil {
		return err
	}
	if err := b.checkNotebooks(); err != nil {
		return err
	}
	if err := b.checkFiles(); err != nil {
		return err
	}
	if len(b.problems) > 0 {
		b.placeholders()
		return b.failed()
	}
	b.describe()
	b.normalise()
	if err := b.check(ctx); err != nil {
		return err
	}
	b.placeholders() // last, so that they hide nothing that is found above
	return b.failed()
}

// listSoftware makes the bill of materials of the environment.
func (b *builder) listSoftware(ctx context.Context) ([]byte, error) {
	inventory, err := sbom.Read(ctx, b.env.Tree)
	if err != nil {
		return nil, fmt.Errorf("software of the environment: %w", err)
	}
	p := b.manifest.Paper
	return inventory.SPDX(sbom.Subject{Name: p.Title, Licence: p.Licence, Date: p.Date}), nil
}

// problem notes what is wrong with a value of the recipe.
func (b *builder) problem(at recipe.Pos, format string, args ...any) {
	b.problems = append(b.problems, recipe.Problem{Pos: at, Text: fmt.Sprintf(format, args...)})
}

// warn tells of something that is likely a mistake.
func (b *builder) warn(at recipe.Pos, format string, args ...any) {
	if b.Warn != nil {
		b.Warn(recipe.Problem{Pos: at, Text: fmt.Sprintf(format, args...)})
	}
}

func (b *builder) failed() error {
	if len(b.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(b.problems, func(x, y recipe.Problem) int {
		return cmp.Or(cmp.Compare(x.Pos.Line, y.Pos.Line), cmp.Compare(x.Pos.Column, y.Pos.Column))
	})
	return &recipe.Error{Name: b.Recipe.Name, Problems: b.problems}
}

func (b *builder) setDate() {
	date := b.Recipe.Paper.Date
	if date == "" {
		date = b.Date
	}
	if date == "" {
		b.problem(recipe.Pos{}, "no date: add one, such as `date: 2026-11-01`, or set SOURCE_DATE_EPOCH: every time in the image is that date")
		return
	}
	t, err := time.Parse(time.RFC3339, date)
	if err != nil {
		b.problem(recipe.Pos{}, "date %q: want RFC 3339", date)
	}
	b.date = t.UTC()
}

func (b *builder) close() {
	if b.env != nil && b.env.Close != nil {
		b.env.Close()
	}
}

// spec is the image for package format.
func (b *builder) spec() format.Spec {
	s := format.Spec{
		Manifest: b.manifest, Recipe: b.RecipeBytes, Inspect: b.inspect, SBOM: b.listSoftware,
		Codec: b.Codec, BlockSize: b.BlockSize, Workers: b.Workers, Cache: b.Cache, Progress: b.Progress,
	}
	for _, l := range []format.LayerSpec{
		{Name: format.EnvironmentName, Role: manifest.RoleLayer, Tree: b.env.Tree},
		{Name: CodeLayer, Role: manifest.RoleLayer, Tree: b.code},
		{Name: DataLayer, Role: manifest.RoleLayer, Tree: b.data},
		{Name: format.PublishedName, Role: manifest.RoleHidden, Tree: b.published},
	} {
		if len(l.Tree.Entries) > 0 {
			s.Layers = append(s.Layers, l)
		}
	}
	return s
}

// maxShown bounds how many unreadable files an error lists.
const maxShown = 20

// explain turns the error of the first file that cannot be read, or has not
// the sha256 of the recipe, into one that names all such files.
func (b *builder) explain(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return err
	case errors.As(err, new(*sumError)):
		for _, s := range b.sums {
			if text := s.verify(ctx); text != "" {
				b.problem(s.at, "%s", text)
			}
		}
	case errors.Is(err, fs.ErrPermission) && b.published != nil:
		b.unreadable(ctx)
	}
	if all := b.failed(); all != nil {
		return all
	}
	return err
}

// unreadable notes the files of the experiment that cannot be opened.
func (b *builder) unreadable(ctx context.Context) {
	found := 0
	for _, layer := range []*tree.Node{b.code, b.data, b.published} {
		for _, n := range layer.All() {
			if n.Open == nil || found == maxShown || ctx.Err() != nil {
				continue
			}
			r, err := n.Open()
			if err == nil {
				r.Close()
				continue
			}
			b.problem(recipe.Pos{}, "%s", plain(err))
			found++
		}
	}
}
