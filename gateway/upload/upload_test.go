package upload

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/gateway/access"
	"repro/gateway/store"
	"repro/verify"
)

var ctx = context.Background()

// imageBytes makes an image.
func imageBytes(t *testing.T) []byte {
	t.Helper()
	env := tree.NewDir()
	if err := env.Put("bin/sh", tree.NewFile(0o755, bytes.Repeat([]byte("sh\n"), 5000))); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "x.sif")
	_, err := format.Create(ctx, name, format.Spec{
		Manifest: manifest.Manifest{
			Version: manifest.Version, Arch: "amd64", Environment: manifest.Environment{Kind: "host"},
			Paper: manifest.Paper{Title: "A title", Authors: []manifest.Author{{Name: "A"}}, Date: "2026-01-01T00:00:00Z"},
			Steps: []manifest.Step{{Name: "run", Command: []string{"true"}, Dir: "/"}}, Results: []manifest.Result{},
		},
		Recipe: []byte("title: A title\n"), Inspect: []byte("{}\n"),
		Layers: []format.LayerSpec{{Name: format.EnvironmentName, Role: manifest.RoleLayer, Tree: env}},
	})
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// desk is the interface as an author of venue a sees it.
type desk struct {
	*testing.T
	store *store.Store
	u     *Uploads
	visit access.Visit
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	s, err := store.Open(ctx, t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	v := store.Venue{ID: "a", Name: "A", Quota: 1 << 20}
	if err := s.AddVenue(ctx, 0, v); err != nil {
		t.Fatal(err)
	}
	l := store.Link{Venue: "a", Role: store.Author, Label: "Ada", Expires: time.Now().Add(time.Hour)}
	if _, err := s.AddLink(ctx, 0, l, store.HashOf("x")); err != nil {
		t.Fatal(err)
	}
	p, err := s.Bearer(ctx, store.HashOf("x"))
	if err != nil {
		t.Fatal(err)
	}
	u, err := New(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	return &desk{t, s, u, access.Visit{Person: p, Venue: v, Role: store.Author}}
}

// ask answers a request and fails unless the status is want.
func (d *desk) ask(want int, method, path string, body io.Reader, header ...string) string {
	d.Helper()
	mux := http.NewServeMux()
	for pattern, h := range d.u.Handlers() {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			err := h(w, r, d.visit)
			var e *access.Error
			switch {
			case errors.As(err, &e):
				http.Error(w, e.Message, e.Status)
			case err != nil:
				http.Error(w, "own: "+err.Error(), 500)
			}
		})
	}
	r := httptest.NewRequest(method, path, body)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	mux.ServeHTTP(rec, r)
	if rec.Code != want {
		d.Errorf("%s %s: %d %s, want %d", method, path, rec.Code, rec.Body, want)
	}
	return rec.Body.String() + rec.Header().Get("Location")
}

func (d *desk) begin(size int) State {
	d.Helper()
	ask := fmt.Sprintf(`{"name":"paper.sif","size":%d,"contentId":%q}`, size, manifest.DigestOf(nil))
	var st State
	if err := json.Unmarshal([]byte(d.ask(201, "POST", "/v/a/uploads", strings.NewReader(ask))), &st); err != nil {
		d.Fatal(err)
	}
	return st
}

// send sends all of b.
func (d *desk) send(b []byte) (path string) {
	d.Helper()
	path = "/v/a/uploads/" + d.begin(len(b)).ID
	d.ask(200, "PUT", path+"?offset=0", bytes.NewReader(b))
	return path
}

func (d *desk) files(pattern string) int {
	d.Helper()
	names, err := filepath.Glob(filepath.Join(d.store.Dir(), pattern))
	if err != nil {
		d.Fatal(err)
	}
	return len(names)
}

