package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"repro/build"
	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/filename"
	"repro/recipe"
	"repro/report"
)

// Folders of the payload.
const (
	inputsDir     = "inputs"
	outputsDir    = "outputs"
	runsDir       = "runs"
	provenanceDir = "provenance"
	sbomDir       = "sbom"
	signaturesDir = "signatures"
	submissionDir = "submission"
	runnerDir     = "runner"
)

// deposit is a deposit while it is made.
type deposit struct {
	options  Options
	im       *format.Image
	manifest *manifest.Manifest
	recipe   *recipe.Recipe
	content  manifest.Digest // content id of the image
	date     time.Time       // of the image
	name     string          // of the deposit
	runs     []*runRecord
	problems []Problem
	notes    []string

	sink     sink
	pending  []*entry // to be stored beside the image
	mu       sync.Mutex
	entries  []*entry          // what is in the payload; mu
	byPath   map[string]*entry // mu
	verified *report.Verify
	software *software
}

// gather finds out what goes in, and all that is missing or wrong with it.
func gather(ctx context.Context, im *format.Image, o Options) (*deposit, error) {
	d := &deposit{options: o, im: im, byPath: map[string]*entry{}}
	if problems := im.Layout(); len(problems) > 0 {
		return nil, fmt.Errorf("%s: %w", im.Name(), &format.LayoutError{Problems: problems})
	}
	var err error
	if d.manifest, err = im.Manifest(); err != nil {
		return nil, err
	}
	if d.content, err = im.ContentID(); err != nil {
		return nil, err
	}
	if d.date, err = time.Parse(time.RFC3339, d.manifest.Paper.Date); err != nil {
		return nil, fmt.Errorf("%s: %w", im.Name(), err)
	}
	if err := d.readRecipe(); err != nil {
		return nil, err
	}
	for i, dir := range o.Runs {
		if err := d.addRun(i+1, dir); err != nil {
			return nil, err
		}
	}
	if err := d.explode(ctx); err != nil {
		return nil, err
	}
	if d.software, err = readSoftware(ctx, im); err != nil {
		return nil, err
	}
	d.addKeys()
	d.addLicences()
	if err := d.addRunner(); err != nil {
		return nil, err
	}
	d.demand()
	if len(d.problems) > 0 {
		return nil, &Error{Image: im.Name(), Problems: d.problems}
	}
	return d, nil
}

// readRecipe takes the recipe out of the image and checks it against the
// manifest.
func (d *deposit) readRecipe() error {
	object := d.manifest.Objects[0]
	for _, o := range d.im.Objects() {
		if o.ID != object.ID {
			continue
		}
		b, err := io.ReadAll(d.im.Section(o))
		if err != nil {
			return fmt.Errorf("%s: recipe: %w", d.im.Name(), err)
		}
		if manifest.DigestOf(b) != object.Digest {
			return fmt.Errorf("%s: %w", d.im.Name(), &format.AlteredError{Object: object.Name, Offset: -1, Reason: "content differs from the digest that the manifest binds"})
		}
		if d.recipe, err = recipe.Parse(recipe.FileName, b); err != nil {
			return fmt.Errorf("%s: %w: %w", d.im.Name(), format.ErrMalformed, err)
		}
		d.later(&entry{path: recipe.FileName, kind: "recipe", mode: 0o644, size: int64(len(b)), open: opened(b)})
	}
	return nil
}

func opened(b []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}

// explode lays out code, data and published results as files, for readers who
// have no tool for images and journals that forbid opaque files.
func (d *deposit) explode(context.Context) error {
	var layers []*tree.Node
	for _, o := range d.manifest.Objects {
		if o.Layer == nil || o.Name == format.EnvironmentName {
			continue
		}
		r, err := d.im.Layer(o.Name)
		if err != nil {
			return err
		}
		n, err := r.Tree()
		if err != nil {
			return fmt.Errorf("%s: layer %q: %w", d.im.Name(), o.Name, err)
		}
		if o.Role == manifest.RoleHidden {
			d.files(n, outputsDir, "published")
		} else {
			layers = append(layers, n)
		}
	}
	if len(layers) > 0 {
		d.files(tree.Union(layers...).Lookup(build.Paper), inputsDir, "input")
	}
	return nil
}

