package format

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"repro/format/verity"
	"repro/progress"
	"repro/record"
)

// CheckOptions says how [Image.Check] works.
type CheckOptions struct {
	Workers  int           // goroutines that hash; 0: all cores
	Classic  bool          // also take the SHA-256 of whole layers, which no two cores can share
	Progress progress.Func // may be nil
}

// Check reads every object that the manifest binds once and says of each
// whether it has the content that the manifest states: layers by their hash
// trees, the rest by SHA-256. It returns the status of all objects, and an
// error that wraps the [*AlteredError] of each that is damaged, [ErrMalformed]
// if the file is not laid out as the manifest says, or what stopped it.
func (im *Image) Check(ctx context.Context, o CheckOptions) ([]record.ObjectStatus, error) {
	m, err := im.manifest()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", im.name, err)
	}
	if problems := im.Layout(); len(problems) > 0 {
		return nil, fmt.Errorf("%s: %w", im.name, &LayoutError{problems})
	}
	statuses := []record.ObjectStatus{{ID: 1, Name: ManifestName, Size: int64(len(m.stored)), Intact: true}}
	var altered []error
	for _, ob := range m.Objects {
		st := record.ObjectStatus{ID: ob.ID, Name: ob.Name, Role: ob.Role, Size: ob.Size, Intact: true}
		if ob.Role == record.RoleLayer {
			st.Mounted = "/"
		}
		err := im.checkObject(ctx, ob, o)
		if bad := (*AlteredError)(nil); errors.As(err, &bad) {
			st.Intact, st.Problem = false, bad.Error()
			altered = append(altered, bad)
		} else if err != nil {
			return nil, fmt.Errorf("%s: object %d (%q): %w", im.name, ob.ID, ob.Name, err)
		}
		statuses = append(statuses, st)
	}
	if len(altered) > 0 {
		return statuses, fmt.Errorf("%s: %w", im.name, errors.Join(altered...))
	}
	return statuses, nil
}

func (im *Image) checkObject(ctx context.Context, ob record.Object, o CheckOptions) error {
	if ob.Layer != nil {
		err := im.checkLayer(ctx, ob, o)
		if bad := (*AlteredError)(nil); errors.As(err, &bad) && bad.Object != ob.Name {
			return im.checkSum(ctx, ob) // its hash tree is damaged: ask the digest
		}
		return err
	}
	return im.checkSum(ctx, ob)
}

func (im *Image) checkSum(ctx context.Context, ob record.Object) error {
	d, err := im.bound(ob)
	if err != nil {
		return err
	}
	got, err := sum(ctx, im.Section(d))
	if err != nil {
		return err
	}
	if got != ob.Digest {
		return &AlteredError{ob.Name, -1, "content differs from the digest that the manifest binds"}
	}
	return nil
}

func (im *Image) checkLayer(ctx context.Context, ob record.Object, o CheckOptions) error {
	t, err := im.tree(ob)
	if err != nil {
		return err
	}
	report := func(e progress.Event) {
		e.Task = "verify " + ob.Name
		o.Progress.Report(e)
	}
	if !o.Classic {
		return t.naming(verity.VerifyAll(ctx, t.section, t.Tree, o.Workers, report))
	}
	h := sha256.New()
	if err := verity.VerifyCopy(ctx, h, t.section, t.Tree, o.Workers, report); err != nil {
		return t.naming(err)
	}
	if record.DigestSum([32]byte(h.Sum(nil))) != ob.Digest {
		return &AlteredError{ob.Name, -1, "content agrees with its hash tree but differs from the digest that the manifest binds"}
	}
	return nil
}

// sum returns the SHA-256 of what r holds.
func sum(ctx context.Context, r io.Reader) (record.Digest, error) {
	h := sha256.New()
	b := make([]byte, 1<<20)
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := r.Read(b)
		h.Write(b[:n])
		if err == io.EOF {
			return record.DigestSum([32]byte(h.Sum(nil))), nil
		}
		if err != nil {
			return "", err
		}
	}
}