// TestPieces sends an image in pieces, over a restart (GTW-6).
func TestPieces(t *testing.T) {
	d, b := newDesk(t), imageBytes(t)
	st := d.begin(len(b))
	path := "/v/a/uploads/" + st.ID
	d.ask(200, "PUT", path+"?offset=0", bytes.NewReader(b[:1000]))
	for _, offset := range []string{"0", "999", "1001", "-1", "", "x"} {
		if got := d.ask(409, "PUT", path+"?offset="+offset, bytes.NewReader(b)); !strings.Contains(got, "offset=1000") {
			t.Errorf("offset %q: %s", offset, got)
		}
	}
	if got := d.ask(409, "POST", path+"/finish", nil); !strings.Contains(got, fmt.Sprintf("1000 of %d bytes", len(b))) {
		t.Errorf("finished early: %s", got)
	}
	var err error
	if d.u, err = New(ctx, d.store); err != nil {
		t.Fatal(err)
	}
	var list []State
	if err := json.Unmarshal([]byte(d.ask(200, "GET", "/v/a/uploads", nil)), &list); err != nil || len(list) != 1 || list[0].Offset != 1000 || list[0].ID != st.ID {
		t.Errorf("%+v, %v", list, err)
	}
	cut := io.MultiReader(bytes.NewReader(b[1000:5000]), iotestErr{})
	d.ask(500, "PUT", path+"?offset=1000", cut)
	if got := d.ask(200, "GET", path, nil); !strings.Contains(got, `"offset":5000`) {
		t.Errorf("what came before it was cut off is lost: %s", got)
	}
	d.ask(200, "PUT", path+"?offset=5000", bytes.NewReader(b[5000:]))
	var done Submitted
	if err := json.Unmarshal([]byte(d.ask(201, "POST", path+"/finish", nil)), &done); err != nil || done.Submission != st.ID || !done.Report.Intact || done.Report.Image != "paper.sif" {
		t.Fatalf("%+v, %v", done, err)
	}
	sub, err := d.store.Submission(ctx, st.ID)
	if err != nil || sub.Content != done.Report.ContentID || sub.Title != "A title" || sub.Size != int64(len(b)) {
		t.Fatalf("%+v, %v", sub, err)
	}
	kept, err := os.ReadFile(filepath.Join(d.store.Dir(), "images", strings.TrimPrefix(string(sub.Content), "sha256:"), sub.ID+".sif"))
	if err != nil || !bytes.Equal(kept, b) || d.files("uploads/*") != 0 {
		t.Errorf("kept %d of %d bytes, %v, %d parts left", len(kept), len(b), err, d.files("uploads/*"))
	}
	f, im, err := d.u.Open(sub)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if id, err := im.ContentID(); err != nil || id != sub.Content {
		t.Errorf("%s, %v", id, err)
	}
}

type iotestErr struct{}

func (iotestErr) Read([]byte) (int, error) { return 0, errors.New("cut off") }

// TestRefused: an image that is none stays in no store, and the verifier's words
// are the answer (GTW-6).
func TestRefused(t *testing.T) {
	b := imageBytes(t)
	altered, trailing := bytes.Clone(b), append(bytes.Clone(b), make([]byte, 4096)...)
	altered[len(altered)-5000] ^= 1
	for what, bad := range map[string][]byte{"altered": altered, "trailing": trailing, "cut": b[:len(b)-4096], "text": []byte("not an image"), "script": []byte("#!/bin/sh\nrm -rf /\n")} {
		d := newDesk(t)
		got := strings.TrimSpace(d.ask(422, "POST", d.send(bad)+"/finish", nil))
		if want := verifierSays(t, bad); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
		if strings.Contains(got, d.store.Dir()) {
			t.Errorf("%s: tells of this machine: %s", what, got)
		}
		subs, _, err := d.store.FindSubmissions(ctx, store.SubmissionQuery{Venue: "a", Most: 9})
		if open, _ := d.store.Uploads(ctx, 0); err != nil || len(subs)+len(open)+d.files("uploads/*")+d.files("images/*/*") != 0 {
			t.Errorf("%s: %d submissions, %d uploads, %v, or files are left", what, len(subs), len(open), err)
		}
	}
}

func verifierSays(t *testing.T, b []byte) string {
	t.Helper()
	im, err := format.New(bytes.NewReader(b), int64(len(b)), "paper.sif")
	if err == nil {
		_, err = verify.Image(ctx, im, verify.Trust{}, verify.Options{})
	}
	if err == nil || errors.Is(err, verify.ErrNotSigned) {
		t.Fatalf("the verifier takes it: %v", err)
	}
	return err.Error()
}

func TestLimits(t *testing.T) {
	d := newDesk(t)
	path := "/v/a/uploads/" + d.begin(10).ID
	if got := d.ask(413, "PUT", path+"?offset=0", strings.NewReader("0123456789a")); !strings.Contains(got, "10 bytes") {
		t.Error(got)
	}
	big := fmt.Sprintf(`{"name":"x","size":%d,"contentId":%q}`, 1<<20-9, manifest.DigestOf(nil))
	if got := d.ask(413, "POST", "/v/a/uploads", strings.NewReader(big)); !strings.Contains(got, "quota") {
		t.Error(got)
	}
	d.ask(400, "POST", "/v/a/uploads", strings.NewReader("{"))
	d.ask(400, "POST", "/v/a/uploads", strings.NewReader(`{"name":"x","size":-1,"contentId":"`+string(manifest.DigestOf(nil))+`"}`))
	d.ask(400, "POST", "/v/a/uploads", strings.NewReader(`{"name":"`+strings.Repeat("x", maxRequest)+`"}`))
	release, err := d.u.hold(strings.TrimPrefix(path, "/v/a/uploads/"))
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"PUT", "DELETE"} {
		d.ask(409, method, path, nil)
	}
	release()
	d.ask(204, "DELETE", path, nil)
	if n := d.files("uploads/*"); n != 0 {
		t.Errorf("%d files after cancelling", n)
	}
	d.ask(201, "POST", "/v/a/uploads", strings.NewReader(big))
	d.visit.Venue.ID = "b"
	if got := d.ask(200, "GET", "/v/b/uploads", nil); got != "[]\n" {
		t.Errorf("uploads to another venue: %s", got)
	}
}