// files puts the regular files of a tree below dir. A symbolic link within the
// tree becomes a copy of what it leads to.
func (d *deposit) files(root *tree.Node, dir, kind string) {
	if root == nil || !root.IsDir() {
		return
	}
	var twins filename.Twins
	for name, n := range root.All() {
		if n.Mode&fs.ModeSymlink != 0 {
			target := root.Lookup(path.Join(path.Dir(name), n.Target))
			if path.IsAbs(n.Target) || target == nil || !target.Mode.IsRegular() {
				d.note("%s: the symbolic link to %q is in the image only", path.Join(dir, name), n.Target)
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
			d.problem("%s: %q: %s: rename the file in the experiment and build again", kind, name, why)
			continue
		}
		mode := fs.FileMode(0o644)
		if n.Mode&0o111 != 0 {
			mode = 0o755
		}
		d.later(&entry{path: path.Join(dir, name), kind: kind, mode: mode, size: n.Size, open: n.Open})
	}
}

func (d *deposit) note(format string, args ...any) {
	d.notes = append(d.notes, fmt.Sprintf(format, args...))
}

// addKeys puts public keys and signatures in. Those inside the image are
// copied out too.
func (d *deposit) addKeys() {
	for _, f := range append(append([]File{}, d.options.Keys...), d.options.Signatures...) {
		d.later(&entry{path: path.Join(signaturesDir, path.Base(filepath.ToSlash(f.Name))), kind: "key", mode: 0o644, size: int64(len(f.Content)), open: opened(f.Content)})
	}
	for _, o := range d.im.Objects() {
		if o.Type == format.DataSignature {
			section := d.im.Section(o)
			d.later(&entry{
				path: path.Join(signaturesDir, d.signatureName(o)),
				kind: "signature", mode: 0o644, size: o.Size,
				open: func() (io.ReadCloser, error) {
					return io.NopCloser(io.NewSectionReader(section, 0, section.Size())), nil
				},
			})
		}
	}
}

// imageName is what the image is called in the deposit.
func (d *deposit) imageName() string {
	if d.options.Anonymous {
		return "paper.sif"
	}
	name := filepath.Base(d.im.Name())
	if filename.Portable(name) != "" || d.taken(name) {
		return "paper.sif"
	}
	return name
}

// taken reports whether a file or folder of the payload has the name.
func (d *deposit) taken(name string) bool {
	switch name {
	case recipe.FileName, licencesDir, inputsDir, outputsDir, runsDir, provenanceDir, sbomDir, signaturesDir, submissionDir, runnerDir:
		return true
	}
	return !strings.HasSuffix(name, ".sif")
}

// id derives a version 8 UUID (RFC 9562 section 5.8) from the image and what
// it is for.
func (d *deposit) id(local string) string {
	sum := sha256.Sum256([]byte("repro deposit 1\x00" + string(d.content) + "\x00" + local))
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// urn names the deposit.
func (d *deposit) urn() string { return "urn:uuid:" + d.id("") }

// description says what the deposit is, in the author's words if there are any.
func (d *deposit) description() string {
	if a := d.manifest.Paper.Abstract; a != "" {
		return a
	}
	return fmt.Sprintf("The computational experiment behind %q: environment, code, data, steps and published results, ready to be re-run and compared.", d.manifest.Paper.Title)
}

func orcidURL(orcid string) string { return "https://orcid.org/" + orcid }
func doiURL(doi string) string     { return "https://doi.org/" + doi }

// iri is a path as the @id of a crate's file: each byte that may not stand in
// a path of a URI is percent-encoded.
func iri(name string) string {
	return strings.ReplaceAll((&url.URL{Path: name}).EscapedPath(), ":", "%3A")
}

// affiliations lists each organisation once, in the order of the authors.
func affiliations(authors []manifest.Author) []string {
	var all []string
	for _, a := range authors {
		seen := a.Affiliation == ""
		for _, b := range all {
			seen = seen || a.Affiliation == b
		}
		if !seen {
			all = append(all, a.Affiliation)
		}
	}
	return all
}

// indented encodes what is made of text, numbers, lists and maps, which cannot
// fail: keys in byte order, two spaces, a newline at the end.
func indented(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return nil
	}
	return b.Bytes()
}

// ErrMissing is in every error that says that a deposit lacks what it needs.
var ErrMissing = errors.New("not ready to be archived")
