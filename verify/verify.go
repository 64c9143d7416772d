// Package verify says who vouches for an image, and whether it is what they
// vouched for.
//
// An image passes if every byte of the file is where the canonical layout puts
// it, every object has the content that the manifest binds, and a key that the
// caller named made a valid signature over all of it. Nothing is trusted for
// being in the file or in a keyring: without keys the answer is the list of
// signers and [ErrNotSigned].
//
// The data are read once, on all cores, however many signatures there are.
// A block that cannot be understood is reported and counts for nothing: it
// takes nothing away from the signatures that are there. SPEC.md, part VER,
// states the procedure.
//
// SIF files that other programs made can be verified as far as SIF goes; see
// [Options].
package verify

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"repro/attest/statement"
	"repro/format"
	"repro/format/manifest"
	"repro/internal/progress"
	"repro/key"
	"repro/report"
	"repro/verify/bundle"
	"repro/verify/policy"
	"repro/verify/timestamp"
)

// ErrNotSigned is in the error about an image that is intact but carries no
// valid signature by a trusted key over all of it.
var ErrNotSigned = errors.New("not signed by whom was asked")

// Trust says whose signature the caller wants to see. One valid signature by
// one of the keys is enough, unless a policy asks for more.
type Trust struct {
	Keys  []*key.Public
	Names map[key.Fingerprint]string // what to call them; otherwise their own user ids are used

	// Windows limits a key to signatures that were made in one of them.
	// Signatures in an envelope state no time: they count as made now.
	Windows map[key.Fingerprint][]key.Window

	// Identities are those who sign without key files, and Root vouches for
	// them. Without a root nobody does.
	Identities      []bundle.Identity
	IdentityWindows map[bundle.Identity][]key.Window // as Windows
	Root            *bundle.Root

	// Times says whose word counts about when a signature was there. Without
	// any, only the signers say.
	Times timestamp.Trust

	// Policy, if not nil, decides in place of "one is enough": who must have
	// signed, with what cryptography, as of when. Its keys are added to Keys.
	Policy *policy.Policy
}

// Add trusts p for signatures made in w, and calls its owner name if that is
// not empty. A key may be added for several windows.
func (t *Trust) Add(p *key.Public, name string, w key.Window) {
	f := p.Fingerprint()
	if !slices.ContainsFunc(t.Keys, func(k *key.Public) bool { return k.Fingerprint() == f }) {
		t.Keys = append(t.Keys, p)
	}
	if name != "" {
		if t.Names == nil {
			t.Names = map[key.Fingerprint]string{}
		}
		t.Names[f] = name
	}
	if t.Windows == nil {
		t.Windows = map[key.Fingerprint][]key.Window{}
	}
	t.Windows[f] = append(t.Windows[f], w)
}

// AddIdentity trusts somebody without a key file for what was signed in w.
func (t *Trust) AddIdentity(i bundle.Identity, w key.Window) {
	if !slices.Contains(t.Identities, i) {
		t.Identities = append(t.Identities, i)
	}
	if t.IdentityWindows == nil {
		t.IdentityWindows = map[bundle.Identity][]key.Window{}
	}
	t.IdentityWindows[i] = append(t.IdentityWindows[i], w)
}

// Options says how to verify. The zero value is the strictest.
type Options struct {
	Workers  int           // goroutines that hash; 0: all cores
	Classic  bool          // also recompute the digests of whole layers that other programs for SIF files check
	Progress progress.Func // may be nil
	Now      time.Time     // zero: the clock
	Detached [][]byte      // signatures that are kept outside the image

	// Check stands in for [format.Image.Check] where the caller reads the
	// whole image anyway and hashes every object on the way. It must return
	// what that does: the status of every object, each from its own bytes.
	Check func(context.Context) ([]report.ObjectStatus, error)

	// Foreign lets a SIF file of another program pass if its signatures
	// cover all its objects. Bytes between objects, the order of objects and
	// parts of the header are not covered in such a file.
	Foreign bool
}