// TestKilled: what is left of a gateway that was killed at any point of
// finishing can be finished, or is removed (GTW-6).
func TestKilled(t *testing.T) {
	d, b := newDesk(t), imageBytes(t)
	path := d.send(b)
	id := strings.TrimPrefix(path, "/v/a/uploads/")
	up, err := d.store.Upload(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	sub, _, err := d.u.inspect(ctx, up)
	if err != nil {
		t.Fatal(err)
	}
	name := d.store.ImagePath(sub)
	if err := errors.Join(os.Mkdir(filepath.Dir(name), 0o700), os.Link(d.u.part(id), name)); err != nil {
		t.Fatal(err)
	}
	orphan := filepath.Join(filepath.Dir(name), "orphan.sif")
	if err := errors.Join(os.WriteFile(orphan, b, 0o600), os.WriteFile(d.u.part("orphan"), b, 0o600)); err != nil {
		t.Fatal(err)
	}
	if d.u, err = New(ctx, d.store); err != nil {
		t.Fatal(err)
	}
	if parts, images := d.files("uploads/*"), d.files("images/*/*"); parts != 1 || images != 1 {
		t.Errorf("%d parts and %d images after a start, want the upload's", parts, images)
	}
	heard := d.ask(201, "POST", path+"/finish", nil)
	if again := d.ask(201, "POST", path+"/finish", nil); again != heard || !strings.Contains(heard, id) {
		t.Errorf("who did not hear the answer %q is told %q", heard, again)
	}
	d.ask(500, "POST", path+"0/finish", nil)
	if err := d.u.sweep(ctx, time.Now().Add(keepTime+time.Hour)); err != nil {
		t.Fatal(err)
	}
	if parts, images := d.files("uploads/*"), d.files("images/*/*"); parts != 0 || images != 1 {
		t.Errorf("%d parts and %d images of a submission", parts, images)
	}
}

func TestOldUploads(t *testing.T) {
	d := newDesk(t)
	d.send([]byte("x"))
	if err := d.u.sweep(ctx, time.Now().Add(keepTime-time.Minute)); err != nil || d.files("uploads/*") != 1 {
		t.Errorf("a week has not passed: %v", err)
	}
	if err := d.u.sweep(ctx, time.Now().Add(keepTime+time.Minute)); err != nil || d.files("uploads/*") != 0 {
		t.Errorf("an old upload stays: %v", err)
	}
	if open, err := d.store.Uploads(ctx, 0); err != nil || len(open) != 0 {
		t.Errorf("%+v, %v", open, err)
	}
}

// TestForm sends an image as a browser does.
func TestForm(t *testing.T) {
	form := func(b []byte) (io.Reader, string) {
		var out bytes.Buffer
		w := multipart.NewWriter(&out)
		part, err := w.CreateFormFile("image", "paper.sif")
		if err != nil {
			t.Fatal(err)
		}
		part.Write(b)
		w.Close()
		return &out, w.FormDataContentType()
	}
	d, b := newDesk(t), imageBytes(t)
	body, kind := form(b)
	d.ask(303, "POST", "/v/a/submissions", body, "Content-Type", kind)
	subs, _, err := d.store.FindSubmissions(ctx, store.SubmissionQuery{Venue: "a", Person: d.visit.Person.ID, Most: 9})
	if err != nil || len(subs) != 1 || subs[0].Size != int64(len(b)) || subs[0].Name != "paper.sif" {
		t.Fatalf("%+v, %v", subs, err)
	}
	body, kind = form([]byte("x"))
	d.ask(422, "POST", "/v/a/submissions", body, "Content-Type", kind)
	body, kind = form(make([]byte, 1<<20))
	d.ask(413, "POST", "/v/a/submissions", body, "Content-Type", kind)
	d.ask(400, "POST", "/v/a/submissions", strings.NewReader("x=y"), "Content-Type", "application/x-www-form-urlencoded")
	gone, leave := context.WithCancel(ctx)
	body, kind = form(b)
	r := httptest.NewRequest("POST", "/v/a/submissions", body).WithContext(gone)
	r.Header.Set("Content-Type", kind)
	half := r.ContentLength / 2
	r.Body = io.NopCloser(io.MultiReader(io.LimitReader(r.Body, half), readFunc(func([]byte) (int, error) { leave(); return 0, io.ErrUnexpectedEOF })))
	if err := d.u.form(httptest.NewRecorder(), r, d.visit); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a browser that goes away: %v", err)
	}
	open, err := d.store.Uploads(ctx, 0)
	if n := d.files("uploads/*"); n != 0 || len(open) != 0 || err != nil {
		t.Errorf("%d files and uploads %+v are left: %v", n, open, err)
	}
}
