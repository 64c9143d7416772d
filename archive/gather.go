package archive

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"repro/archive/deposit"
	"repro/archive/submission"
	"repro/build"
	"repro/build/sbom"
	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/filename"
	"repro/publish/fetch"
	"repro/recipe"
)

// plan is what goes into a deposit beside the image and the documents, and what
// keeps it from being written.
type plan struct {
	entries  []*deposit.Entry
	notes    []string
	problems []string
}

func (p *plan) add(e *deposit.Entry) { p.entries = append(p.entries, e) }

func (p *plan) note(format string, args ...any) {
	p.notes = append(p.notes, fmt.Sprintf(format, args...))
}

func (p *plan) problem(format string, args ...any) {
	p.problems = append(p.problems, fmt.Sprintf(format, args...))
}

// gather finds out what goes in, and all that is missing or wrong with it.
// Original is the content id of the image that im was made of, if of another.
func gather(ctx context.Context, im *format.Image, original manifest.Digest, o Options) (*deposit.Deposit, *plan, error) {
	d, err := describeImage(ctx, im, o)
	if err != nil {
		return nil, nil, err
	}
	p := &plan{}
	if err := p.addRecipe(d, im); err != nil {
		return nil, nil, err
	}
	for i, dir := range o.Runs {
		if err := p.addRun(d, i+1, dir, cmp.Or(original, d.ContentID)); err != nil {
			return nil, nil, err
		}
	}
	if err := p.addFiles(d, im); err != nil {
		return nil, nil, err
	}
	p.addKeys(d, im, o)
	p.addLicences(d)
	if err := p.addRunner(d, im, o); err != nil {
		return nil, nil, err
	}
	p.problems = append(p.problems, submission.Missing(d, o.Targets)...)
	return d, p, missing(im.Name(), p.problems...)
}

// describeImage reads what documents say of the image.
func describeImage(ctx context.Context, im *format.Image, o Options) (*deposit.Deposit, error) {
	if problems := im.Layout(); len(problems) > 0 {
		return nil, fmt.Errorf("%s: %w", im.Name(), &format.LayoutError{Problems: problems})
	}
	d := &deposit.Deposit{
		ImageName: imageName(im, o), ImageSize: im.Size(),
		DOI: o.DOI, Publisher: o.Publisher, Keys: o.Keys,
		Alone: o.Form == Zip, NoImage: o.NoImage, Beside: o.Beside, Anonymous: o.Anonymous,
		Program: slices.ContainsFunc(o.Runner, func(f File) bool { return f.Name == "repro" }),
	}
	var err error
	if d.Manifest, err = im.Manifest(); err != nil {
		return nil, err
	}
	if d.ContentID, err = im.ContentID(); err != nil {
		return nil, err
	}
	if d.Date, err = time.Parse(time.RFC3339, d.Manifest.Paper.Date); err != nil {
		return nil, fmt.Errorf("%s: %w", im.Name(), err)
	}
	d.External = external(d.Manifest)
	d.Software, err = software(ctx, im)
	return d, err
}

// software reads the package databases in the environment layer.
func software(ctx context.Context, im *format.Image) (*sbom.Inventory, error) {
	r, err := im.Layer(format.EnvironmentName)
	if err != nil {
		return nil, err
	}
	root, err := r.Tree()
	if err != nil {
		return nil, fmt.Errorf("%s: layer %q: %w", im.Name(), format.EnvironmentName, err)
	}
	inv, err := sbom.Read(ctx, root)
	if err != nil {
		return nil, fmt.Errorf("%s: layer %q: software: %w", im.Name(), format.EnvironmentName, err)
	}
	return inv, nil
}

// external lists the data that the image only names.
func external(m *manifest.Manifest) []deposit.External {
	var all []deposit.External
	for _, x := range m.External {
		address, err := fetch.Address(x)
		if err != nil {
			address = "https://doi.org/" + strings.TrimPrefix(x.Source, "doi:") // leads a person there
		}
		all = append(all, deposit.External{
			Path: path.Join(deposit.Inputs, strings.TrimPrefix(x.Path, build.Paper+"/")), Source: address,
			SHA256: strings.TrimPrefix(string(x.Digest), "sha256:"), Size: x.Size,
		})
	}
	return all
}