// Image verifies an image. The report is complete whatever the error, which
// wraps [format.ErrMalformed], [format.ErrAltered] or [ErrNotSigned], in this
// order of importance, or is what kept the image from being read. Only an
// image that passes gives no error.
func Image(ctx context.Context, im *format.Image, t Trust, o Options) (*report.Verify, error) {
	v := &verification{
		im: im, trust: t, options: o, now: o.Now,
		report: &report.Verify{
			Version: report.Version,
			Image:   im.Name(),
			Size:    im.Size(),
		},
	}
	if v.now.IsZero() {
		v.now = time.Now()
	}
	v.trustPolicy(t.Policy)
	v.native = !isForeign(im)
	v.report.Foreign = !v.native
	examine := v.examineForeign
	if v.native {
		examine = v.examineImage
	}
	if err := examine(ctx); err != nil {
		v.report.Reason = err.Error()
		if errors.Is(err, format.ErrMalformed) {
			v.report.Verdict = report.ImageMalformed
		}
		return v.report, err
	}
	return v.report, v.decide()
}

// verification is one call of [Image].
type verification struct {
	identities map[string]string // of keys that were certified for some minutes, by fingerprint
	im         *format.Image
	trust      Trust
	options    Options
	now        time.Time
	native     bool // an image, not another program's file
	report     *report.Verify

	metadata  []byte // of an image whose layout is canonical; what signatures are over
	times     *timestamp.Evidence
	recordIDs []uint32 // objects of the time records in times

	findings []finding        // one for each of report.Signatures
	subject  *statement.Image // what attestations must be about; nil if that cannot be told
	attested []attested       // one for each of report.Attestations
	altered  error            // wraps format.ErrAltered
}

// isForeign reports whether another program made the file: an image has a
// manifest, and SIF signatures cover its name, so that nobody can pass off an
// altered image as a foreign file.
func isForeign(im *format.Image) bool {
	for _, o := range im.Objects() {
		if o.Name == format.ManifestName {
			return false
		}
	}
	return true
}

// examineImage fills the report about an image.
func (v *verification) examineImage(ctx context.Context) error {
	r := v.report
	for _, p := range v.im.Layout() {
		r.Problems = append(r.Problems, p.String())
	}
	if r.Canonical = len(r.Problems) == 0; !r.Canonical {
		v.listObjects()
		return v.checkSignatures(func(*format.Object, []byte) (set, string) {
			return nil, "the layout is broken: what it is about cannot be told"
		})
	}
	if err := v.checkObjects(ctx); err != nil {
		return err
	}
	metadata, err := v.im.Metadata()
	if err != nil {
		return err
	}
	r.ContentID, v.metadata = manifest.DigestOf(metadata), metadata
	if v.subject, err = subjectOf(v.im, r.ContentID); err != nil {
		return err
	}
	return v.checkSignatures(func(_ *format.Object, signed []byte) (set, string) {
		if !bytes.Equal(signed, metadata) {
			return nil, v.difference(signed, metadata)
		}
		return v.allIDs(), ""
	})
}

// checkObjects hashes the objects.
func (v *verification) checkObjects(ctx context.Context) error {
	check := v.options.Check
	if check == nil {
		check = func(ctx context.Context) ([]report.ObjectStatus, error) {
			return v.im.Check(ctx, format.CheckOptions{
				Workers: v.options.Workers, Classic: v.options.Classic, Progress: v.options.Progress,
			})
		}
	}
	var err error
	v.report.Objects, err = check(ctx)
	v.report.Intact = err == nil
	if err == nil || !errors.Is(err, format.ErrAltered) {
		return err
	}
	v.altered = err
	for _, st := range v.report.Objects {
		if st.Problem != "" {
			v.report.Problems = append(v.report.Problems, st.Problem)
		}
	}
	return nil
}

// listObjects names the objects of a file whose layout is broken.
func (v *verification) listObjects() {
	for _, o := range v.im.Objects() {
		if o.Type != format.DataSignature {
			v.report.Objects = append(v.report.Objects, report.ObjectStatus{
				ID: o.ID, Name: o.Name, Size: o.Size, Problem: "not checked: the layout of the file is broken",
			})
		}
	}
}

func (v *verification) allIDs() set {
	ids := set{}
	for _, st := range v.report.Objects {
		ids[st.ID] = true
	}
	return ids
}
