package archive

import (
	"context"
	"errors"
	"fmt"
	"path"

	"repro/archive/bagit"
	"repro/archive/container"
	"repro/format"
	"repro/internal/progress"
	"repro/recipe"
	"repro/report"
	"repro/verify"
)

// ErrDamaged is in the error about a deposit that is incomplete, altered, or
// no deposit.
var ErrDamaged = container.ErrDamaged

// What [Verify] finds about a deposit.
const (
	DepositComplete  = "complete"   // every file is there and as it was sealed; the image is signed as asked
	DepositUnsigned  = "not signed" // complete, but nobody who was asked signed the image
	DepositDamaged   = "damaged"    // a file is missing, extra or changed, or the image is
	DepositMalformed = "malformed"  // not a bag as packages of repro are
)

// VerifyOptions say how to verify a deposit.
type VerifyOptions struct {
	Trust    verify.Trust // who must have signed the image
	Unsigned bool         // let a deposit pass whose image nobody signed, or that has no image
	Workers  int          // 0: all cores
	Progress progress.Func
}

// VerifyReport is what was found about a deposit.
type VerifyReport struct {
	Version  int            `json:"version"`
	Deposit  string         `json:"deposit"` // as the caller named it
	Verdict  string         `json:"verdict"`
	Files    int            `json:"files"`  // that the manifests list
	Intact   int            `json:"intact"` // of these
	Missing  []string       `json:"missing,omitempty"`
	Extra    []string       `json:"extra,omitempty"`
	Changed  []string       `json:"changed,omitempty"`
	Fetch    []string       `json:"fetch,omitempty"`    // missing, but listed in fetch.txt
	Problems []string       `json:"problems,omitempty"` // where the bag breaks the profile
	Image    *report.Verify `json:"image,omitempty"`
}

// profile is what deposits have beyond what bags must.
var profile = bagit.Profile{
	Payload: []string{"ro-crate-metadata.json", "ro-crate-preview.html", recipe.FileName},
	Tags:    []string{"START-HERE.html", "bag-info.txt", "tagmanifest-sha256.txt"},
}

// Verify checks a deposit: that every file is there, unaltered and listed,
// that the bag keeps the profile, and that the image in it is what was signed.
// It takes the folder of a bag, a tar or zip archive of one, an OCFL object that
// holds one, or a crate alone as a zip archive or folder. The report is
// complete whatever the error, which wraps [ErrDamaged], or is that of
// [verify.Image].
func Verify(ctx context.Context, name string, o VerifyOptions) (*VerifyReport, error) {
	files, err := container.Open(name)
	if err != nil {
		return nil, err
	}
	defer files.Close()
	bag, err := bagit.Check(ctx, files, profile, o.Progress)
	if err != nil {
		return nil, err
	}
	r := &VerifyReport{
		Version: 1, Deposit: name, Files: bag.Files, Intact: bag.Intact,
		Missing: bag.Missing, Extra: bag.Extra, Changed: bag.Changed, Fetch: bag.Fetch, Problems: bag.Problems,
	}
	if len(r.Problems) > 0 {
		r.Verdict = DepositMalformed
		return r, fmt.Errorf("%s: %w: %s", name, ErrDamaged, r.Problems[0])
	}
	imageErr := r.verifyImage(ctx, files, bag, o)
	switch n := len(r.Missing) + len(r.Extra) + len(r.Changed); {
	case n > 0:
		r.Verdict = DepositDamaged
		return r, fmt.Errorf("%s: %w: %d missing, %d extra, %d changed", name, ErrDamaged, len(r.Missing), len(r.Extra), len(r.Changed))
	case errors.Is(imageErr, verify.ErrNotSigned):
		if o.Unsigned {
			break
		}
		r.Verdict = DepositUnsigned
		return r, imageErr
	case imageErr != nil:
		r.Verdict = DepositDamaged
		return r, imageErr
	}
	r.Verdict = DepositComplete
	return r, nil
}

// verifyImage verifies the image in the payload.
func (r *VerifyReport) verifyImage(ctx context.Context, files container.Reader, bag *bagit.Result, o VerifyOptions) error {
	var found []string
	for name := range bag.Names {
		if path.Dir(bag.Root+".") == path.Dir(name) && path.Ext(name) == ".sif" {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		return fmt.Errorf("%s: %d images in it: %w", r.Deposit, len(found), verify.ErrNotSigned)
	}
	f, err := files.At(found[0])
	if err != nil {
		return err
	}
	defer f.Close()
	im, err := format.New(f, bag.Names[found[0]], found[0])
	if err != nil {
		return err
	}
	r.Image, err = verify.Image(ctx, im, o.Trust, verify.Options{Workers: o.Workers, Progress: o.Progress})
	return err
}
