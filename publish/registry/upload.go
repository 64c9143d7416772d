package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"repro/format/manifest"
	"repro/internal/progress"
	"repro/publish/stranger"
)

// uploadChunk is how much one request sends. One that fails is sent again from where
// the registry says that it got to.
const uploadChunk = 64 << 20

// has asks whether a blob is in the repository.
func (r *Repository) has(ctx context.Context, digest manifest.Digest) (found bool, err error) {
	err = retry(ctx, r.o.pause, func() (bool, error) {
		q, err := http.NewRequestWithContext(ctx, http.MethodHead, r.address("blobs", string(digest)), nil)
		if err != nil {
			return false, err
		}
		answer, err := r.do(q, http.StatusOK, http.StatusNotFound)
		if err != nil {
			return false, err
		}
		found = answer.StatusCode == http.StatusOK
		return false, answer.Body.Close()
	})
	return found, err
}

// upload is one blob on its way into a registry.
type upload struct {
	r     *Repository
	blob  io.ReaderAt
	size  int64
	chunk int64
	name  string // for people

	at   string // where the next request goes
	sent int64  // what the registry is known to have
	all  int64  // bytes sent, those sent twice too
	lost bool   // the registry stands elsewhere than it said

	tried bool // something was sent to at before
}

// put sends a blob that the repository lacks. It returns how many bytes were sent.
func (r *Repository) put(ctx context.Context, blob io.ReaderAt, size int64, digest manifest.Digest, name string) (sent int64, err error) {
	object := "blob " + digest.Short()
	found, err := r.has(ctx, digest)
	if err != nil || found {
		return 0, r.failure(object, err)
	}
	u := &upload{r: r, blob: blob, size: size, chunk: uploadChunk, name: name}
	if from := r.knownIn(digest); from != "" {
		mounted, at, err := r.mount(ctx, digest, from)
		if mounted || ctx.Err() != nil {
			return 0, err
		}
		u.at = at // or nothing: that it may not, or does not know how, is no reason not to send it
	}
	err = retry(ctx, r.o.pause, func() (bool, error) {
		before := u.sent
		err := u.proceed(ctx, digest)
		return u.sent > before, err
	})
	return u.all, r.failure(object, err)
}

// proceed goes on with the upload until it is over or fails.
func (u *upload) proceed(ctx context.Context, digest manifest.Digest) error {
	if u.tried && u.at != "" { // a try before this one failed
		if found, err := u.r.has(ctx, digest); err == nil && found {
			return nil // and only its answer was lost
		}
		if err := u.ask(ctx); err != nil {
			return err
		}
	}
	if u.at == "" {
		if err := u.start(ctx); err != nil {
			return err
		}
	}
	u.tried = true
	for u.sent < u.size {
		if err := u.send(ctx, min(u.chunk, u.size-u.sent)); err != nil {
			return err
		}
	}
	return u.finish(ctx, digest)
}

func (u *upload) start(ctx context.Context) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, u.r.address("blobs", "uploads/"), nil)
	if err != nil {
		return err
	}
	answer, err := u.r.do(q, http.StatusAccepted)
	if err != nil {
		return err
	}
	u.sent, u.lost = 0, false
	return u.moved(answer)
}

// moved takes in where the next request goes.
func (u *upload) moved(answer *http.Response) (err error) {
	u.at, err = uploadAddress(answer)
	return err
}

// uploadAddress is where an answer says that an upload goes on.
func uploadAddress(answer *http.Response) (string, error) {
	defer answer.Body.Close()
	location := answer.Header.Get("Location")
	to, err := answer.Request.URL.Parse(location)
	if err != nil || location == "" {
		return "", stranger.Refuse(fmt.Sprintf("the registry does not say where to send a blob: %.200q", location))
	}
	return to.String(), nil
}

