package upload

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"time"

	"repro/format/manifest"
	"repro/gateway/access"
	"repro/gateway/store"
	"repro/report"
)

const (
	maxRequest = 64 << 10      // bytes of a JSON document
	stallTime  = time.Minute   // how long a sender may send nothing
	verifyTime = 2 * time.Hour // how long verifying may take
)

// State is what programs are told of an upload.
type State struct {
	ID      string          `json:"id"`
	Name    string          `json:"name"`
	Content manifest.Digest `json:"contentId"`
	Size    int64           `json:"size"`
	Former  string          `json:"former,omitempty"` // the submission of which it is a new version
	Offset  int64           `json:"offset"`           // bytes that have come
}

// Submitted is what programs are told of an upload that has become a submission.
type Submitted struct {
	Submission string         `json:"submission"` // its id
	Path       string         `json:"path"`       // of its page
	Report     *report.Verify `json:"report"`
}

// Handlers returns what answers each route.
func (u *Uploads) Handlers() map[string]access.Handler {
	return map[string]access.Handler{
		"GET /v/{venue}/uploads":                  u.list,
		"POST /v/{venue}/uploads":                 u.begin,
		"GET /v/{venue}/uploads/{upload}":         u.state,
		"PUT /v/{venue}/uploads/{upload}":         u.take,
		"DELETE /v/{venue}/uploads/{upload}":      u.cancel,
		"POST /v/{venue}/uploads/{upload}/finish": u.end,
		"POST /v/{venue}/submissions":             u.form,
	}
}

func answer(w http.ResponseWriter, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(b, '\n'))
	return nil
}

func (u *Uploads) stateOf(up store.Upload) (State, error) {
	offset, err := u.offset(up.ID)
	return State{up.ID, up.Name, up.Content, up.Size, up.Former, offset}, err
}

func (u *Uploads) list(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	open, err := u.store.Uploads(r.Context(), v.Person.ID)
	if err != nil {
		return err
	}
	states := []State{}
	for _, up := range open {
		if up.Venue != v.Venue.ID {
			continue
		}
		st, err := u.stateOf(up)
		if err != nil {
			return err
		}
		states = append(states, st)
	}
	return answer(w, http.StatusOK, states)
}

func (u *Uploads) begin(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	var ask State
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
	if err := dec.Decode(&ask); err != nil {
		return access.Refuse(http.StatusBadRequest, "this is not the JSON document that begins an upload: %v", err)
	}
	up, err := u.add(r, v, ask)
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, State{up.ID, up.Name, up.Content, up.Size, up.Former, 0})
}

func (u *Uploads) add(r *http.Request, v access.Visit, ask State) (store.Upload, error) {
	if ask.Former != "" {
		if _, person, err := u.store.Owner(r.Context(), ask.Former); err != nil || person != v.Person.ID {
			return store.Upload{}, access.Refuse(http.StatusBadRequest, "there is no submission of yours of which this could be a new version")
		}
	}
	up, err := u.store.AddUpload(r.Context(), store.Upload{Venue: v.Venue.ID, Person: v.Person.ID, Name: ask.Name, Content: ask.Content, Size: ask.Size, Former: ask.Former})
	var bad *store.InvalidError
	switch {
	case errors.As(err, &bad):
		return up, access.Refuse(http.StatusBadRequest, "%v", err)
	case errors.Is(err, store.ErrQuota):
		return up, access.Refuse(http.StatusRequestEntityTooLarge, "%v", err)
	}
	return up, err
}

func (u *Uploads) state(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	up, err := u.store.Upload(r.Context(), r.PathValue("upload"))
	if err != nil {
		return err
	}
	st, err := u.stateOf(up)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, st)
}

// held returns the upload of the path, for this request alone.
func (u *Uploads) held(r *http.Request) (up store.Upload, release func(), err error) {
	id := r.PathValue("upload")
	if release, err = u.hold(id); err != nil {
		return up, nil, err
	}
	if up, err = u.store.Upload(r.Context(), id); err != nil {
		release()
	}
	return up, release, err
}

func (u *Uploads) take(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	up, release, err := u.held(r)
	if err != nil {
		return err
	}
	defer release()
	has, err := u.offset(up.ID)
	if err != nil {
		return err
	}
	if at, err := strconv.ParseInt(r.URL.Query().Get("offset"), 10, 64); err != nil || at != has {
		return access.Refuse(http.StatusConflict, "this upload has %d bytes: go on from there with offset=%d", has, has)
	}
	has, err = u.write(up, has, patient(w, r.Body))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, State{up.ID, up.Name, up.Content, up.Size, up.Former, has})
}

