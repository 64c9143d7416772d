package repository

import (
	"context"
	"fmt"
	"net/http"
	"slices"
)

// send brings all files there and compares what the server has in the end. SPEC.md,
// DEP-7.
func (s *session) send(ctx context.Context, r record, files []*file, rep *Report) error {
	before, err := s.service.files(ctx, r)
	if err != nil {
		return s.fail("files of record "+r.ID, err)
	}
	if err := s.clear(ctx, r, before, files); err != nil {
		return err
	}
	for i, f := range files {
		sent, err := s.sendFile(ctx, r, f)
		if err != nil {
			return s.fail(f.Name, err)
		}
		if rep.Files[i].Sent = sent; sent {
			rep.Sent += f.Size
		}
	}
	return s.compare(ctx, r, files, before, rep)
}

// clear removes the files that a new version took over from the one before.
func (s *session) clear(ctx context.Context, r record, before []stored, files []*file) error {
	if s.o.VersionOf == "" {
		return nil
	}
	for _, old := range before {
		if !slices.ContainsFunc(files, func(f *file) bool { return f.Name == old.Name }) {
			if err := s.service.remove(ctx, r, old); err != nil && !hasStatus(err, http.StatusNotFound) {
				return s.fail(old.Name, err)
			}
		}
	}
	return nil
}

// sendFile sends one file until the server has it whole.
func (s *session) sendFile(ctx context.Context, r record, f *file) (sent bool, err error) {
	for failures := 0; ; {
		there, err := s.stored(ctx, r, f)
		if err != nil {
			return sent, err
		}
		if there != nil && f.matches(*there) {
			return sent, nil
		}
		if there != nil && s.dry == nil {
			if err := s.service.remove(ctx, r, *there); err != nil && !hasStatus(err, http.StatusNotFound) {
				return sent, fmt.Errorf("remove what did not arrive whole: %w", err)
			}
		}
		sent = true
		failed := s.service.upload(ctx, r, f)
		if s.dry != nil {
			return sent, failed
		}
		if ctx.Err() != nil {
			return sent, ctx.Err()
		}
		if hopeless(failed) {
			return sent, failed
		}
		if failed == nil {
			there, err := s.stored(ctx, r, f)
			if err != nil {
				return sent, err
			}
			if there != nil && f.matches(*there) {
				return sent, nil
			}
			failed = differs(f, there)
		}
		if failures++; failures == maxTries {
			return sent, failed
		}
		if err := s.wait(ctx, failures, failed); err != nil {
			return sent, err
		}
	}
}

// hopeless reports whether sending the file from the start will fail as well. What
// an earlier request left half done makes servers answer 400, 404 or 409.
func hopeless(err error) bool {
	for _, passes := range []int{http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusLocked, http.StatusTooManyRequests} {
		if hasStatus(err, passes) {
			return false
		}
	}
	return definite(err)
}

// differs says how.
func differs(f *file, there *stored) error {
	switch {
	case there == nil:
		return fmt.Errorf("%w: none of this name", ErrDiffers)
	case f.sums[there.Algorithm] == "":
		return fmt.Errorf("%w: it states no checksum that can be compared (%.20q)", ErrDiffers, there.Algorithm)
	}
	return fmt.Errorf("%w: %d bytes with %s %.128s, want %d with %s", ErrDiffers, there.Size, there.Algorithm, there.Checksum, f.Size, f.sums[there.Algorithm])
}

// stored returns what the server has of a file, or nil.
func (s *session) stored(ctx context.Context, r record, f *file) (*stored, error) {
	all, err := s.service.files(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("files of record %s: %w", r.ID, err)
	}
	for _, x := range all {
		if x.Name == f.Name {
			return &x, nil
		}
	}
	return nil, nil
}

// compare holds all that the server has against all that was sent. A second copy
// that a server made of a file, because the answer to a first try was lost, is
// removed; files that were there before are only named.
func (s *session) compare(ctx context.Context, r record, files []*file, before []stored, rep *Report) error {
	if s.dry != nil {
		return nil
	}
	all, err := s.service.files(ctx, r)
	if err != nil {
		return s.fail("files of record "+r.ID, err)
	}
	byName := map[string]stored{}
	for _, x := range all {
		ours := slices.IndexFunc(files, func(f *file) bool { return f.Name == x.Name })
		if _, twice := byName[x.Name]; ours >= 0 && !twice {
			byName[x.Name] = x
			continue
		}
		was := r.State != Draft || slices.ContainsFunc(before, func(b stored) bool { return b.id == x.id && b.Name == x.Name })
		if !was && slices.ContainsFunc(files, func(f *file) bool { return f.matches(x) }) {
			if err := s.service.remove(ctx, r, x); err != nil && !hasStatus(err, http.StatusNotFound) {
				return s.fail(x.Name+": remove a second copy", err)
			}
			continue
		}
		rep.Notes = append(rep.Notes, fmt.Sprintf("%s is in the record too, and is not of this deposit", x.Name))
	}
	for i, f := range files {
		x, ok := byName[f.Name]
		if !ok {
			return s.fail(f.Name, differs(f, nil))
		}
		if !f.matches(x) {
			return s.fail(f.Name, differs(f, &x))
		}
		rep.Files[i].Checksum = x.Algorithm + ":" + x.Checksum
	}
	return nil
}

// looksForPublished is how often a server is asked whether it has published: large
// records take minutes.
const looksForPublished = 8

// publish publishes, once. Whether it happened is read from the record; where that
// cannot be seen, nothing is asked for again. SPEC.md, DEP-8.
func (s *session) publish(ctx context.Context, r record) (record, error) {
	s.state.Asked = true
	if err := s.state.save(); err != nil {
		return r, err
	}
	object := "publish record " + r.ID
	var failed error
	for failures := 0; ; {
		failed = s.service.publish(ctx, r, s.about)
		if !refusedForNow(failed) {
			break
		}
		if failures++; failures == maxTries {
			return r, s.fail(object, failed)
		}
		if err := s.wait(ctx, failures, failed); err != nil {
			return r, err
		}
	}
	if s.dry != nil {
		return r, failed
	}
	if ctx.Err() != nil {
		return r, ctx.Err()
	}
	if failed != nil && !unsure(failed) {
		return r, s.fail(object, failed)
	}
	for look := 1; look <= looksForPublished; look++ {
		now, err := s.service.look(ctx, r.ID)
		if err == nil && now.State != Draft {
			return now, nil
		}
		if err != nil && !mayPass(err) && !hasStatus(err, http.StatusNotFound) {
			return r, s.fail(object, err)
		}
		if err := s.wait(ctx, look, nil); err != nil {
			return r, err
		}
	}
	why := ErrUnsure
	if failed != nil {
		why = fmt.Errorf("%w: %w", ErrUnsure, failed)
	}
	return r, s.fail(object, why)
}