// ask asks how much of the blob arrived. Registries that cannot say are believed
// to have what they acknowledged; those that forgot the upload begin a new one.
func (u *upload) ask(ctx context.Context) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, u.at, nil)
	if err != nil {
		return err
	}
	answer, err := u.r.do(q, http.StatusNoContent, http.StatusAccepted, http.StatusOK)
	var status *statusError
	switch {
	case errors.As(err, &status) && status.code == http.StatusNotFound:
		u.at, u.sent = "", 0
		return nil
	case errors.As(err, &status) && status.code < 500:
		if u.lost { // and cannot say where
			u.at, u.sent = "", 0
		}
		return nil
	case err != nil:
		return err
	}
	if have, ok := acknowledged(answer); ok && have <= u.size {
		u.sent, u.lost = have, false
	}
	if answer.Header.Get("Location") == "" {
		return answer.Body.Close()
	}
	return u.moved(answer)
}

// acknowledged reads what a registry says that it has of a blob.
func acknowledged(answer *http.Response) (n int64, ok bool) {
	var first, last int64
	if _, err := fmt.Sscanf(answer.Header.Get("Range"), "%d-%d", &first, &last); err != nil || first != 0 || last < 0 {
		return 0, false
	}
	if last == 0 { // nothing, or one byte: nobody sends that little
		return 0, true
	}
	return last + 1, true
}

// send sends the next n bytes.
func (u *upload) send(ctx context.Context, n int64) error {
	from := u.sent
	q, err := http.NewRequestWithContext(ctx, http.MethodPatch, u.at, nil)
	if err != nil {
		return err
	}
	q.ContentLength = n
	q.GetBody = func() (io.ReadCloser, error) {
		return io.NopCloser(&sending{u: u, r: io.NewSectionReader(u.blob, from, n)}), nil
	}
	if q.Body, err = q.GetBody(); err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/octet-stream")
	q.Header.Set("Content-Range", fmt.Sprintf("%d-%d", from, from+n-1))
	answer, err := u.r.do(q, http.StatusAccepted, http.StatusCreated, http.StatusNoContent)
	if err != nil {
		return u.again(err)
	}
	u.sent = from + n
	if have, ok := acknowledged(answer); ok {
		if have <= from || have > u.sent {
			answer.Body.Close()
			return stranger.Refuse(fmt.Sprintf("the registry says that it has %d bytes after %d were sent", have, u.sent))
		}
		u.sent = have
	}
	return u.moved(answer)
}

// again is err, but may pass if the registry lost its place, the upload or the
// token: the next try asks first.
func (u *upload) again(err error) error {
	var status *statusError
	if !errors.As(err, &status) {
		return err
	}
	switch status.code {
	case http.StatusRequestedRangeNotSatisfiable:
		u.lost = true
	case http.StatusUnauthorized, http.StatusNotFound:
	default:
		return err
	}
	return &statusError{http.StatusServiceUnavailable, status.text}
}

func (u *upload) finish(ctx context.Context, digest manifest.Digest) error {
	to, err := url.Parse(u.at)
	if err != nil {
		return err
	}
	query := to.Query()
	query.Set("digest", string(digest))
	to.RawQuery = query.Encode()
	q, err := http.NewRequestWithContext(ctx, http.MethodPut, to.String(), http.NoBody)
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/octet-stream")
	answer, err := u.r.do(q, http.StatusCreated, http.StatusNoContent, http.StatusAccepted)
	if err != nil {
		return u.again(err)
	}
	return answer.Body.Close()
}

// sending reads what is sent, and reports it.
type sending struct {
	u *upload
	r *io.SectionReader
	n int64
}

func (s *sending) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += int64(n)
	s.u.all += int64(n)
	s.u.r.o.Progress.Report(progress.Event{Task: "push " + s.u.name, Done: s.u.sent + s.n, Total: s.u.size, Bytes: true})
	if err != nil && err != io.EOF {
		err = &localError{err}
	}
	return n, err
}