// patient reads for as long as something comes.
func patient(w http.ResponseWriter, r io.Reader) io.Reader {
	c := http.NewResponseController(w)
	return readFunc(func(b []byte) (int, error) {
		now := time.Now()
		c.SetReadDeadline(now.Add(stallTime))
		c.SetWriteDeadline(now.Add(2 * stallTime))
		return r.Read(b)
	})
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(b []byte) (int, error) { return f(b) }

func (u *Uploads) cancel(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	up, release, err := u.held(r)
	if err != nil {
		return err
	}
	defer release()
	if err := u.store.EndUpload(r.Context(), v.Person.ID, up, "cancel upload"); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return u.removePart(up)
}

func (u *Uploads) end(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	up, release, err := u.held(r)
	if errors.Is(err, store.ErrNotFound) {
		return u.ended(w, r)
	}
	if err != nil {
		return err
	}
	defer release()
	done, err := u.submit(w, r, up)
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, done)
}

// ended answers who did not hear that the upload has become a submission.
func (u *Uploads) ended(w http.ResponseWriter, r *http.Request) error {
	sub, err := u.store.Submission(r.Context(), r.PathValue("upload"))
	if err != nil {
		return err
	}
	var rep report.Verify
	if err := json.Unmarshal(sub.Report, &rep); err != nil {
		return err
	}
	return answer(w, http.StatusCreated, submitted(sub, &rep))
}

func submitted(sub store.Submission, rep *report.Verify) Submitted {
	return Submitted{sub.ID, "/v/" + sub.Venue + "/submissions/" + sub.ID, rep}
}

func (u *Uploads) submit(w http.ResponseWriter, r *http.Request, up store.Upload) (Submitted, error) {
	has, err := u.offset(up.ID)
	if err != nil {
		return Submitted{}, err
	}
	if has != up.Size {
		return Submitted{}, access.Refuse(http.StatusConflict, "this upload has %d of %d bytes", has, up.Size)
	}
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(verifyTime))
	sub, rep, err := u.finish(r.Context(), up)
	return submitted(sub, rep), err
}

// fileOf returns the file of a form, and the former version that the form names
// before it.
func fileOf(parts *multipart.Reader) (former string, file *multipart.Part, err error) {
	for {
		part, err := parts.NextPart()
		if err != nil {
			return "", nil, access.Refuse(http.StatusBadRequest, "choose a file")
		}
		if part.FormName() == "former" && part.FileName() == "" {
			b, err := io.ReadAll(io.LimitReader(part, maxRequest))
			if err != nil {
				return "", nil, err
			}
			former = string(b)
			continue
		}
		if part.FileName() == "" {
			return "", nil, access.Refuse(http.StatusBadRequest, "choose a file")
		}
		return former, part, nil
	}
}

// drop forgets an upload that will not go on, if it is still there.
func (u *Uploads) drop(ctx context.Context, up store.Upload) error {
	err := u.store.EndUpload(ctx, up.Person, up, "cancel upload")
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return errors.Join(err, u.removePart(up))
}

// form takes an image from a browser: one file, in one piece.
func (u *Uploads) form(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || r.ContentLength <= 0 {
		return access.Refuse(http.StatusBadRequest, "send the form of the page, with one file")
	}
	r.Body = io.NopCloser(patient(w, r.Body))
	parts, err := r.MultipartReader()
	if err != nil {
		return err
	}
	former, part, err := fileOf(parts)
	if err != nil {
		return err
	}
	// The form is little longer than its file, of which it does not tell the
	// length: so much is asked of the quota, and the file is what comes.
	ask := State{Name: part.FileName(), Content: manifest.DigestOf([]byte(part.FileName())), Size: r.ContentLength, Former: former}
	up, err := u.add(r, v, ask)
	if err != nil {
		return err
	}
	release, err := u.hold(up.ID)
	if err != nil {
		return err
	}
	defer release()
	var done Submitted
	if up.Size, err = u.write(up, 0, part); err == nil {
		done, err = u.submit(w, r, up)
	}
	if err != nil { // nobody can go on with it, also where the browser is gone
		return errors.Join(err, u.drop(context.WithoutCancel(r.Context()), up))
	}
	http.Redirect(w, r, done.Path, http.StatusSeeOther)
	return nil
}
