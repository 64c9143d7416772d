// Package archive writes and verifies deposits: the package around an image
// that goes to Zenodo, Dataverse or a journal. SPEC.md, part ARC.
//
// A deposit is a BagIt bag (RFC 8493) whose payload is an RO-Crate, so that
// both an archive's and a scientist's tools know it:
//
//	START-HERE.html  bagit.txt  bag-info.txt  (tag)manifest-sha256/512.txt
//	data/ro-crate-metadata.json  ro-crate-preview.html  README.md
//	data/paper.sif               the signed image, byte for byte
//	data/repro.yaml              the recipe
//	data/inputs/                 code and data as files
//	data/outputs/                the published results as files
//	data/runs/1/                 record, results and logs of a run
//	data/provenance/  sbom/  signatures/  submission/
//	data/CITATION.cff  codemeta.json  LICENSES.md  LICENSES/  SWHIDS.txt
//	data/runner/                 how to do without this program
//
// Bytes of a deposit depend on the image, the records of its runs and the
// options, and on nothing else: every time in it is the image's date or one
// that a record states, every identifier derives from content.
package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"repro/format"
	"repro/format/manifest"
	"repro/internal/progress"
	"repro/report"
	"repro/verify"
)

// Form is what a deposit is written as.
type Form string

// The forms of a deposit.
const (
	Folder Form = "folder" // a bag
	Tar    Form = "tar"    // the bag below one folder, as RFC 8493 asks
	Zip    Form = "zip"    // the crate alone at the root, as readers of RO-Crates ask
	OCFL   Form = "ocfl"   // an OCFL 1.1 object whose content is the bag
)

// File is a small file that goes into a deposit as it is.
type File struct {
	Name    string // without a folder
	Content []byte
}

// Options say what goes into a deposit. The zero value asks for the signature
// of nobody and is refused: see Unsigned.
type Options struct {
	Form Form // empty: Folder

	Trust      verify.Trust // who must have signed the image
	Unsigned   bool         // take an image that nobody signed
	Keys       []File       // the public keys of Trust, kept in the deposit
	Signatures []File       // detached signatures, counted and kept

	Runs      []string // folders that `repro run` left
	DOI       string   // of the deposit, reserved beforehand
	Publisher string   // who publishes the deposit; empty: not known yet
	Targets   []Target // whose demands must be met
	Profile   Profile  // of RO-Crate; empty: RO-Crate 1.1
	Link      bool     // a folder's image is a hard link to the one given, where the filesystem can
	NoImage   bool     // leave the image out: inputs, outputs and records only
	Runner    []File   // static programs that go to runner/
	Spec      []byte   // SPEC.md, goes to runner/

	// Anonymous leaves out all that says whose work it is. The image is made
	// anew without names, and so without signatures.
	Anonymous bool

	Workers  int // 0: all cores
	Progress progress.Func

	secrets  []string        // what an anonymous deposit may not say
	original manifest.Digest // content id of the image that it was made of
}

// Report says what was written.
type Report struct {
	Version int            `json:"version"`
	Deposit string         `json:"deposit"` // as the caller named it
	Form    Form           `json:"form"`
	Files   int            `json:"files"` // of the payload
	Bytes   int64          `json:"bytes"` // of the payload
	Verify  *report.Verify `json:"verify"`
	Notes   []string       `json:"notes,omitempty"` // what was left out, and why
}

// Write writes the deposit of image im under the name out, which must not
// exist. It appears whole or not at all. All that is missing or wrong with
// what goes in comes back at once in an [*Error]; the errors of
// [verify.Image] say what is wrong with the image.
func Write(ctx context.Context, im *format.Image, out string, o Options) (*Report, error) {
	if o.Form == "" {
		o.Form = Folder
	}
	if o.Anonymous {
		m, err := im.Manifest()
		if err != nil {
			return nil, err
		}
		if o.DOI != "" {
			return nil, &Error{Image: im.Name(), Problems: []Problem{{"a DOI leads to the authors: leave it out of a deposit for blind review"}}}
		}
		o.secrets = identities(m)
		if o.original, err = im.ContentID(); err != nil {
			return nil, err
		}
		nameless, done, err := anonymise(ctx, im, out, o)
		if err != nil {
			return nil, err
		}
		defer done()
		im, o.Unsigned, o.Trust, o.Keys, o.Signatures = nameless, true, verify.Trust{}, nil, nil
	}
	d, err := gather(ctx, im, o)
	if err != nil {
		return nil, err
	}
	d.name = strings.TrimSuffix(filepath.Base(out), filepath.Ext(out))
	s, err := newSink(o.Form, out, d)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := d.write(ctx, s); err != nil {
		return nil, err
	}
	if err := s.commit(); err != nil {
		return nil, err
	}
	return &Report{
		Version: 1, Deposit: out, Form: o.Form,
		Files: len(d.entries), Bytes: d.bytes(), Verify: d.verified, Notes: d.notes,
	}, nil
}

