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
	"context"
	"errors"
	"path/filepath"
	"strings"

	"repro/archive/anonymous"
	"repro/archive/container"
	"repro/archive/deposit"
	"repro/archive/rocrate"
	"repro/archive/submission"
	"repro/format"
	"repro/format/manifest"
	"repro/internal/progress"
	"repro/report"
	"repro/verify"
)

// Form is what a deposit is written as.
type Form = container.Form

// The forms of a deposit.
const (
	Folder = container.Folder
	Tar    = container.Tar
	Zip    = container.Zip
	OCFL   = container.OCFL
)

// File is a small file that goes into a deposit as it is.
type File = deposit.File

// Options say what goes into a deposit. The zero value asks for the signature
// of nobody and is refused: see Unsigned.
type Options struct {
	Form Form // empty: Folder

	Trust      verify.Trust // who must have signed the image
	Unsigned   bool         // take an image that nobody signed
	Keys       []File       // the public keys of Trust, kept in the deposit
	Signatures []File       // detached signatures, counted and kept

	Runs      []string            // folders that `repro run` left
	DOI       string              // of the deposit, reserved beforehand
	Publisher string              // who publishes the deposit; empty: not known yet
	Targets   []submission.Target // whose demands must be met
	Profile   rocrate.Profile     // of RO-Crate; empty: RO-Crate 1.1
	Link      bool                // a folder's image is a hard link to the one given, where the filesystem can
	NoImage   bool                // leave the image out: inputs, outputs and records only
	Beside    bool                // say of an image that is left out that it lies beside the deposit
	Runner    []File              // static programs that go to runner/
	Spec      []byte              // SPEC.md, goes to runner/

	// Anonymous leaves out all that says whose work it is. The image is made
	// anew without names, and so without signatures.
	Anonymous bool

	Workers  int // 0: all cores
	Progress progress.Func
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
	var original manifest.Digest // content id of the image that im is made of
	var names []string           // of the authors, which an anonymous deposit may not say
	if o.Anonymous {
		m, err := im.Manifest()
		if err != nil {
			return nil, err
		}
		if o.DOI != "" {
			return nil, missing(im.Name(), "a DOI leads to the authors: leave it out of a deposit for blind review")
		}
		names = anonymous.Identities(m)
		if original, err = im.ContentID(); err != nil {
			return nil, err
		}
		nameless, remove, err := anonymous.Image(ctx, im, out, anonymous.Options{Workers: o.Workers, Progress: o.Progress})
		if err != nil {
			return nil, places(err)
		}
		defer remove()
		im, o.Unsigned, o.Trust, o.Keys, o.Signatures = nameless, true, verify.Trust{}, nil, nil
	}
	d, p, err := gather(ctx, im, original, o)
	if err != nil {
		return nil, err
	}
	to, err := container.Create(o.Form, out, aboutContainer(d, out))
	if err != nil {
		return nil, err
	}
	defer to.Close()
	w := &writer{Deposit: d, options: o, im: im, to: to, names: map[string]bool{}, notes: p.notes}
	if err := w.write(ctx, p.entries, names); err != nil {
		return nil, err
	}
	if err := to.Commit(); err != nil {
		return nil, err
	}
	return &Report{
		Version: 1, Deposit: out, Form: o.Form,
		Files: len(d.Entries), Bytes: d.Bytes(), Verify: d.Verified, Notes: w.notes,
	}, nil
}

// Ready says whether the image could be archived so: all that is missing comes back
// at once in an [*Error], and the image is verified. It returns what is known of the
// deposit before its files are written.
func Ready(ctx context.Context, im *format.Image, o Options) (*deposit.Deposit, error) {
	d, _, err := gather(ctx, im, "", o)
	if err != nil {
		return nil, err
	}
	vo := verify.Options{Workers: o.Workers, Progress: o.Progress}
	for _, f := range o.Signatures {
		vo.Detached = append(vo.Detached, f.Content)
	}
	d.Verified, err = verify.Image(ctx, im, o.Trust, vo)
	if err != nil && !(o.Unsigned && errors.Is(err, verify.ErrNotSigned)) {
		return nil, err
	}
	return d, nil
}

// aboutContainer is what the forms of a deposit state of it as a whole.
func aboutContainer(d *deposit.Deposit, out string) container.About {
	a := container.About{
		Name: strings.TrimSuffix(filepath.Base(out), filepath.Ext(out)), Date: d.Date,
		ID: d.URN(), Owner: "Anonymous", Address: d.URN(),
	}
	if authors := d.Manifest.Paper.Authors; len(authors) > 0 {
		a.Owner = authors[0].Name
		if authors[0].ORCID != "" {
			a.Address = deposit.ORCID(authors[0].ORCID)
		}
	}
	return a
}
