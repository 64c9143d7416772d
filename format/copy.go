package format

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"

	"repro/format/manifest"
	"repro/internal/progress"
	"repro/report"
)

// copyChunk is how much [Image.CheckCopy] reads at a time.
const copyChunk = 1 << 20

// CheckCopy writes the whole file to w, in order, and says what
// [Image.Check] says, all from one reading: every object is hashed on its way
// to w. What was written is worth nothing unless the error is nil.
func (im *Image) CheckCopy(ctx context.Context, w io.Writer, p progress.Func) ([]report.ObjectStatus, error) {
	m, err := im.manifest()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", im.name, err)
	}
	var wrong []error
	if problems := im.Layout(); len(problems) > 0 {
		return nil, fmt.Errorf("%s: %w", im.name, &LayoutError{problems})
	}
	sums := &objectSums{objects: im.objects, sum: make([]hash.Hash, len(im.objects))}
	if err := im.copyTo(ctx, w, sums, p); err != nil {
		return nil, err
	}
	statuses := []report.ObjectStatus{im.manifestStatus(m)}
	for i, ob := range m.Objects {
		st := report.ObjectStatus{ID: ob.ID, Name: ob.Name, Role: ob.Role, Size: ob.Size, Intact: true}
		if ob.Role == manifest.RoleLayer {
			st.Mounted = "/"
		}
		if sums.digest(i+1) != ob.Digest {
			err := &AlteredError{ob.Name, -1, "content differs from the digest that the manifest binds"}
			wrong = append(wrong, err)
			st.Intact, st.Problem = false, err.Error()
		}
		statuses = append(statuses, st)
	}
	if len(wrong) > 0 {
		return statuses, fmt.Errorf("%s: %w", im.name, findings(wrong))
	}
	return statuses, nil
}

// copyTo reads the file once and hands each piece to w and to sums, side by
// side.
func (im *Image) copyTo(ctx context.Context, w io.Writer, sums *objectSums, p progress.Func) error {
	buf := make([]byte, copyChunk)
	for off := int64(0); off < im.size; {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := buf[:min(copyChunk, im.size-off)]
		if err := readAt(im.r, b, off); err != nil {
			return fmt.Errorf("%s: %w", im.name, err)
		}
		hashed := make(chan struct{})
		go func() {
			sums.add(b, off)
			close(hashed)
		}()
		_, err := w.Write(b)
		<-hashed
		if err != nil {
			return err
		}
		off += int64(len(b))
		p.Report(progress.Event{Task: "copy and verify " + im.name, Done: off, Total: im.size, Bytes: true})
	}
	return nil
}

// objectSums hashes each object of a file whose bytes come in order.
type objectSums struct {
	objects []Object
	sum     []hash.Hash
}

// add takes the bytes at off.
func (s *objectSums) add(b []byte, off int64) {
	for i, o := range s.objects {
		from, to := max(o.Offset, off), min(o.Offset+o.Size, off+int64(len(b)))
		if from >= to {
			continue
		}
		if s.sum[i] == nil {
			s.sum[i] = sha256.New()
		}
		s.sum[i].Write(b[from-off : to-off])
	}
}

func (s *objectSums) digest(i int) manifest.Digest {
	if s.sum[i] == nil {
		return manifest.DigestOf(nil)
	}
	return manifest.DigestSum([sha256.Size]byte(s.sum[i].Sum(nil)))
}