// write puts everything into s, first what metadata speak of, then the
// metadata, then what seals both.
func (d *deposit) write(ctx context.Context, s sink) error {
	d.sink = s
	if err := d.fill(ctx); err != nil {
		return err
	}
	if err := d.describe(); err != nil {
		return err
	}
	if d.options.Anonymous {
		if err := d.searchNames(); err != nil {
			return err
		}
		d.unsearched()
	}
	if d.options.Form == Zip {
		return d.sealCrate()
	}
	return d.seal()
}

// fill stores the image and the files: side by side where each has a place of
// its own. What is wrong with the image is said before anything else, for it
// may be why its files cannot be read.
func (d *deposit) fill(ctx context.Context) error {
	if !d.sink.parallel() {
		if err := d.image(ctx); err != nil {
			return err
		}
		for _, e := range d.pending {
			if err := d.store(ctx, e); err != nil {
				return err
			}
		}
		return nil
	}
	beside, cancel := context.WithCancel(ctx)
	defer cancel()
	files, beside := errgroup.WithContext(beside)
	files.SetLimit(cmp.Or(d.options.Workers, runtime.GOMAXPROCS(0)))
	filled := make(chan error)
	go func() {
		for _, e := range d.pending {
			files.Go(func() error { return d.store(beside, e) })
		}
		filled <- files.Wait()
	}()
	imageErr := d.image(ctx)
	if imageErr != nil {
		cancel()
	}
	filesErr := <-filled
	return cmp.Or(imageErr, filesErr)
}

// image copies the image into the deposit and verifies it from the same
// reading.
func (d *deposit) image(ctx context.Context) error {
	o := d.options
	e := &entry{path: d.imageName(), size: d.im.Size(), mode: 0o644, kind: "image"}
	var w *hashing
	vo := verify.Options{Workers: o.Workers, Progress: o.Progress}
	for _, f := range o.Signatures {
		vo.Detached = append(vo.Detached, f.Content)
	}
	if !o.NoImage {
		vo.Check = func(ctx context.Context) ([]report.ObjectStatus, error) {
			out, err := d.place(e)
			if err != nil {
				return nil, err
			}
			w = newHashing(out)
			defer w.stop()
			statuses, err := d.im.CheckCopy(ctx, w, o.Progress)
			return statuses, errors.Join(err, out.Close())
		}
	}
	var err error
	d.verified, err = verify.Image(ctx, d.im, o.Trust, vo)
	if err != nil && !(o.Unsigned && errors.Is(err, verify.ErrNotSigned)) {
		return err
	}
	if d.verified != nil {
		d.verified.Image = d.imageName()
	}
	if w == nil {
		return nil
	}
	e.digests = w.sums()
	if err := d.reserve(e); err != nil {
		return err
	}
	d.add(e)
	return nil
}

// place starts the image's file in the deposit. Where the deposit can share
// the blocks of the image, nothing is left to write.
func (d *deposit) place(e *entry) (io.WriteCloser, error) {
	f, ok := d.sink.(*folder)
	if ok && !d.options.Anonymous && f.adopt(e.payload(d.options.Form), d.im.Name(), d.options.Link) {
		return nopCloser{io.Discard}, nil
	}
	return d.sink.create(e.payload(d.options.Form), e.size, e.mode)
}

// about says of which file err speaks.
func about(name string, err error) error {
	var p *os.PathError
	if errors.As(err, &p) && p.Path == name {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}