// addRecipe takes the recipe out of the image and checks it against the
// manifest.
func (p *plan) addRecipe(d *deposit.Deposit, im *format.Image) error {
	r, err := im.Content(format.RecipeName)
	if err != nil {
		return err
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("%s: recipe: %w", im.Name(), err)
	}
	if d.Recipe, err = recipe.Parse(recipe.FileName, b); err != nil {
		return fmt.Errorf("%s: %w: %w", im.Name(), format.ErrMalformed, err)
	}
	p.add(textEntry(recipe.FileName, "recipe", 0o644, b))
	return nil
}

// textEntry is an entry whose content is at hand.
func textEntry(name, kind string, mode fs.FileMode, content []byte) *deposit.Entry {
	return &deposit.Entry{
		Path: name, Kind: kind, Mode: mode, Size: int64(len(content)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
	}
}

// addFiles lays out code, data and published results as files, for readers who
// have no tool for images and journals that forbid opaque files.
func (p *plan) addFiles(d *deposit.Deposit, im *format.Image) error {
	var layers []*tree.Node
	for _, o := range d.Manifest.Objects {
		if o.Layer == nil || o.Name == format.EnvironmentName {
			continue
		}
		r, err := im.Layer(o.Name)
		if err != nil {
			return err
		}
		n, err := r.Tree()
		if err != nil {
			return fmt.Errorf("%s: layer %q: %w", im.Name(), o.Name, err)
		}
		if o.Role == manifest.RoleHidden {
			p.addTree(n, deposit.Outputs, "published")
		} else {
			layers = append(layers, n)
		}
	}
	if len(layers) > 0 {
		p.addTree(tree.Union(layers...).Lookup(build.Paper), deposit.Inputs, "input")
	}
	return nil
}

// addTree puts the regular files of a tree below dir. A symbolic link within the
// tree becomes a copy of what it leads to.
func (p *plan) addTree(root *tree.Node, dir, kind string) {
	if root == nil || !root.IsDir() {
		return
	}
	var twins filename.Twins
	for name, n := range root.All() {
		if n.Mode&fs.ModeSymlink != 0 {
			target := root.Lookup(path.Join(path.Dir(name), n.Target))
			if path.IsAbs(n.Target) || target == nil || !target.Mode.IsRegular() {
				p.note("%s: the symbolic link to %q is in the image only", path.Join(dir, name), n.Target)
				continue
			}
			n = target
		}
		if !n.Mode.IsRegular() {
			continue
		}
		why := filename.Portable(path.Join(dir, name))
		if other, how := twins.Add(name); other != "" {
			why = fmt.Sprintf("differs from %q only %s", other, how)
		}
		if why != "" {
			p.problem("%s: %q: %s: rename the file in the experiment and build again", kind, name, why)
			continue
		}
		mode := fs.FileMode(0o644)
		if n.Mode&0o111 != 0 {
			mode = 0o755
		}
		p.add(&deposit.Entry{Path: path.Join(dir, name), Kind: kind, Mode: mode, Size: n.Size, Open: n.Open})
	}
}

// addKeys puts public keys and signatures in. Those inside the image are
// copied out too.
func (p *plan) addKeys(d *deposit.Deposit, im *format.Image, o Options) {
	for _, f := range slices.Concat(o.Keys, o.Signatures) {
		p.add(textEntry(path.Join(deposit.Signatures, path.Base(filepath.ToSlash(f.Name))), "key", 0o644, f.Content))
	}
	for _, o := range im.Objects() {
		if o.Type == format.DataSignature {
			section := im.Section(o)
			p.add(&deposit.Entry{
				Path: path.Join(deposit.Signatures, signatureName(d, o)),
				Kind: "signature", Mode: 0o644, Size: o.Size,
				Open: func() (io.ReadCloser, error) {
					return io.NopCloser(io.NewSectionReader(section, 0, section.Size())), nil
				},
			})
		}
	}
}

// imageName is what the image is called in the deposit.
func imageName(im *format.Image, o Options) string {
	name := filepath.Base(im.Name())
	if o.Anonymous || filename.Portable(name) != "" || !strings.HasSuffix(name, ".sif") {
		return "paper.sif"
	}
	return name
}
